"""The endpoint that tells who did what to an execution; it is ours."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpResponse
from msgspec import UNSET, Meta, Struct, UnsetType
from rest_framework.request import Request

from executions.access.scopes import Scope
from executions.api.answers import json_answer
from executions.api.bodies import read_query
from executions.api.execution_documents import Instant
from executions.api.execution_queries import DEFAULT_LENGTH, MOST_ROWS, Including, Length
from executions.api.execution_views import find_execution
from executions.api.problems import ProblemCode
from executions.api.schema import endpoint
from executions.api.views import ApiView
from executions.models import OperationRecord
from executions.operations.listing import Direction
from executions.operations.paging import numbered_page


class OperationsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which operations."""

    cursor: Annotated[int, Meta(ge=0, le=2**63 - 1, description="The cursor of an operation.")] | None = None
    length: Length = DEFAULT_LENGTH
    including_cursor: Including = False
    direction: Direction = Direction.NEWER


class OperationDocument(Struct, frozen=True, kw_only=True):
    """One operation."""

    cursor: int
    at: Instant
    operation: str
    detail: (
        Annotated[str, Meta(description="The delay, the signal, the version, or which execution it started.")]
        | UnsetType
    ) = UNSET
    actor: Annotated[str, Meta(examples=["user:ann", "token:8505f6c86e billing service", "command:root"])]
    reason: str | UnsetType = UNSET


class OperationsDocument(Struct, frozen=True, kw_only=True):
    """A page of the operations, oldest first."""

    operations: list[OperationDocument]


class OperationsView(ApiView):
    """Who did what to an execution."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "list_operations",
        tag="executions",
        query=OperationsQuery,
        answers={200: OperationsDocument},
        problems=[ProblemCode.EXECUTION_NOT_FOUND, ProblemCode.INVALID_ID],
    )
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        """Return who paused, cancelled, answered or otherwise changed the execution or its delays, when and why."""
        query = read_query(request, OperationsQuery)
        row = find_execution(execution_id)
        page = numbered_page(
            OperationRecord.objects.filter(execution_id=row.execution_id),
            "id",
            cursor=query.cursor,
            direction=query.direction,
            including=query.including_cursor,
            length=min(query.length, MOST_ROWS),
        )
        return json_answer(OperationsDocument(operations=[_document(record) for record in page]))


def _document(record: OperationRecord) -> OperationDocument:
    return OperationDocument(
        cursor=record.pk,
        at=record.at,
        operation=record.operation,
        detail=record.detail or UNSET,
        actor=record.actor,
        reason=record.reason or UNSET,
    )
