"""Looking at deliveries, and having them answered once more."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from components.problems import DeploymentRefused
from webhooks.api.documents import document, summary
from webhooks.models import Delivery, DeliveryState
from webhooks.problems import Problem
from webhooks.replaying import DeliveryNotFound, ReplayRefused, replay

_LENGTH = 20
_MOST = 200


class QueryRefused(Exception):
    """A parameter that is none; says why in one sentence."""


class DeliveryListView(APIView):
    """All deliveries, newest first."""

    permission_classes = (IsAdminUser,)

    def get(self, request: Request) -> Response | HttpResponse:
        """Return a page: ``endpoint`` and ``state`` choose, ``cursor`` is the last id of the page before."""
        rows = Delivery.objects.newest_first().defer("body", "response_body")
        try:
            length, cursor = _number(request, "length", _LENGTH), _number(request, "cursor", 0)
        except QueryRefused as error:
            return _problem(Problem(status=422, code="invalid_query", detail=str(error)))
        if endpoint := request.query_params.get("endpoint"):
            rows = rows.of_endpoint(endpoint)
        if state := request.query_params.get("state"):
            if state not in DeliveryState.values:
                known = ", ".join(DeliveryState.values)
                return _problem(
                    Problem(status=422, code="invalid_query", detail=f'state is "{state[:40]}"; known are {known}')
                )
            rows = rows.filter(state=state)
        if cursor:
            rows = rows.filter(pk__lt=cursor)
        return Response([summary(delivery) for delivery in rows[: min(length, _MOST)]])


class DeliveryView(APIView):
    """One delivery."""

    permission_classes = (IsAdminUser,)

    def get(self, _request: Request, delivery_id: int) -> Response | HttpResponse:
        """Return all of it."""
        delivery = Delivery.objects.filter(pk=delivery_id).first()
        if delivery is None:
            return _not_found(f"there is no delivery {delivery_id}")
        return Response(document(delivery))


class ReplayView(APIView):
    """Having a delivery answered once more."""

    permission_classes = (IsAdminUser,)

    def post(self, _request: Request, delivery_id: int) -> Response | HttpResponse:
        """Answer it again, and return the new delivery once it is answered."""
        try:
            return Response(document(replay(delivery_id)), status=201)
        except DeliveryNotFound as error:
            return _not_found(str(error))
        except ReplayRefused as error:
            return _problem(Problem(status=409, code="replay_refused", detail=str(error)))
        except DeploymentRefused as error:
            return _problem(Problem(status=503, code="webhooks_unusable", detail=str(error)))


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise QueryRefused(f"{name} must be a whole number")
    return int(text)


def _not_found(detail: str) -> HttpResponse:
    return _problem(Problem(status=404, code="delivery_not_found", detail=detail))


def _problem(problem: Problem) -> HttpResponse:
    headers, body = problem.render((("accept", b"application/problem+json"),))
    return HttpResponse(
        body,
        status=problem.status,
        headers={name: value.decode() for name, value in headers if name != "content-length"},
    )
