from __future__ import annotations

import os
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings

FOLDER_VARIABLE = "CHAOS_FOLDER"
"""Names the environment variable of the folder by which tests tell a process what is to go wrong."""
BUSY_TIMEOUT_S = 1
"""How long a process waits for SQLite's write lock here: tests need not hold it for as long as the product waits."""


class SaboteurConfig(AppConfig):
    name = "tests.apps.saboteur"
    label = "test_saboteur"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tests.apps.saboteur import clock, points

        folder = Path(os.environ[FOLDER_VARIABLE])
        points.install(folder)
        clock.install(folder)
        if "timeout" in settings.DATABASES["default"]["OPTIONS"]:
            settings.DATABASES["default"]["OPTIONS"]["timeout"] = BUSY_TIMEOUT_S
