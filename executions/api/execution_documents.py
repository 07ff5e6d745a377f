"""What answers say about executions.

Source:
    Obelisk reference, section 9.2; ``labels``, ``trace_id`` and ``explanation`` are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from engine.log.state import Lifecycle, Status
from executions.models import Execution, Label

Instant = Annotated[datetime, Meta(tz=True)]
"""RFC 3339, in UTC."""


class Holder(Struct, frozen=True, kw_only=True):
    """Who holds, or last held, the lock."""

    executor_id: str
    run_id: str


class LockedState(Struct, frozen=True, kw_only=True):
    """An executor runs it."""

    locked_by: Holder
    lock_expires_at: Instant


class PendingState(Struct, frozen=True, kw_only=True):
    """It is to be run at `scheduled_at`, or as soon as somebody can."""

    scheduled_at: Instant
    last_lock: Holder | None


class BlockedState(Struct, frozen=True, kw_only=True):
    """It waits for a response of a join set."""

    join_set_id: str
    lock_expires_at: Instant
    closing: bool


class Locked(LockedState, frozen=True, kw_only=True, tag_field="status", tag="locked"):
    """An executor runs it."""


class PendingAt(PendingState, frozen=True, kw_only=True, tag_field="status", tag="pending_at"):
    """It is to be run at `scheduled_at`, or as soon as somebody can."""


class BlockedByJoinSet(BlockedState, frozen=True, kw_only=True, tag_field="status", tag="blocked_by_join_set"):
    """It waits for a response of a join set."""


_CAMEL = {"locked": "Locked", "pending_at": "PendingAt", "blocked": "BlockedByJoinSet"}


class Paused(Struct, frozen=True, kw_only=True, tag_field="status", tag="paused", rename=_CAMEL):
    """Nobody runs it until it is unpaused; it has one of the members."""

    pending_at: PendingState | UnsetType = UNSET
    blocked: BlockedState | UnsetType = UNSET


class Cancelling(Struct, frozen=True, kw_only=True, tag_field="status", tag="cancelling", rename=_CAMEL):
    """It ends when everything that it started has; it has one of the members."""

    locked: LockedState | UnsetType = UNSET
    pending_at: PendingState | UnsetType = UNSET
    blocked: BlockedState | UnsetType = UNSET


class FailureOf(Struct, frozen=True):
    """The platform ended the execution."""

    execution_failure: str


class ErrorOf(Struct, frozen=True):
    """The function returned an error, or the platform ended the execution."""

    err: Literal["error"] | FailureOf


class Finished(Struct, frozen=True, kw_only=True, tag_field="status", tag="finished"):
    """It has ended."""

    version: int
    finished_at: Instant
    result_kind: Literal["ok"] | ErrorOf


PresentState = Locked | PendingAt | BlockedByJoinSet | Paused | Cancelling | Finished


class ExecutionDocument(Struct, frozen=True, kw_only=True):
    """One execution, as lists show it."""

    execution_id: Annotated[str, Meta(examples=["E_01KBNHM5FQW81KP5Y3XMNX31K4"])]
    ffqn: Annotated[str, Meta(examples=["testing:fibo-workflow/workflow.fiboa"])]
    pending_state: PresentState
    created_at: Instant
    first_scheduled_at: Instant
    component_digest: str
    component_type: str
    deployment_id: str
    labels: dict[str, str]
    trace_id: Annotated[str, Meta(description="Its trace; only of a single execution.")] | UnsetType = UNSET
    explanation: Annotated[str, Meta(description="Why it has not ended; only of a single execution.")] | UnsetType = (
        UNSET
    )


def documents_of(rows: Iterable[Execution]) -> list[ExecutionDocument]:
    """Return what a list says about executions."""
    listed = list(rows)
    labels = labels_by_execution(row.execution_id for row in listed)
    return [document_of(row, labels.get(row.execution_id, {})) for row in listed]


def document_of(
    row: Execution,
    labels: Mapping[str, str],
    *,
    explanation: str | UnsetType = UNSET,
    trace_id: str | UnsetType = UNSET,
) -> ExecutionDocument:
    """Return what is said about one execution."""
    return ExecutionDocument(
        execution_id=row.execution_id,
        ffqn=row.ffqn,
        pending_state=present_state(row),
        created_at=row.created_at,
        first_scheduled_at=row.first_scheduled_at,
        component_digest=row.component_digest,
        component_type=row.component_type,
        deployment_id=row.deployment_id,
        labels=dict(labels),
        trace_id=trace_id,
        explanation=explanation,
    )


def labels_by_execution(ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the labels of those executions that have some, by execution id."""
    found: dict[str, dict[str, str]] = {}
    for label in Label.objects.filter(execution_id__in=list(ids)).order_by("id"):
        found.setdefault(label.execution_id, {})[label.name] = label.value
    return found


def present_state(row: Execution) -> PresentState:
    """Return the state of an execution."""
    if row.status == Status.FINISHED.value:
        return Finished(version=row.next_version - 1, finished_at=row.due_at, result_kind=_result_kind(row))
    lifecycle = Lifecycle(row.lifecycle)
    match Status(row.status):
        case Status.LOCKED:
            holder = _holder(row)
            assert holder is not None
            locked = LockedState(locked_by=holder, lock_expires_at=row.due_at)
            if lifecycle is Lifecycle.CANCELLING:
                return Cancelling(locked=locked)
            return Locked(locked_by=holder, lock_expires_at=row.due_at)
        case Status.BLOCKED_BY_JOIN_SET:
            blocked = BlockedState(join_set_id=row.join_set_id or "", lock_expires_at=row.due_at, closing=row.closing)
            if lifecycle is Lifecycle.PAUSED:
                return Paused(blocked=blocked)
            if lifecycle is Lifecycle.CANCELLING:
                return Cancelling(blocked=blocked)
            return BlockedByJoinSet(
                join_set_id=blocked.join_set_id, lock_expires_at=blocked.lock_expires_at, closing=blocked.closing
            )
        case _:
            pending = PendingState(scheduled_at=row.due_at, last_lock=_holder(row))
            if lifecycle is Lifecycle.PAUSED:
                return Paused(pending_at=pending)
            if lifecycle is Lifecycle.CANCELLING:
                return Cancelling(pending_at=pending)
            return PendingAt(scheduled_at=pending.scheduled_at, last_lock=pending.last_lock)


def state_text(state: PresentState) -> str:
    """Return the state in a few words."""
    match state:
        case Locked():
            return "Locked"
        case PendingAt(scheduled_at=at):
            return f"Pending at {at.isoformat().replace('+00:00', 'Z')}"
        case BlockedByJoinSet(join_set_id=join_set, closing=closing):
            return f"Blocked by {join_set}{' (closing)' if closing else ''}"
        case Paused():
            return "Paused"
        case Cancelling():
            return "Cancelling"
        case Finished(result_kind="ok"):
            return "Finished: OK"
        case Finished(result_kind=ErrorOf(err=FailureOf(execution_failure=kind))):
            return f"Finished: Execution failure ({kind.title().replace('_', '')})"
        case Finished():
            return "Finished: Error"


def _holder(row: Execution) -> Holder | None:
    if row.executor_id is None or row.run_id is None:
        return None
    return Holder(executor_id=row.executor_id, run_id=row.run_id)


def _result_kind(row: Execution) -> Literal["ok"] | ErrorOf:
    match row.result_kind:
        case "ok":
            return "ok"
        case "error":
            return ErrorOf("error")
        case kind:
            return ErrorOf(FailureOf(kind or "uncategorized"))
