"""Whether who began something that lasts may go on with it: tokens are revoked and people leave meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.utils import timezone
from rest_framework.request import Request

from executions.access.principals import principal_of
from executions.access.scopes import Insight, Scope
from executions.models.api_token import ApiToken


def still_has(request: Request, scope: Scope) -> Callable[[], bool]:
    """Return a question to ask again and again: whether who sent the request may see values under a scope now.

    By the database; tokens see values.
    """
    token, user = request.auth, request.user
    if isinstance(token, ApiToken):
        return lambda: _token_has(token, scope)
    return lambda: _person_has(user.pk, scope)


def _token_has(token: ApiToken, scope: Scope) -> bool:
    found = ApiToken.objects.usable(timezone.now()).filter(pk=token.pk).first()
    return found is not None and scope in found.granted


def _person_has(user_id: int | None, scope: Scope) -> bool:
    principal = None if user_id is None else principal_of(get_user_model().objects.filter(pk=user_id).first())
    return principal is not None and scope in principal.scopes and Insight.PAYLOAD in principal.insights
