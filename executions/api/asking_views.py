"""Endpoints for talking to workflows: signals, queries, local variables."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpResponse
from msgspec import Meta, Struct
from rest_framework.request import Request

from engine.log.ids import parse_execution_id
from executions.access.scopes import Insight, Scope
from executions.api.answers import json_answer, message
from executions.api.bodies import read_body, read_query
from executions.api.execution_queries import NoQuery
from executions.api.problems import ProblemCode
from executions.api.recording import OperationQuery, recording
from executions.api.replaying import replaying
from executions.api.schema import MessageDocument, ReturnedOk, endpoint
from executions.api.views import ApiView
from executions.operations.querying import locals_at, query
from executions.operations.recording import Operation
from executions.operations.signalling import send

_OF_WORKFLOWS = (
    ProblemCode.EXECUTION_NOT_FOUND,
    ProblemCode.INVALID_ID,
    ProblemCode.NO_WORKFLOW,
    ProblemCode.VERSION_MISSING,
    ProblemCode.ILLEGAL_STATE,
    ProblemCode.BUSY,
    ProblemCode.DEPLOYMENT_UNUSABLE,
)


class SignalBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signal."""

    name: Annotated[str, Meta(description="The signal's full name, or what comes behind the last dot.")]
    payload: Annotated[Any, Meta(description="What the call that waits for it returns.")] = None
    signal_id: Annotated[str, Meta(description="Of the sender; each counts once for an execution.")] | None = None


class QueryBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question."""

    name: Annotated[str, Meta(description="The query function of the workflow's file.")]
    params: list[Any] = []


class LocalsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At which event."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1, description="Where it waits now by default.")] | None = None


class FrameDocument(Struct, frozen=True, kw_only=True):
    """One function that is being called."""

    function: str
    file: str
    line: int
    locals: dict[str, str]


class SignalView(ApiView):
    """Sending signals."""

    scopes = {"POST": Scope.OPERATE}

    @endpoint(
        "signal",
        tag="executions",
        query=OperationQuery,
        body=SignalBody,
        body_examples=[("Paid", {"name": "paid", "payload": 90, "signal_id": "payment-4711"})],
        answers={200: MessageDocument},
        text=True,
        problems=[
            *_OF_WORKFLOWS,
            ProblemCode.SIGNAL_UNKNOWN,
            ProblemCode.INVALID_RESULT,
            ProblemCode.ALREADY_FINISHED,
        ],
    )
    def post(self, request: Request, execution_id: str) -> HttpResponse:
        """Send a signal to a workflow, for the call that waits for it or for the next one."""
        target = parse_execution_id(execution_id)
        body = read_body(request, SignalBody)
        journal = recording(request, target, Operation.SIGNAL, detail=body.name)
        is_new = send(target, body.name, body.payload, signal_id=body.signal_id, journal=journal)
        return message(request, "sent" if is_new else "was sent before")


class QueryView(ApiView):
    """Asking workflows."""

    scopes = {"POST": Scope.READ}
    insights = {"POST": Insight.PAYLOAD}

    @endpoint(
        "query",
        tag="executions",
        body=QueryBody,
        body_examples=[("How many are booked?", {"name": "booked", "params": [2]})],
        answers={200: ReturnedOk},
        problems=[*_OF_WORKFLOWS, ProblemCode.QUERY_UNKNOWN, ProblemCode.QUERY_FAILED],
    )
    @replaying
    def post(self, request: Request, execution_id: str) -> HttpResponse:
        """Ask a workflow, running or finished, by one of the queries of its file; nothing is written."""
        read_query(request, NoQuery)
        target = parse_execution_id(execution_id)
        body = read_body(request, QueryBody)
        return json_answer(ReturnedOk(query(target, body.name, body.params)))


class LocalsView(ApiView):
    """Local variables of workflows."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.PAYLOAD}

    @endpoint(
        "get_locals", tag="debugging", query=LocalsQuery, answers={200: list[FrameDocument]}, problems=_OF_WORKFLOWS
    )
    @replaying
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        """Return the local variables of a workflow where it made the call that wrote an event."""
        asked = read_query(request, LocalsQuery)
        return json_answer(locals_at(parse_execution_id(execution_id), asked.version))
