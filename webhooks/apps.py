"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Routes, deliveries, and the view that hands a request to a component."""

    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """Have deliveries deleted when they are kept no longer."""
        # It imports models.
        from webhooks.retention import take_part

        take_part()
