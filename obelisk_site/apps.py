"""The site as a Django app, so that its checks are registered."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Registers the system checks of the settings."""

    name = "obelisk_site"
    verbose_name = "Obelisk"

    def ready(self) -> None:
        """Import the checks; the import registers them."""
        from obelisk_site import checks, deploy_checks, postgresql_checks  # noqa: F401 - imported for their effect
