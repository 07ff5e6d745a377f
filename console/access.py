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


def _needs(is_allowed: Callable[[Any], bool], what: str) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not is_allowed(request.user):
                raise PermissionDenied(f"You need the permission to {what}; ask whoever runs this site.")
            return view(request, *args, **kwargs)

        return checked

    return decorate


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


def may_have_tokens(user: Any) -> bool:
    """Tell whether somebody may make tokens of the API: those who change things, and see all that tokens show."""
    changes = may(user, Scope.OPERATE) or may(user, Scope.DEPLOY)
    return changes and insights_of(user) == frozenset(Insight)


def needs(scope: Scope) -> Callable[[View], View]:
    """Return the decorator of views that refuses whoever lacks a scope; says which."""
    return _needs(lambda user: may(user, scope), MEANINGS[scope])


def needs_insight(insight: Insight) -> Callable[[View], View]:
    """Return the decorator of views that refuses whoever may not see a part of what there is; says which."""
    return _needs(lambda user: insight in insights_of(user), INSIGHTS[insight])


needs_tokens = _needs(may_have_tokens, "operate or to deploy, and to see values and source, to have tokens")
needs_administrator = _needs(may_administer, "administer this site (superuser)")


def person(request: HttpRequest) -> Principal:
    """Return who asks; the view has checked that there is somebody."""
    principal = principal_of(request.user)
    assert principal is not None
    return principal


def person_id(request: HttpRequest) -> int:
    """Return the number of who asks; the view has checked that there is somebody."""
    pk = request.user.pk
    assert isinstance(pk, int)
    return pk
