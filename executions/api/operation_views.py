"""Endpoints that change one execution or one delay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request

from engine.log.ids import DelayId, ExecutionId, delay_position, parse_execution_id
from executions.access.lasting import still_has
from executions.access.permissions import sees
from executions.access.scopes import Insight, Scope
from executions.api.answers import message
from executions.api.bodies import read_json, read_query
from executions.api.execution_queries import NoQuery
from executions.api.execution_views import find_execution
from executions.api.following import event_stream
from executions.api.problems import Problem, ProblemCode
from executions.api.recording import OperationQuery, recording
from executions.api.schema import MessageDocument, endpoint
from executions.api.views import ApiView
from executions.operations.answering import answer
from executions.operations.cancelling import Cancelling, cancel
from executions.operations.delays import DelayCancelling, cancel_delay, pause_delay, unpause_delay
from executions.operations.pausing import pause, unpause
from executions.operations.recording import Operation, RecordingJournal
from executions.operations.retrying import retry
from executions.operations.submitting import CallRefused
from executions.operations.unquoted import without_values

_REFUSALS: Final[Mapping[Cancelling, ProblemCode]] = {
    Cancelling.ALREADY_CANCELLING: ProblemCode.ALREADY_CANCELLING,
    Cancelling.ALREADY_FINISHED: ProblemCode.ALREADY_FINISHED,
    Cancelling.NOT_CANCELLABLE: ProblemCode.NOT_CANCELLABLE,
}


class CancelView(ApiView):
    """Cancelling an execution."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "cancel",
        tag="executions",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=[
            ProblemCode.EXECUTION_NOT_FOUND,
            ProblemCode.INVALID_ID,
            ProblemCode.ALREADY_CANCELLING,
            ProblemCode.ALREADY_FINISHED,
            ProblemCode.NOT_CANCELLABLE,
        ],
    )
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Ask that the execution be cancelled."""
        target = parse_execution_id(execution_id)
        outcome = cancel(target, journal=recording(request, target, Operation.CANCEL))
        if (code := _REFUSALS.get(outcome)) is not None:
            raise Problem(code, f"{target}: {outcome.value}", err=outcome.value)
        return message(request, Cancelling.REQUESTED.value)


class PauseView(ApiView):
    """Pausing an execution."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "pause",
        tag="executions",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=[ProblemCode.EXECUTION_NOT_FOUND, ProblemCode.INVALID_ID, ProblemCode.ILLEGAL_STATE],
    )
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Keep the execution from being run."""
        target = parse_execution_id(execution_id)
        pause(target, journal=recording(request, target, Operation.PAUSE))
        return message(request, "paused")


class UnpauseView(ApiView):
    """Letting a paused execution go on."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "unpause",
        tag="executions",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=[ProblemCode.EXECUTION_NOT_FOUND, ProblemCode.INVALID_ID, ProblemCode.ILLEGAL_STATE],
    )
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Let the execution be run again."""
        target = parse_execution_id(execution_id)
        unpause(target, journal=recording(request, target, Operation.UNPAUSE))
        return message(request, "unpaused")


class StubView(ApiView):
    """Answering stubs and external activities."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "stub",
        tag="executions",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        body={"type": "object"},
        body_examples=[("Approved", {"ok": True}), ("Declined", {"err": "too expensive"})],
        problems=[
            ProblemCode.EXECUTION_NOT_FOUND,
            ProblemCode.INVALID_ID,
            ProblemCode.NOT_ANSWERABLE,
            ProblemCode.INVALID_RESULT,
            ProblemCode.ALREADY_ANSWERED,
            ProblemCode.DEPLOYMENT_UNUSABLE,
        ],
    )
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Give the execution its result: `{"ok": value}` or `{"err": value}`."""
        target = parse_execution_id(execution_id)
        journal = recording(request, target, Operation.STUB)
        answer(target, read_json(request), journal=journal)
        return message(request, "stubbed")


class RetryView(ApiView):
    """Retrying what has failed."""

    scopes = {"POST": Scope.SUBMIT}

    @endpoint(
        "retry",
        tag="executions",
        query=OperationQuery,
        answers={201: MessageDocument},
        text=True,
        problems=[
            ProblemCode.EXECUTION_NOT_FOUND,
            ProblemCode.INVALID_ID,
            ProblemCode.ILLEGAL_STATE,
            ProblemCode.FUNCTION_NOT_FOUND,
            ProblemCode.INVALID_CALL,
            ProblemCode.DEPLOYMENT_UNUSABLE,
        ],
    )
    def post(self, request: Request, execution_id: str) -> HttpResponse:
        """Submit the same call again; the new execution has the label `retry-of`."""
        target = parse_execution_id(execution_id)
        try:
            retried = retry(target, journal=recording(request, target, Operation.RETRY))
        except CallRefused as error:
            if sees(request, Insight.PAYLOAD):
                raise
            raise Problem(ProblemCode.INVALID_CALL, without_values(error)) from error
        return message(request, retried.execution_id, status=201)


class StreamView(ApiView):
    """What happens to an execution, as it happens."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.PAYLOAD}

    @endpoint(
        "stream",
        tag="executions",
        headers={"Last-Event-ID": "Resume behind this version."},
        answers={200: str, 204: None},
        content_type="text/event-stream",
        problems=[
            ProblemCode.EXECUTION_NOT_FOUND,
            ProblemCode.INVALID_ID,
            ProblemCode.INVALID_CURSOR,
            ProblemCode.TOO_MANY_FOLLOWERS,
        ],
    )
    def get(self, request: Request, execution_id: str) -> HttpResponseBase:
        """Follow the execution by server-sent events: `event`, `status`, and `result` at the end.

        `Last-Event-ID` resumes behind an event. Who has seen everything of what has ended gets 204, which keeps a
        browser from asking again.
        """
        read_query(request, NoQuery)
        row = find_execution(execution_id)
        after = _last_seen(request)
        if row.result_kind is not None and after >= row.next_version - 1:
            return HttpResponse(status=204)
        return event_stream(ExecutionId(row.execution_id), still_has(request, Scope.READ), after=after)


class DelayCancelView(ApiView):
    """Cancelling a delay."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "cancel_delay",
        tag="delays",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=[ProblemCode.DELAY_NOT_FOUND, ProblemCode.INVALID_ID, ProblemCode.ALREADY_FINISHED],
    )
    def put(self, request: Request, delay_id: str) -> HttpResponse:
        """End the delay before its time."""
        delay = DelayId(delay_id)
        outcome = cancel_delay(delay, journal=_recording(request, delay, Operation.CANCEL_DELAY))
        if outcome is DelayCancelling.ALREADY_FINISHED:
            raise Problem(ProblemCode.ALREADY_FINISHED, f"{delay_id} has fired already", err="already finished")
        return message(request, "cancelled")


class DelayPauseView(ApiView):
    """Pausing a delay."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "pause_delay",
        tag="delays",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=[ProblemCode.DELAY_NOT_FOUND, ProblemCode.INVALID_ID],
    )
    def put(self, request: Request, delay_id: str) -> HttpResponse:
        """Keep the delay from firing."""
        delay = DelayId(delay_id)
        pause_delay(delay, journal=_recording(request, delay, Operation.PAUSE_DELAY))
        return message(request, "paused")


class DelayUnpauseView(ApiView):
    """Letting a paused delay fire."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "unpause_delay",
        tag="delays",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=[ProblemCode.DELAY_NOT_FOUND, ProblemCode.INVALID_ID],
    )
    def put(self, request: Request, delay_id: str) -> HttpResponse:
        """Let the delay fire; one whose time is over fires at once."""
        delay = DelayId(delay_id)
        unpause_delay(delay, journal=_recording(request, delay, Operation.UNPAUSE_DELAY))
        return message(request, "unpaused")


def _recording(request: Request, delay: DelayId, operation: Operation) -> RecordingJournal:
    return recording(request, delay_position(delay).parent, operation, detail=delay)


def _last_seen(request: Request) -> int:
    text = request.headers.get("Last-Event-ID", "")
    if text == "":
        return -1
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Problem(ProblemCode.INVALID_CURSOR, f"Last-Event-ID: {text[:100]!r} is no event's version")
    return int(text)
