"""Looking at deliveries and refused requests, and having deliveries answered once more."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpResponse
from msgspec import Meta, Struct
from rest_framework.request import Request

from executions.access.principals import principal_of
from executions.access.scopes import Insight, Scope
from executions.api.answers import json_answer
from executions.api.bodies import read_query
from executions.api.execution_queries import NoQuery
from executions.api.problems import Problem, ProblemCode
from executions.api.recording import OperationQuery
from executions.api.schema import endpoint
from executions.api.views import ApiView
from webhooks.api.documents import (
    DeliveryDocument,
    DeliverySummary,
    RefusedDocument,
    document,
    refused_document,
    summary,
)
from webhooks.deliveries import Asked
from webhooks.models import Delivery, RefusedRequest
from webhooks.replaying import Against, DeliveryNotFound, ReplayRefused, replay


class PageQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of a list."""

    endpoint: Annotated[str, Meta(description="Only those to this endpoint.")] | None = None
    cursor: Annotated[int, Meta(ge=1, le=2**63 - 1, description="The last id of the page before.")] | None = None
    length: Annotated[int, Meta(ge=1, le=200)] = 20


class DeliveriesQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries."""

    state: Annotated[Literal["running", "answered", "failed"], Meta(description="Only those in this state.")] | None = (
        None
    )


class ReplayQuery(OperationQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a delivery is answered once more, and by which component."""

    against: Annotated[
        Literal["present", "as_delivered"],
        Meta(description="The component that is mounted there now, or the version that answered it then."),
    ] = "present"


class DeliveryListView(ApiView):
    """All deliveries."""

    scopes = {"GET": Scope.READ}

    @endpoint("list_deliveries", tag="webhooks", query=DeliveriesQuery, answers={200: list[DeliverySummary]})
    def get(self, request: Request) -> HttpResponse:
        """Return a page of the signed requests to webhook endpoints, newest first."""
        query = read_query(request, DeliveriesQuery)
        rows = Delivery.objects.newest_first().defer("body", "response_body")
        if query.endpoint is not None:
            rows = rows.of_endpoint(query.endpoint)
        if query.state is not None:
            rows = rows.filter(state=query.state)
        if query.cursor is not None:
            rows = rows.filter(pk__lt=query.cursor)
        return json_answer([summary(delivery) for delivery in rows[: query.length]])


class DeliveryView(ApiView):
    """One delivery."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.PAYLOAD}

    @endpoint(
        "get_delivery", tag="webhooks", answers={200: DeliveryDocument}, problems=[ProblemCode.DELIVERY_NOT_FOUND]
    )
    def get(self, request: Request, delivery_id: int) -> HttpResponse:
        """Return a delivery with its headers, its body and what was answered."""
        read_query(request, NoQuery)
        delivery = Delivery.objects.filter(pk=delivery_id).first()
        if delivery is None:
            raise Problem(ProblemCode.DELIVERY_NOT_FOUND, f"there is no delivery {delivery_id}")
        return json_answer(document(delivery))


class ReplayView(ApiView):
    """Having a delivery answered once more."""

    scopes = {"POST": Scope.OPERATE}
    insights = {"POST": Insight.PAYLOAD}

    @endpoint(
        "replay_delivery",
        tag="webhooks",
        query=ReplayQuery,
        answers={201: DeliveryDocument},
        problems=[
            ProblemCode.DELIVERY_NOT_FOUND,
            ProblemCode.DELIVERY_NOT_REPLAYABLE,
            ProblemCode.DEPLOYMENT_UNUSABLE,
        ],
    )
    def post(self, request: Request, delivery_id: int) -> HttpResponse:
        """Have a delivery answered once more, and return the new delivery once it is."""
        query = read_query(request, ReplayQuery)
        principal = principal_of(request.user)
        assert principal is not None  # `HasScope` lets nobody else through
        asked = Asked(actor=principal.actor, reason=query.reason)
        try:
            return json_answer(document(replay(delivery_id, asked, against=Against(query.against))), status=201)
        except DeliveryNotFound as error:
            raise Problem(ProblemCode.DELIVERY_NOT_FOUND, str(error)) from error
        except ReplayRefused as error:
            raise Problem(ProblemCode.DELIVERY_NOT_REPLAYABLE, str(error)) from error


class RefusedListView(ApiView):
    """Requests that reached no component."""

    scopes = {"GET": Scope.READ}

    @endpoint("list_refused_requests", tag="webhooks", query=PageQuery, answers={200: list[RefusedDocument]})
    def get(self, request: Request) -> HttpResponse:
        """Return a page of the requests to webhook endpoints that were refused, newest first.

        Those that are alike and came within a minute are one; what they carried is not kept.
        """
        query = read_query(request, PageQuery)
        rows = RefusedRequest.objects.order_by("-pk")
        if query.endpoint is not None:
            rows = rows.filter(endpoint=query.endpoint)
        if query.cursor is not None:
            rows = rows.filter(pk__lt=query.cursor)
        return json_answer([refused_document(row) for row in rows[: query.length]])
