"""Pausing executions, and letting them go on.

Source:
    Obelisk reference, section 5.7.
"""

from __future__ import annotations

from datetime import datetime

from engine.deployment.spec import ComponentType
from engine.journal.protocol import Journal
from engine.log.events import ExecutionEvent, Paused, Unlocked, Unpaused
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState, Lifecycle, Status
from executions.journal.journal import SqlJournal
from executions.operations.appending import append_decided
from executions.operations.refusals import OperationRefused

_FENCED = (ComponentType.WORKFLOW, ComponentType.CRON)
"""Whose runs have no effect before their next write."""


def pause(execution_id: ExecutionId, *, journal: Journal | None = None) -> None:
    """Keep an execution from being run until `unpause`; responses still arrive.

    A workflow's run is fenced at once: nothing that it does from now on counts, and it ends at its next write. The
    event log then says ``unlocked`` with the reason "paused".

    Args:
        execution_id: Which one.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        OperationRefused: If it is an activity that runs now, has ended, is paused already or being cancelled.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    append_decided(journal or SqlJournal.for_current_connection(), execution_id, pausing)


def unpause(execution_id: ExecutionId, *, journal: Journal | None = None) -> None:
    """Let a paused execution be run again.

    Args:
        execution_id: Which one.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        OperationRefused: If it is not paused.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    append_decided(journal or SqlJournal.for_current_connection(), execution_id, unpausing)


def pausing(state: ExecutionState, now: datetime) -> tuple[ExecutionEvent, ...]:
    """Return the events by which an execution that stands so is paused.

    Raises:
        OperationRefused: As `pause` does.
    """
    if state.is_finished:
        raise OperationRefused(f"cannot pause {state.execution_id}: it has finished")
    if state.lifecycle is Lifecycle.PAUSED:
        raise OperationRefused(f"cannot pause {state.execution_id}: it is paused already")
    if state.lifecycle is Lifecycle.CANCELLING:
        raise OperationRefused(f"cannot pause {state.execution_id}: it is being cancelled")
    if state.status is Status.LOCKED and state.component_id.component_type not in _FENCED:
        raise OperationRefused("cannot pause a running activity; cancel it instead")
    if may_be_in_memory(state, now):
        return Unlocked(backoff_expires_at=now, reason="paused"), Paused()
    return (Paused(),)


def may_be_in_memory(state: ExecutionState, now: datetime) -> bool:
    """Whether a run may hold the execution: it runs, or waits for a response without having been unloaded."""
    return state.status is Status.LOCKED or (state.status is Status.BLOCKED_BY_JOIN_SET and state.due_at > now)


def unpausing(state: ExecutionState, _now: datetime) -> tuple[ExecutionEvent, ...]:
    """Return the events by which an execution that stands so goes on.

    Raises:
        OperationRefused: As `unpause` does.
    """
    if state.lifecycle is not Lifecycle.PAUSED:
        raise OperationRefused(f"cannot unpause {state.execution_id}: it is not paused")
    return (Unpaused(),)
