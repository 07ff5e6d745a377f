"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ComponentsConfig(AppConfig):
    """Components, functions, deployments and the files they are made of."""

    name = "components"
    default_auto_field = "django.db.models.BigAutoField"
