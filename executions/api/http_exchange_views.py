"""The endpoint that tells which HTTP requests an execution sent; it is ours."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpResponse
from msgspec import UNSET, Meta, Struct, UnsetType
from rest_framework.request import Request

from executions.access.scopes import Insight, Scope
from executions.api.answers import json_answer
from executions.api.bodies import read_query
from executions.api.execution_documents import Instant
from executions.api.execution_queries import DEFAULT_LENGTH, MOST_ROWS, Including, Length
from executions.api.execution_views import find_execution
from executions.api.problems import ProblemCode
from executions.api.schema import endpoint
from executions.api.views import ApiView
from executions.models import HttpExchange
from executions.operations.listing import Direction
from executions.operations.paging import numbered_page


class HttpExchangesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests."""

    cursor: Annotated[int, Meta(ge=0, le=2**63 - 1, description="The cursor of a request.")] | None = None
    length: Length = DEFAULT_LENGTH
    including_cursor: Including = False
    direction: Direction = Direction.NEWER


class HttpExchangeDocument(Struct, frozen=True, kw_only=True):
    """One request."""

    cursor: int
    run_id: str
    started_at: Instant
    duration_us: Annotated[int, Meta(description="Until its response was read or given up; microseconds.")]
    method: str
    url: Annotated[str, Meta(description="With placeholders where secrets go.")]
    status: int | UnsetType = UNSET
    error: Annotated[str, Meta(description="Why no response came, or it broke off.")] | UnsetType = UNSET
    request_bytes: Annotated[int, Meta(description="Size of the body.")]
    response_bytes: int


class HttpExchangesDocument(Struct, frozen=True, kw_only=True):
    """A page of the requests, oldest first."""

    http_exchanges: list[HttpExchangeDocument]


class HttpExchangesView(ApiView):
    """What an execution asked of other servers."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.PAYLOAD}

    @endpoint(
        "list_http_exchanges",
        tag="executions",
        query=HttpExchangesQuery,
        answers={200: HttpExchangesDocument},
        problems=[ProblemCode.EXECUTION_NOT_FOUND, ProblemCode.INVALID_ID],
    )
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        """Return the HTTP requests that the execution sent, or was not allowed to send, without headers and bodies."""
        query = read_query(request, HttpExchangesQuery)
        row = find_execution(execution_id)
        page = numbered_page(
            HttpExchange.objects.filter(execution_id=row.execution_id),
            "id",
            cursor=query.cursor,
            direction=query.direction,
            including=query.including_cursor,
            length=min(query.length, MOST_ROWS),
        )
        return json_answer(HttpExchangesDocument(http_exchanges=[exchange_document(exchange) for exchange in page]))


def exchange_document(row: HttpExchange) -> HttpExchangeDocument:
    """Return what is said about a request."""
    return HttpExchangeDocument(
        cursor=row.pk,
        run_id=row.run_id,
        started_at=row.started_at,
        duration_us=row.duration_us,
        method=row.method,
        url=row.url,
        status=UNSET if row.status is None else row.status,
        error=UNSET if row.error is None else row.error,
        request_bytes=row.request_bytes,
        response_bytes=row.response_bytes,
    )
