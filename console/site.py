"""The admin site: Django's, in the theme, with the console's own pages before the models'."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern
from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]  # the theme has no types
    """The one admin site of the project."""

    # The theme lists every app's models otherwise; the menu says what there is.
    enable_nav_sidebar = True

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Show the dashboard."""
        from console.dashboard.views import dashboard  # imports models

        return dashboard(request)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Return what the quick search finds, as it is now: the theme keeps answers for minutes."""
        from console.finding import search  # imports models

        return TemplateResponse(request, "console/found.html", {"rows": search(request), **(extra_context or {})})

    def extra_urls(self) -> list[URLPattern]:
        """Return the console's own pages."""
        from console.urls import console_urls  # its views import models

        return console_urls(self)
