from __future__ import annotations

from django.apps import AppConfig


class LabConfig(AppConfig):
    name = "tests.apps.lab"
    label = "test_lab"
    default_auto_field = "django.db.models.BigAutoField"
