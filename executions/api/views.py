"""What all views of the API have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

from django.http import Http404, HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from executions.access.authentication import BearerAuthentication, SessionLogin
from executions.access.permissions import HasScope
from executions.access.scopes import Insight, Scope
from executions.access.throttling import PrincipalThrottle


class ApiView(APIView):
    """A view that takes and gives what the conventions say; `scopes` names what each of its methods needs.

    `insights` names what people must be allowed to see besides, since the answer shows it.

    Bodies are read by `executions.api.bodies` and answers made by `executions.api.answers`: the framework's parsers and
    renderers have no part in it.
    """

    authentication_classes: Sequence[type[BaseAuthentication]] = (BearerAuthentication, SessionLogin)
    permission_classes: Any = (HasScope,)
    throttle_classes: Sequence[type[BaseThrottle]] = (PrincipalThrottle,)
    http_method_names = ["get", "head", "post", "put"]
    scopes: ClassVar[Mapping[str, Scope]] = {}
    insights: ClassVar[Mapping[str, Insight]] = {}

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Return no headers: answers bring their own."""
        return {}


class NoSuchEndpoint(ApiView):
    """Whatever else is asked for under ``/v1/``."""

    schema = None

    def http_method_not_allowed(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Answer every method alike."""
        raise Http404
