"""One operation on many executions."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpResponse
from msgspec import UNSET, Meta, Struct, UnsetType
from rest_framework.request import Request

from executions.access.permissions import require_scope, sees
from executions.access.scopes import Insight, Scope
from executions.api.answers import json_answer
from executions.api.bodies import read_body, read_query
from executions.api.execution_queries import FilterQuery, filter_of
from executions.api.problems import Problem, ProblemCode
from executions.api.recording import OperationQuery, recording
from executions.api.schema import endpoint
from executions.api.views import ApiView
from executions.operations.bulk import BulkOperation, carry_out, count_matching
from executions.operations.listing import CursorRefused, place_at
from executions.operations.recording import Operation

_MOST = 1000


class BulkBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do to which executions."""

    operation: BulkOperation
    filter: Annotated[FilterQuery, Meta(description="The filters of the list; an empty one means all at top level.")]
    dry_run: Annotated[bool, Meta(description="Only count.")] = True
    limit: Annotated[int, Meta(ge=1, le=_MOST, description="Most executions to look at with this request.")] = 100
    cursor: Annotated[str, Meta(description="`next_cursor` of the answer before.")] | None = None


class RefusedDocument(Struct, frozen=True, kw_only=True):
    """An execution that was left as it is."""

    execution_id: str
    err: str


class BulkDocument(Struct, frozen=True, kw_only=True):
    """What a bulk request came to."""

    operation: BulkOperation
    dry_run: bool
    matching: Annotated[
        int | UnsetType, Meta(description="Of a dry run: how many there are; 10001 stands for more than 10000.")
    ] = UNSET
    done: list[str]
    refused: list[RefusedDocument]
    next_cursor: Annotated[str, Meta(description="Send it to go on; missing when all were looked at.")] | UnsetType = (
        UNSET
    )


class BulkView(ApiView):
    """One operation on many executions."""

    scopes = {"POST": Scope.OPERATE}

    @endpoint(
        "bulk",
        tag="executions",
        query=OperationQuery,
        body=BulkBody,
        body_examples=[
            ("How many are unfinished?", {"operation": "cancel", "filter": {"status": ["unfinished"]}}),
            ("Retry what failed", {"operation": "retry", "filter": {"status": ["finished_error"]}, "dry_run": False}),
        ],
        answers={200: BulkDocument},
        problems=[ProblemCode.INVALID_PARAMETER, ProblemCode.INVALID_CURSOR],
    )
    def post(self, request: Request) -> HttpResponse:
        """Count what a filter lets through, or cancel, pause, unpause, retry or fork it, portion by portion.

        Retrying and forking start executions, and need the scope submit as well. A fork begins behind the last event.
        """
        read_query(request, OperationQuery)
        body = read_body(request, BulkBody)
        if body.operation.starts:
            require_scope(request, Scope.SUBMIT)
        wanted = filter_of(body.filter)
        if body.dry_run:
            count = count_matching(wanted)
            return json_answer(
                BulkDocument(operation=body.operation, dry_run=True, matching=count, done=[], refused=[])
            )
        try:
            place = None if body.cursor is None else place_at(body.cursor)
        except CursorRefused as error:
            raise Problem(ProblemCode.INVALID_CURSOR, str(error)) from error
        operation = Operation(body.operation.value)
        report = carry_out(
            body.operation,
            wanted,
            limit=body.limit,
            place=place,
            journal_for=lambda execution_id: recording(request, execution_id, operation),
            with_values=sees(request, Insight.PAYLOAD),
        )
        return json_answer(
            BulkDocument(
                operation=body.operation,
                dry_run=False,
                done=list(report.done),
                refused=[RefusedDocument(execution_id=each.execution_id, err=each.reason) for each in report.refused],
                next_cursor=UNSET if report.next is None else report.next,
            )
        )
