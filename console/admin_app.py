"""Django's admin with the console as its site. In a module of its own: an app may have one configuration only."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    """The admin, served by `console.site.ConsoleSite`."""

    default_site = "console.site.ConsoleSite"
