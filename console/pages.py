"""Rendering a page of the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from console.access import insights_of, may
from executions.access.scopes import Insight, Scope


def page(request: HttpRequest, template: str, *, title: str, status: int = 200, **context: Any) -> HttpResponse:
    """Return a page with the menu around it.

    Args:
        request: Who asks.
        template: Name of the template, below ``console/``.
        title: What the tab and the head of the page say.
        status: HTTP status.
        context: What the template shows.
    """
    allowed = {f"may_{scope.value}": may(request.user, scope) for scope in Scope}
    insights = insights_of(request.user)
    allowed |= {f"may_see_{insight.value}": insight in insights for insight in Insight}
    return TemplateResponse(
        request,
        f"console/{template}",
        {**admin.site.each_context(request), "title": title, **allowed, **context},
        status=status,
    )
