"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Routes, deliveries, and the view that hands a request to a component."""

    name = "webhooks"
    verbose_name = "Webhooks"
