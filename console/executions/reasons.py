"""Why each row of a list stands as it does, or what it came to, in a few words; a few queries for a whole page.

The page of an execution explains at length (`executions.explanations`); what that takes for one row is too much for all
rows of a list several times a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q

from console.seeing import payload, payload_about, shows
from engine.deployment.spec import ComponentType
from engine.log.events import ExecutionEvent, Finished, TemporarilyFailed, TemporarilyTimedOut
from engine.log.ids import DELAY_PREFIX, EXECUTION_PREFIX
from engine.log.return_values import Failed, Returned
from engine.log.state import Lifecycle, Status
from executions.access.scopes import Insight
from executions.due_explanations import why_due_is_not_run
from executions.models import Delay, Event, Execution, ExecutorHeartbeat, OperationRecord

_MOST_CHARACTERS: Final = 120
_MOST_MEMBERS: Final = 50
"""Of a join set that are looked at for one that is still open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an execution stands as it does, or what it came to.

    Args:
        text: In words.
        value: JSON text of what it returned, cut; its type and size if values are not shown.
        until: When it goes on by itself, if that is known.
        is_bad: Whether something went wrong.
    """

    text: str = ""
    value: str | None = None
    until: datetime | None = None
    is_bad: bool = False


def reasons_of(rows: Sequence[Execution], now: datetime) -> Mapping[str, Reason]:
    """Return the reasons of the rows of a page by their ids."""
    told = _Told(rows, now)
    return {row.pk: told.reason(row) for row in rows}


class _Told:
    """What has to be known of a page's rows."""

    def __init__(self, rows: Sequence[Execution], now: datetime) -> None:
        self._now = now
        self._last = _last_events(row for row in rows if _is_over(row) or _has_failed_attempt(row))
        self._operated = _latest_operations(row.pk for row in rows if row.lifecycle != Lifecycle.ACTIVE.value)
        self._hosts = _hosts({row.executor_id for row in rows if _is_running(row)})
        self._due: dict[tuple[object, ...], str] = {}

    def reason(self, row: Execution) -> Reason:
        if _is_over(row):
            return _outcome(self._last.get(row.pk))
        if row.lifecycle != Lifecycle.ACTIVE.value:
            return Reason(
                text=self._operated.get(row.pk, "created so" if row.lifecycle == Lifecycle.PAUSED.value else "")
            )
        if row.status == Status.LOCKED.value:
            return self._locked(row)
        if row.status == Status.BLOCKED_BY_JOIN_SET.value:
            return _waiting(row)
        return self._pending(row)

    def _locked(self, row: Execution) -> Reason:
        where = f"on {self._hosts.get(row.executor_id or '', row.executor_id)}"
        if row.due_at <= self._now:
            return Reason(text=f"lock expired {where}", is_bad=True)
        return Reason(text=f"attempt {row.temporary_failures + 1} {where}")

    def _pending(self, row: Execution) -> Reason:
        failure = _attempt(self._last.get(row.pk))
        if row.due_at > self._now:
            return Reason(text=failure, until=row.due_at, is_bad=bool(failure))
        key = (row.ffqn, row.component_type, row.component_digest, row.incompatible_digest)
        if key not in self._due:
            # The same for all calls of a function, and not cheap.
            self._due[key] = why_due_is_not_run(row, self._now).removeprefix("is due, but ").removeprefix("is due and ")
        return Reason(text=_cut(self._due[key]))


def _is_over(row: Execution) -> bool:
    return row.status == Status.FINISHED.value


def _is_running(row: Execution) -> bool:
    return row.status == Status.LOCKED.value


def _has_failed_attempt(row: Execution) -> bool:
    return row.status == Status.PENDING_AT.value and bool(row.temporary_failures)


def _last_events(rows: Iterable[Execution]) -> dict[str, ExecutionEvent]:
    wanted = Q(pk__in=())
    for row in rows:
        wanted |= Q(execution_id=row.pk, version=row.next_version - 1)
    return {event.execution_id: event.entry().event for event in Event.objects.filter(wanted)}


def _latest_operations(ids: Iterable[str]) -> dict[str, str]:
    records = OperationRecord.objects.filter(execution_id__in=list(ids), operation__in=("pause", "cancel"))
    return {
        each.execution_id: _cut(f"by {each.actor}: {each.reason}" if each.reason else f"by {each.actor}")
        for each in records.order_by("pk")
    }


def _hosts(executors: set[str | None]) -> dict[str, str]:
    wanted = [each for each in executors if each]
    return dict(ExecutorHeartbeat.objects.filter(pk__in=wanted).values_list("executor_id", "host")) if wanted else {}


def _outcome(event: ExecutionEvent | None) -> Reason:
    match event:
        case Finished(retval=Returned(ok=ok, payload=returned)):
            return Reason(value=None if returned is None else _value(returned.value), is_bad=not ok)
        case Finished(retval=Failed(kind=kind, reason=reason)):
            word = kind.value.replace("_", " ")
            return Reason(text=_cut(f"{word}: {payload(reason)}" if reason else word), is_bad=True)
        case _:
            return Reason()


def _attempt(event: ExecutionEvent | None) -> str:
    match event:
        case TemporarilyFailed(reason=reason):
            return _cut(payload(reason))
        case TemporarilyTimedOut():
            return "took longer than it may"
        case _:
            return ""


def _waiting(row: Execution) -> Reason:
    """Return what a workflow waits for: a child that is open, or a delay, or else only where."""
    at = f"at {row.join_set_id}"
    members = f"{row.pk}.{row.join_set_id}_"
    # From the end, where those are that were submitted last; few, since there may be any number.
    children = Execution.objects.filter(pk__gt=members, pk__lt=f"{members}\U0010ffff", parent_id=row.pk)
    for status, kind, name in children.order_by("-pk").values_list("status", "component_type", "ffqn")[:_MOST_MEMBERS]:
        if status != Status.FINISHED.value:
            task = " (task)" if kind == ComponentType.ACTIVITY_STUB.value else ""
            return Reason(text=_cut(f"waits {at}: {name.rpartition('/')[2]}{task}"))
    delays = f"{DELAY_PREFIX}{members[len(EXECUTION_PREFIX) :]}"
    delay = Delay.objects.filter(pk__gt=delays, pk__lt=f"{delays}\U0010ffff").order_by("pk").first()
    if delay is not None:
        return Reason(text=f"sleeps {at}", until=None if delay.is_paused else delay.expires_at)
    return Reason(text=f"waits {at}")


def _value(text: str) -> str:
    return _cut(text) if shows(Insight.PAYLOAD) else payload_about(text)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
