"""A plain answer to "why is it not moving?"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from components.reports import counted
from engine.deployment.spec import ComponentType
from engine.log.events import TemporarilyFailed, TemporarilyTimedOut
from engine.log.state import Lifecycle, Status
from executions.due_details import shortened, shown, signed
from executions.due_explanations import NOBODY_ALIVE, why_due_is_not_run
from executions.liveness import alive_executors
from executions.models import Delay, Event, Execution, OperationRecord

__all__ = ["NOBODY_ALIVE", "waited_for", "why_not_moving"]

_MOST_LEVELS = 4
"""How far down the children are explained."""


def why_not_moving(row: Execution, *, now: datetime | None = None, with_values: bool = True) -> str | None:
    """Return one sentence on what an execution waits for, or ``None`` if it has finished.

    Who waits for a child is told what that waits for in turn.

    Args:
        row: The execution.
        now: The instant to answer for; the present one by default.
        with_values: Whether to quote the error of the last failed run, which may hold what the guest works on.
    """
    if row.status == Status.FINISHED.value:
        return None
    sentence = _explain(row, now or timezone.now(), _Depth(levels=_MOST_LEVELS, with_values=with_values))
    return f"It {sentence}."


def waited_for(row: Execution) -> Execution | None:
    """Return the execution at which `why_not_moving` ends, if that is another one: what would have to move first."""
    deepest = None
    child: Execution | None = row
    for _ in range(_MOST_LEVELS):
        child = None if child is None else _oldest(_awaited(child))
        deepest = child or deepest
    return deepest


def _awaited(row: Execution) -> QuerySet[Execution]:
    """Return the open children without which an execution does not go on."""
    if row.lifecycle == Lifecycle.CANCELLING.value:
        return row.children.unfinished()
    if row.lifecycle == Lifecycle.ACTIVE.value and row.status == Status.BLOCKED_BY_JOIN_SET.value:
        return _members(row)
    return row.children.none()


def _members(row: Execution) -> QuerySet[Execution]:
    """Return the open children of the join set at which a workflow waits."""
    # The whole id down to the join set: another one's children may have an ancestor in one of the same name.
    return row.children.unfinished().filter(execution_id__startswith=f"{row.execution_id}.{row.join_set_id}_")


def _oldest(children: QuerySet[Execution]) -> Execution | None:
    return children.order_by("created_at", "execution_id").first()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Depth:
    """How far to go: how many levels of children, and whether to quote errors."""

    levels: int
    with_values: bool


def _explain(row: Execution, now: datetime, depth: _Depth) -> str:
    """Return the sentence without its subject and its full stop."""
    match row.lifecycle:
        case Lifecycle.PAUSED.value:
            return f"is paused{_by_whom(row, 'paused')}; unpause it"
        case Lifecycle.CANCELLING.value:
            return f"is being cancelled{_by_whom(row, 'cancellation_requested')} and {_cancelling(row, now, depth)}"
        case _:
            pass
    if row.component_type == ComponentType.WEBHOOK_ENDPOINT.value and row.due_at <= now:
        return "is left of a web process that died; the next one, or an executor, ends it shortly"
    match row.status:
        case Status.LOCKED.value:
            return _locked(row, now)
        case Status.BLOCKED_BY_JOIN_SET.value:
            return _blocked(row, now, depth)
        case _:
            if row.due_at > now:
                return _backing_off(row, depth)
            return why_due_is_not_run(row, now, closely=True, with_values=depth.with_values)


def _locked(row: Execution, now: datetime) -> str:
    if row.due_at > now:
        return f"is running on {row.executor_id}, whose lock lasts until {row.due_at:%H:%M:%S} UTC"
    then = "another executor takes over" if alive_executors(now) else f"but {NOBODY_ALIVE}"
    return f"was running on {row.executor_id}, whose lock expired at {row.due_at:%H:%M:%S} UTC; {then}"


def _backing_off(row: Execution, depth: _Depth) -> str:
    if not row.temporary_failures:
        return f"is due at {shown(row.due_at)}"
    failed = row.events.filter(variant__in=("temporarily_failed", "temporarily_timed_out")).order_by("-version").first()
    count = counted(row.temporary_failures, "failed run")
    return f"is due at {shown(row.due_at)} after {count}{_reason_of(failed, depth)}"


def _reason_of(failed: Event | None, depth: _Depth) -> str:
    if failed is None:
        return ""
    match failed.entry().event:
        case TemporarilyFailed(reason=reason):
            return f", the last with: {shortened(reason)}" if depth.with_values else ""
        case TemporarilyTimedOut():
            return ", the last of which took longer than it may"
        case _:
            return ""


def _blocked(row: Execution, now: datetime, depth: _Depth) -> str:
    waiting_for = _first_child(_members(row), now, depth)
    delay = row.delays.filter(join_set_id=row.join_set_id).order_by("expires_at").first()
    parts = [] if waiting_for is None else [waiting_for]
    if delay is not None:
        parts.insert(0, _paused_delay(delay) if delay.is_paused else f"a delay until {shown(delay.expires_at)}")
    verb = "closes" if row.closing else "waits at"
    return f"{verb} join set {row.join_set_id} for {' or '.join(parts) if parts else 'a response'}"


def _paused_delay(delay: Delay) -> str:
    record = OperationRecord.objects.last_pause_of(delay.delay_id)
    return "a delay that is paused" + ("" if record is None else signed(record))


def _cancelling(row: Execution, now: datetime, depth: _Depth) -> str:
    if row.status == Status.LOCKED.value and row.due_at > now:
        return f"waits for its run on {row.executor_id} to stop, until {row.due_at:%H:%M:%S} UTC at the latest"
    waiting_for = _first_child(row.children.unfinished(), now, depth)
    if waiting_for is not None:
        return f"waits for {waiting_for}"
    if not alive_executors(now):
        return f"ends when an executor looks, but {NOBODY_ALIVE}"
    return "ends as soon as an executor looks"


def _first_child(children: QuerySet[Execution], now: datetime, depth: _Depth) -> str | None:
    """Return the oldest of these children with what it waits for itself, and how many more there are."""
    child = _oldest(children)
    if child is None:
        return None
    others = children.count() - 1
    more = f" and {others} more" if others else ""
    named = f"{child.execution_id} ({child.ffqn}){more}"
    if depth.levels <= 1:
        return named
    which = "the first of which" if others else "which"
    return f"{named}, {which} {_explain(child, now, replace(depth, levels=depth.levels - 1))}"


def _by_whom(row: Execution, variant: str) -> str:
    """Return who brought the last event of a kind, if it was somebody, and when and why."""
    event = row.events.filter(variant=variant).order_by("-version").first()
    if event is None:
        return ""
    record = OperationRecord.objects.behind(row.execution_id, event.created_at)
    return f" since {shown(event.created_at)}" if record is None else signed(record)
