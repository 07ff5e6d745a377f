"""Who may see and do what in the console: one question, asked by pages, actions and sockets alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from executions.access.principals import Principal, principal_of
from executions.access.scopes import INSIGHTS, MEANINGS, Insight, Scope

View = Callable[..., HttpResponseBase]


def may(user: Any, scope: Scope) -> bool:
    """Tell whether somebody may see pages, or do something; the same for whatever way they take."""
    if user is None or not (user.is_active and user.is_staff):
        return False
    principal = principal_of(user)
    return principal is not None and scope in principal.scopes


def insights_of(user: Any) -> frozenset[Insight]:
    """Return what somebody may see of values and source."""
    principal = principal_of(user) if may(user, Scope.READ) else None
    return frozenset() if principal is None else principal.insights


def may_see_payload(user: Any) -> bool:
    """Tell whether somebody may see values: parameters, results, events, log lines, variables, bodies."""
    return Insight.PAYLOAD in insights_of(user)


def may_see_source(user: Any) -> bool:
    """Tell whether somebody may see source code."""
    return Insight.SOURCE in insights_of(user)


def may_administer(user: Any) -> bool:
    """Tell whether somebody may see to the site itself: everybody's tokens, storage, exports of the audit."""
    return bool(user is not None and user.is_active and user.is_staff and user.is_superuser)


def needs(scope: Scope) -> Callable[[View], View]:
    """Return the decorator of views that refuses whoever lacks a scope; says which."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not may(request.user, scope):
                raise PermissionDenied(_refusal(MEANINGS[scope]))
            return view(request, *args, **kwargs)

        return checked

    return decorate


def needs_insight(insight: Insight) -> Callable[[View], View]:
    """Return the decorator of views that refuses whoever may not see a part of what there is; says which."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if insight not in insights_of(request.user):
                raise PermissionDenied(_refusal(INSIGHTS[insight]))
            return view(request, *args, **kwargs)

        return checked

    return decorate


def needs_administrator(view: View) -> View:
    """Decorate a view so that it refuses everybody but administrators."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may_administer(request.user):
            raise PermissionDenied("Only administrators (superusers) may see this; ask whoever runs this site.")
        return view(request, *args, **kwargs)

    return checked


def _refusal(meaning: str) -> str:
    return f"You need the permission to {meaning}; ask whoever runs this site."


def person(request: HttpRequest) -> Principal:
    """Return who asks; the view has checked that there is somebody."""
    principal = principal_of(request.user)
    assert principal is not None
    return principal
