"""How a request says who sends it: a bearer token, or the session of a person who is logged in."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from executions.access.principals import Principal
from executions.access.tokens import find_token, principal_of_token
from executions.api.problems import Problem, ProblemCode
from executions.models.api_token import ApiToken

REFUSAL = "missing or invalid API token"
"""Obelisk's words."""


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer TOKEN``; anything else in that header is refused, and no session can make up for it."""

    def authenticate(self, request: Request) -> tuple[Principal, ApiToken] | None:
        """Return whose token it is, or ``None`` if the header is missing."""
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        scheme, _, text = header.partition(" ")
        token = find_token(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise AuthenticationFailed(REFUSAL)
        return principal_of_token(token), token

    def authenticate_header(self, request: Request) -> str:
        """Return what a refused client should send."""
        return "Bearer"


class SessionLogin(SessionAuthentication):
    """The session of a person who is logged in; what changes something needs Django's CSRF token as well."""

    def enforce_csrf(self, request: Request) -> None:
        """Refuse a request that another site may have made the browser send."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise Problem(ProblemCode.CSRF_FAILED, str(error.detail)) from error
