"""``make chaos``: what goes wrong with real processes, for as long as wanted."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.chaos.soak import main  # noqa: E402 - needs Django

sys.exit(main())
