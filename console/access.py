"""Who may see and do what in the console: one question, asked by pages, actions and sockets alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from executions.access.principals import Principal, principal_of
from executions.access.scopes import MEANINGS, Scope

View = Callable[..., HttpResponseBase]


def may(user: Any, scope: Scope) -> bool:
    """Tell whether somebody may see pages, or do something; the same for whatever way they take."""
    if user is None or not (user.is_active and user.is_staff):
        return False
    principal = principal_of(user)
    return principal is not None and scope in principal.scopes


def may_see_source(user: Any) -> bool:
    """Tell whether somebody may see the source of what is deployed."""
    return may(user, Scope.READ)


def may_see_payload(user: Any) -> bool:
    """Tell whether somebody may see what executions are given, hold and return."""
    return may(user, Scope.READ)


def needs(scope: Scope) -> Callable[[View], View]:
    """Return the decorator of views that refuses whoever lacks a scope; says which."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not may(request.user, scope):
                raise PermissionDenied(f"You need the permission to {MEANINGS[scope]}; ask whoever runs this site.")
            return view(request, *args, **kwargs)

        return checked

    return decorate


def person(request: HttpRequest) -> Principal:
    """Return who asks; the view has checked that there is somebody."""
    principal = principal_of(request.user)
    assert principal is not None
    return principal
