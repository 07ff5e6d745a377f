from __future__ import annotations

import os
from pathlib import Path

from django.apps import AppConfig

FOLDER_VARIABLE = "CHAOS_FOLDER"
"""Names the environment variable of the folder by which tests tell a process what is to go wrong."""


class SaboteurConfig(AppConfig):
    name = "tests.apps.saboteur"
    label = "test_saboteur"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tests.apps.saboteur import clock, points

        folder = Path(os.environ[FOLDER_VARIABLE])
        points.install(folder)
        clock.install(folder)
