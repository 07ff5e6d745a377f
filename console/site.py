"""The admin site: Django's, in the theme, with the console's own pages before the models'."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern
from unfold.sites import UnfoldAdminSite

from console.seeing import showing


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]  # the theme has no types
    """The one admin site of the project."""

    # The theme lists every app's models otherwise; the menu says what there is.
    enable_nav_sidebar = True

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:  # noqa: FBT001, FBT002
        """Return a view for people who are logged in; see `AdminSite`. Its page shows what they may see of values."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            from console.access import insights_of  # imports models

            with showing(insights_of(request.user)):
                response: HttpResponseBase = inner(request, *args, **kwargs)
                # Templates are rendered behind views otherwise.
                return response.render() if isinstance(response, SimpleTemplateResponse) else response

        return seen

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Return what the quick search finds, as it is now: the theme keeps answers for minutes."""
        from console.finding.pages import quick_search  # imports models

        return quick_search(request)

    def extra_urls(self) -> list[URLPattern]:
        """Return the console's own pages."""
        from console.urls import console_urls  # its views import models

        return console_urls(self)
