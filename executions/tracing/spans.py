"""Spans, made of rows of the event log and what is remembered beside it.

An execution is a span from its creation to its end; within it each run is one, and within that each HTTP request. All
that tells a span from others follows from ids that are stored, so that telling of it again makes no second one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from engine.deployment.spec import ComponentType
from engine.log.events import Locked, Metadata
from engine.log.ids import ExecutionId, RunId
from engine.log.tracing import execution_span, is_sampled, remote_context, request_context, run_span, trace_id_of
from executions.models import Event, Execution, HttpExchange
from executions.tracing.stored import metadata_of

ENDS_OF_RUNS: Final = ("finished", "unlocked", "temporarily_failed", "temporarily_timed_out")
"""Variants of events by which a run ends."""

_FAILED: Final = ("temporarily_failed", "temporarily_timed_out")
_ID_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time in a trace.

    Args:
        trace_id: 32 hex digits.
        span_id: 16 hex digits.
        parent_id: The span that it is part of; ``None`` for the first of a trace.
        has_remote_parent: Whether that is somebody else's.
        name: What went on.
        kind: In OpenTelemetry's words.
        start: When it began.
        end: When it ended.
        attributes: More to tell.
        error: Why it failed, if it did.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    has_remote_parent: bool = False
    name: str
    kind: str = "INTERNAL"
    start: datetime
    end: datetime
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    error: str | None = None


def spans_of(ends: Sequence[Event]) -> Iterator[Span]:
    """Return what is known when runs have ended: spans of runs, of their HTTP requests, and of executions.

    Args:
        ends: Events by which runs ended, of `ENDS_OF_RUNS`.
    """
    ids = sorted({event.execution_id for event in ends})
    for start in range(0, len(ids), _ID_PAGE):
        page = frozenset(ids[start : start + _ID_PAGE])
        known = _Known(page)
        for event in ends:
            if event.execution_id in page:
                yield from known.spans_of(event)


class _Known:
    """What is stored about some executions."""

    def __init__(self, ids: frozenset[str]) -> None:
        self._rows = {row.execution_id: row for row in Execution.objects.filter(pk__in=ids)}
        self._metadata = metadata_of(ids)
        self._runs: dict[str, list[Event]] = {}
        for locked in Event.objects.filter(execution_id__in=ids, variant="locked").order_by("version"):
            self._runs.setdefault(locked.execution_id, []).append(locked)
        self._requests: dict[tuple[str, str], list[HttpExchange]] = {}
        for exchange in HttpExchange.objects.filter(execution_id__in=ids).order_by("pk"):
            self._requests.setdefault((exchange.execution_id, exchange.run_id), []).append(exchange)

    def spans_of(self, event: Event) -> Iterator[Span]:
        row, metadata = self._rows.get(event.execution_id), self._metadata.get(event.execution_id)
        if row is None or metadata is None or not is_sampled(metadata):
            # It was deleted meanwhile, or whoever began the trace does not want it.
            return
        run = self._run(event)
        if run is not None:
            began_at, attempt, run_id = run
            yield _run_span(row, metadata, event, began_at, attempt, run_id)
            for exchange in self._requests.get((event.execution_id, run_id), ()):
                yield _request_span(exchange, metadata)
        if event.variant == "finished":
            yield _execution_span(row, metadata, event.created_at)

    def _run(self, end: Event) -> tuple[datetime, int, RunId] | None:
        """Return when the run began that an event ended, which one it is from 1 on, and its id; ``None`` for none."""
        found: tuple[datetime, int, RunId] | None = None
        for locked in self._runs.get(end.execution_id, ()):
            if locked.version >= end.version:
                break
            event = locked.entry().event
            assert isinstance(event, Locked)
            if found is None or found[2] != event.run_id:
                found = locked.created_at, 1 if found is None else found[1] + 1, event.run_id
        return found


def _run_span(row: Execution, metadata: Metadata, end: Event, began_at: datetime, attempt: int, run_id: RunId) -> Span:
    execution_id = ExecutionId(row.execution_id)
    has_failed = end.variant in _FAILED or (end.variant == "finished" and row.result_kind != "ok")
    return Span(
        trace_id=trace_id_of(execution_id, metadata),
        span_id=run_span(execution_id, run_id),
        parent_id=execution_span(execution_id),
        name=f"run {attempt} of {row.ffqn}",
        start=began_at,
        end=end.created_at,
        attributes={
            "obelisk.execution_id": execution_id,
            "obelisk.run_id": run_id,
            "obelisk.run": attempt,
            "obelisk.ended_by": end.variant,
        },
        error=end.variant if has_failed else None,
    )


def _request_span(exchange: HttpExchange, metadata: Metadata) -> Span:
    execution_id, run_id = ExecutionId(exchange.execution_id), RunId(exchange.run_id)
    context = request_context(execution_id, run_id, metadata, started_at=exchange.started_at)
    attributes: dict[str, str | int] = {
        "http.request.method": exchange.method,
        "url.full": exchange.url,
        "http.request.body.size": exchange.request_bytes,
        "http.response.body.size": exchange.response_bytes,
        "obelisk.execution_id": execution_id,
    }
    if exchange.status is not None:
        attributes["http.response.status_code"] = exchange.status
    is_refused = exchange.status is not None and exchange.status >= 400
    return Span(
        trace_id=context.trace_id,
        span_id=context.span_id,
        parent_id=run_span(execution_id, run_id),
        name=exchange.method,
        kind="CLIENT",
        start=exchange.started_at,
        end=exchange.started_at + timedelta(microseconds=exchange.duration_us),
        attributes=attributes,
        error=exchange.error or (f"status {exchange.status}" if is_refused else None),
    )


def _execution_span(row: Execution, metadata: Metadata, ended_at: datetime) -> Span:
    execution_id = ExecutionId(row.execution_id)
    above = row.parent_id or row.scheduled_by
    remote = None if above is not None else remote_context(metadata)
    parent = remote.span_id if remote is not None else None
    return Span(
        trace_id=trace_id_of(execution_id, metadata),
        span_id=execution_span(execution_id),
        parent_id=execution_span(ExecutionId(above)) if above is not None else parent,
        has_remote_parent=remote is not None,
        name=row.ffqn,
        kind="SERVER" if row.component_type == ComponentType.WEBHOOK_ENDPOINT.value else "INTERNAL",
        start=row.created_at,
        end=ended_at,
        attributes={
            "obelisk.execution_id": execution_id,
            "obelisk.function": row.ffqn,
            "obelisk.component_type": row.component_type,
            "obelisk.component": row.component_name,
            "obelisk.deployment_id": row.deployment_id,
            "obelisk.result_kind": row.result_kind or "",
            "obelisk.failed_runs": row.temporary_failures,
        },
        error=None if row.result_kind == "ok" else row.result_kind,
    )
