"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """Receipts, written by an activity."""

    name = "examples.shop"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"
