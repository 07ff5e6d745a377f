"""Answers that wait for an execution: its result at its end, or what happens to it as it happens.

A view decides with its thread, as all views do, and leaves the waiting to the event loop: it returns an answer whose
body comes later (`result_stream`, `event_stream`), or one that may be replaced when the execution has ended
(`WaitingAnswer`), which `awaiting` looks after.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from typing import Any, Final

import msgspec
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from engine.log.ids import ExecutionId
from engine.log.retval_json import retval_to_api
from executions.api.answers import JSON, pretty
from executions.api.execution_documents import document_of, labels_by_execution
from executions.api.log_documents import event_document
from executions.api.problems import Problem, ProblemCode
from executions.journal.journal import SqlJournal
from executions.models import Event, Execution
from executions.results import result_of
from executions.watching import Watch, count_watches, wait_until_over

LONGEST_WAIT_S: Final = 60
_KEEP_ALIVE_S: Final = 15.0
_EVENTS_AT_ONCE: Final = 200
_WAIT: Final = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?:$|[,;])", re.IGNORECASE)


class WaitingAnswer(HttpResponse):
    """The answer for now, and what takes its place if the execution ends in time.

    Args:
        now: The answer when the time is over.
        execution_id: What to wait for.
        wait_s: For how long, in seconds.
        then: Makes the answer when it has ended.
    """

    def __init__(
        self, now: HttpResponse, *, execution_id: ExecutionId, wait_s: int, then: Callable[[], HttpResponse]
    ) -> None:
        super().__init__(now.content, status=now.status_code, headers=now.headers)
        self.execution_id, self.wait_s, self.then = execution_id, wait_s, then


def preferred_wait(request: Request) -> int:
    """Return how many seconds the client would wait (``Prefer: wait=10``), at most `LONGEST_WAIT_S`; 0 by default."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return 0 if found is None else min(int(found[1]), LONGEST_WAIT_S)


def awaiting(view: Callable[..., HttpResponseBase]) -> Callable[..., Coroutine[Any, Any, HttpResponseBase]]:
    """Return a view that waits where the given one returns a `WaitingAnswer`; no thread is held meanwhile."""
    run = sync_to_async(view)

    @wraps(view)
    async def awaited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = await run(request, *args, **kwargs)
        if not isinstance(answer, WaitingAnswer):
            return answer
        if not await wait_until_over(answer.execution_id, timeout_s=answer.wait_s):
            return answer
        return await sync_to_async(answer.then)()

    return awaited


def refuse_too_many_followers() -> None:
    """Refuse one client more than there may be.

    Raises:
        Problem: If there are as many already.
    """
    if count_watches() >= settings.OBELISK_API_FOLLOWERS:
        raise Problem(
            ProblemCode.TOO_MANY_FOLLOWERS,
            f"{settings.OBELISK_API_FOLLOWERS} clients follow executions already",
            headers={"Retry-After": "5"},
        )


def result_stream(
    execution_id: ExecutionId, may: Callable[[], bool], *, status: int = 200, headers: dict[str, str]
) -> StreamingHttpResponse:
    """Return an answer whose headers are sent at once, and whose body is the result as soon as there is one.

    Args:
        execution_id: Which one.
        may: Whether the client may have it still; if not, the body stays empty.
        status: HTTP status.
        headers: More headers.
    """
    refuse_too_many_followers()
    return StreamingHttpResponse(
        _result(execution_id, may), status=status, content_type=JSON, headers={"Cache-Control": "no-store", **headers}
    )


def event_stream(execution_id: ExecutionId, may: Callable[[], bool], *, after: int) -> StreamingHttpResponse:
    """Return an answer that tells what happens to an execution, as server-sent events.

    Args:
        execution_id: Which one.
        may: Whether the client may see it still; if not, the stream ends.
        after: Version of the last event that the client knows; -1 if it knows none.
    """
    refuse_too_many_followers()
    # Buffering proxies would keep the events for themselves.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        _events(execution_id, may, after), content_type="text/event-stream; charset=utf-8", headers=headers
    )


async def _result(execution_id: ExecutionId, may: Callable[[], bool]) -> AsyncIterator[bytes]:
    yield b""  # has the headers sent
    is_over = False
    while not is_over:
        is_over = await wait_until_over(execution_id, timeout_s=LONGEST_WAIT_S)
        if not await sync_to_async(may)():
            return
    yield pretty(await sync_to_async(_load_result)(execution_id))


def _load_result(execution_id: ExecutionId) -> Any:
    retval = result_of(SqlJournal.for_current_connection(), execution_id)
    assert retval is not None
    return retval_to_api(retval)


async def _events(execution_id: ExecutionId, may: Callable[[], bool], after: int) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    async with Watch(execution_id) as watch:
        while True:
            progress = await watch.next(timeout_s=_KEEP_ALIVE_S)
            if not await sync_to_async(may)():
                return
            if progress is None:
                yield b": nothing new\n\n"
                continue
            if progress.status is None:
                return
            while after + 1 < progress.next_version:
                page = await sync_to_async(_load_events)(execution_id, after)
                for version, data in page:
                    yield _message("event", data, number=version)
                    after = version
            yield _message("status", await sync_to_async(_load_status)(execution_id))
            if progress.is_over:
                result = await sync_to_async(_load_result)(execution_id)
                yield _message("result", msgspec.json.encode(result))
                return


def _load_events(execution_id: ExecutionId, after: int) -> list[tuple[int, bytes]]:
    rows = Event.objects.filter(execution_id=execution_id, version__gt=after).order_by("version")[:_EVENTS_AT_ONCE]
    return [(row.version, msgspec.json.encode(event_document(row))) for row in rows]


def _load_status(execution_id: ExecutionId) -> bytes:
    row = Execution.objects.get(pk=execution_id)
    return msgspec.json.encode(document_of(row, labels_by_execution([row.pk]).get(row.pk, {})))


def _message(kind: str, data: bytes, *, number: int | None = None) -> bytes:
    """Return a server-sent event; JSON on one line holds no line break that would end it."""
    head = f"event: {kind}\n" + ("" if number is None else f"id: {number}\n")
    return head.encode() + b"data: " + data + b"\n\n"
