"""``manage.py api_errors``: write the page of the API's error codes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from executions.api.error_page import error_page


class Command(BaseCommand):
    """Writes docs/api-errors.md."""

    help = "Write docs/api-errors.md, the page of the API's error codes, from the program."
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write the page."""
        (settings.BASE_DIR / "docs" / "api-errors.md").write_text(error_page())
