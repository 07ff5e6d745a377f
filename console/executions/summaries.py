"""What the head of an execution's page says: what it is, how it stands, why, and what was done to it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from console.executions.listing import length_of
from console.seeing import shows
from console.states import ShownState, shown_state
from engine.log.events import Created, Finished
from engine.log.ids import ExecutionId, position_of
from engine.log.labels import labels_of
from engine.log.return_values import Failed, Returned, ReturnValue
from engine.log.state import Status
from engine.log.tracing import trace_id_of
from executions.access.scopes import Insight
from executions.explanations import why_not_moving
from executions.models import Execution, HttpExchange, LogLine, OperationRecord

_SHOWN_OPERATIONS: Final = 100
_COUNTED: Final = 10_000
_DEEPEST_CAUSE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an execution ended.

    Args:
        word: Such as ``ok``, ``error`` or the kind of failure.
        value: JSON text of the result or error value; ``None`` if it has none.
        reason: Why it failed, in the engine's words.
        detail: More of that, such as a trace.
    """

    word: str
    value: str | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The child whose failure is the deepest reason for an execution's.

    Args:
        row: The child.
        outcome: How it ended.
    """

    row: Execution
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The head of an execution's page.

    Args:
        row: The execution.
        state: As its badge shows it.
        why: Why it is not moving; ``None`` once it has ended.
        params: JSON text.
        outcome: How it ended; ``None`` before.
        cause: Where a failure came from; ``None`` if it was its own.
        labels: Values by name.
        trace_id: The trace that it belongs to.
        ancestors: From the top level down to its parent.
        operations: What people and programs did to it, oldest first.
        length: How long it took, or takes so far.
        counts: How many events, log lines and so on there are, by tab.
        now: The instant all of this is told for.
    """

    row: Execution
    state: ShownState
    why: str | None
    params: str
    outcome: Outcome | None
    cause: Cause | None
    labels: dict[str, str]
    trace_id: str
    ancestors: tuple[str, ...]
    operations: tuple[OperationRecord, ...]
    length: timedelta | None
    counts: dict[str, str]
    now: datetime

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen any more."""
        return self.row.status == Status.FINISHED.value

    @property
    def last_version(self) -> int:
        """The version of its newest event."""
        return self.row.next_version - 1

    @property
    def runs_since(self) -> datetime | None:
        """From when on it takes time; ``None`` if it does not any more, or not yet."""
        return None if self.is_over or self.length is None else self.row.first_scheduled_at


def summary_of(row: Execution, now: datetime) -> Summary:
    """Return the head of an execution's page."""
    created = row.events.get(version=0).entry().event
    assert isinstance(created, Created)
    outcome = outcome_of(row)
    return Summary(
        row=row,
        state=shown_state(row, now),
        why=why_not_moving(row, now=now, with_values=shows(Insight.PAYLOAD)),
        params=created.params,
        outcome=outcome,
        cause=None if row.result_kind in (None, "ok") else _cause_of(row),
        labels=labels_of(created.metadata),
        trace_id=trace_id_of(ExecutionId(row.pk), created.metadata),
        ancestors=_ancestors_of(ExecutionId(row.pk)),
        operations=tuple(OperationRecord.objects.newest_of(row.pk, limit=_SHOWN_OPERATIONS)),
        length=length_of(row, now),
        counts={
            "events": f"{row.next_version:,}",
            "responses": f"{row.response_count:,}",
            "logs": _counted(LogLine.objects.of(row.pk, with_descendants=True)[: _COUNTED + 1].count()),
            "http": _counted(HttpExchange.objects.filter(execution_id=row.pk)[: _COUNTED + 1].count()),
            "children": _counted(Execution.objects.children_of(row.pk)[: _COUNTED + 1].count()),
        },
        now=now,
    )


def fingerprint(row: Execution) -> int:
    """Return a number that differs when what was written to an execution does."""
    due = int(row.due_at.timestamp() * 1000)
    return zlib.crc32(f"{row.next_version} {row.response_count} {row.status} {row.lifecycle} {due}".encode())


def standing(row: Execution) -> int:
    """Return a number that differs when what may be done with an execution may.

    While it runs that does not depend on how far it is; while it waits it may depend on what for.
    """
    place = "" if row.status == Status.LOCKED.value else f"{row.next_version} {row.response_count}"
    return zlib.crc32(f"{row.status} {row.lifecycle} {place}".encode())


def outcome_of(row: Execution) -> Outcome | None:
    """Return how an execution ended, or ``None`` while it has not."""
    if row.status != Status.FINISHED.value:
        return None
    finished = row.events.get(version=row.next_version - 1).entry().event
    assert isinstance(finished, Finished)
    return _outcome(finished.retval)


def _outcome(retval: ReturnValue) -> Outcome:
    match retval:
        case Returned(ok=ok, payload=payload):
            return Outcome(word="ok" if ok else "error", value=None if payload is None else payload.value)
        case Failed(kind=kind, reason=reason, detail=detail):
            return Outcome(word=kind.value.replace("_", " "), reason=reason, detail=detail)


def _cause_of(row: Execution) -> Cause | None:
    """Follow the last child that did not end well, down to one whose children all did."""
    found: Execution | None = None
    at = row
    for _ in range(_DEEPEST_CAUSE):
        failed = Execution.objects.children_of(at.pk).exclude(result_kind="ok").exclude(result_kind__isnull=True)
        child = failed.order_by("-due_at", "-execution_id").first()
        if child is None:
            break
        found = at = child
    if found is None or (outcome := outcome_of(found)) is None:
        return None
    return Cause(row=found, outcome=outcome)


def _ancestors_of(execution_id: ExecutionId) -> tuple[str, ...]:
    ancestors: list[str] = []
    position = position_of(execution_id)
    while position is not None:
        ancestors.append(position.parent)
        position = position_of(position.parent)
    return tuple(reversed(ancestors))


def _counted(count: int) -> str:
    return f"{_COUNTED:,}+" if count > _COUNTED else f"{count:,}"
