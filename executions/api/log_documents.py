"""What answers say about an execution's events, responses and log lines.

Source:
    Obelisk reference, section 9.2.
"""

from __future__ import annotations

import base64
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from executions.api.execution_documents import Instant
from executions.models import Event, JoinSetResponse, LogLine

_LONGEST_ROW_ID: Final = 18
"""Digits; more might not fit the database's integers."""


class EventDocument(Struct, frozen=True, kw_only=True):
    """One event of the log."""

    created_at: Instant
    event: Annotated[Raw, Meta(description="The event as it is stored; see the reference of events.")]
    version: int
    backtrace_id: int | UnsetType = UNSET


class EventsDocument(Struct, frozen=True, kw_only=True):
    """A page of the log, oldest first."""

    events: list[EventDocument]
    max_version: Annotated[int, Meta(description="The newest version that there is.")]


class ChildFinished(Struct, frozen=True, kw_only=True, tag_field="type", tag="child_execution_finished"):
    """A child ended."""

    child_execution_id: str
    finished_version: int
    result: Annotated[Raw, Meta(description="What it returned, as in its event `finished`.")]


class DelayFinished(Struct, frozen=True, kw_only=True, tag_field="type", tag="delay_finished"):
    """A delay ended."""

    delay_id: str
    result: Annotated[dict[Literal["Ok", "Err"], None], Meta(description="`Err` if it was cancelled.")]


ResponseEvent = ChildFinished | DelayFinished


class JoinSetEvent(Struct, frozen=True, kw_only=True):
    """What came back to a join set."""

    join_set_id: str
    event: ResponseEvent


class ArrivedEvent(Struct, frozen=True, kw_only=True):
    """What came back, and when."""

    created_at: Instant
    event: JoinSetEvent


class ResponseDocument(Struct, frozen=True, kw_only=True):
    """One response."""

    event: ArrivedEvent
    cursor: int


class ResponsesDocument(Struct, frozen=True, kw_only=True):
    """A page of the responses, in their order of arrival."""

    responses: list[ResponseDocument]
    max_cursor: Annotated[int, Meta(description="The newest cursor that there is.")]
    scan_cursor: Annotated[int, Meta(description="How far the page looked; go on from here.")]


class LogMessage(Struct, frozen=True, kw_only=True, tag_field="type", tag="log"):
    """A line that a guest logged."""

    cursor: str
    run_id: str
    execution_id: str
    created_at: Instant
    level: str
    message: str


class StreamChunk(Struct, frozen=True, kw_only=True, tag_field="type", tag="stream"):
    """What a guest printed."""

    cursor: str
    run_id: str
    execution_id: str
    created_at: Instant
    payload: Annotated[str, Meta(description="The bytes, in base 64.")]
    stream_type: Literal["stdout", "stderr"]


LogEntryDocument = LogMessage | StreamChunk


def event_document(row: Event, *, backtrace_id: int | UnsetType = UNSET) -> EventDocument:
    """Return what is said about an event: the event as it is stored, but for the secret seeds of random numbers."""
    event = Raw(row.public_payload.encode())
    return EventDocument(created_at=row.created_at, event=event, version=row.version, backtrace_id=backtrace_id)


def response_document(row: JoinSetResponse, end: str | None) -> ResponseDocument:
    """Return what is said about a response.

    Args:
        row: The response.
        end: The last event of the child that it came from, as stored; ``None`` for a delay.
    """
    return ResponseDocument(
        event=ArrivedEvent(
            created_at=row.created_at,
            event=JoinSetEvent(join_set_id=row.join_set_id, event=_response_event(row, end)),
        ),
        cursor=row.cursor,
    )


def log_document(row: LogLine) -> LogEntryDocument:
    """Return what is said about something that a guest wrote."""
    cursor = encode_cursor(row.pk)
    if row.stream is None:
        return LogMessage(
            cursor=cursor,
            run_id=row.run_id,
            execution_id=row.execution_id,
            created_at=row.created_at,
            level=row.level or "",
            message=row.message,
        )
    return StreamChunk(
        cursor=cursor,
        run_id=row.run_id,
        execution_id=row.execution_id,
        created_at=row.created_at,
        payload=base64.b64encode(row.message.encode()).decode(),
        stream_type="stderr" if row.stream == "stderr" else "stdout",
    )


def log_text(row: LogLine, *, with_run: bool, with_execution: bool) -> str:
    """Return a log entry as one line: instant, level or stream, whose it is if asked for, and what was written."""
    parts = [f"{row.created_at:%Y-%m-%dT%H:%M:%S.%f}000Z", f"[{(row.level or row.stream or '').upper():<5}]"]
    parts += [row.run_id] if with_run else []
    parts += [row.execution_id] if with_execution else []
    return " ".join([*parts, row.message.rstrip("\n")])


def encode_cursor(row_id: int) -> str:
    """Return the opaque cursor of a log entry."""
    return base64.urlsafe_b64encode(f"log:{row_id}".encode()).decode()


def decode_cursor(cursor: str) -> int | None:
    """Return the row that a cursor of `encode_cursor` means, or ``None`` if it is none."""
    try:
        kind, _, number = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii").partition(":")
    except ValueError:  # the errors of both codecs are ones
        return None
    is_number = kind == "log" and number.isdigit() and len(number) <= _LONGEST_ROW_ID
    return int(number) if is_number else None


def _response_event(row: JoinSetResponse, end: str | None) -> ResponseEvent:
    if row.delay_id is not None:
        return DelayFinished(delay_id=row.delay_id, result={"Err": None} if row.delay_cancelled else {"Ok": None})
    assert end is not None
    return ChildFinished(
        child_execution_id=row.child_execution_id or "",
        finished_version=row.finished_version or 0,
        result=_END.decode(end).finished.retval,
    )


class _Retval(Struct):
    retval: Raw


class _End(Struct):
    finished: _Retval


_END: Final = msgspec.json.Decoder(_End)
