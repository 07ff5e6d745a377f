"""Cancelling executions from outside; the executors stop what runs and bring the end.

Source:
    Obelisk reference, section 5.8.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from engine.executor.cancellation import is_cancellable
from engine.journal.protocol import Journal
from engine.log.events import CancellationRequested, ExecutionEvent
from engine.log.ids import ExecutionId
from engine.log.return_values import FailureKind
from engine.log.state import ExecutionState, Lifecycle
from executions.journal.journal import SqlJournal
from executions.operations.appending import append_decided


class Cancelling(StrEnum):
    """What became of the wish to cancel an execution."""

    REQUESTED = "cancellation requested"
    ALREADY_CANCELLING = "already cancelling"
    ALREADY_CANCELLED = "already cancelled"
    ALREADY_FINISHED = "already finished"
    NOT_CANCELLABLE = "cannot cancel, execution is not a cancellable workflow"

    @property
    def will_be_cancelled(self) -> bool:
        """Whether the execution is cancelled or will be."""
        return self in (Cancelling.REQUESTED, Cancelling.ALREADY_CANCELLING, Cancelling.ALREADY_CANCELLED)


def cancel(execution_id: ExecutionId, *, journal: Journal | None = None) -> Cancelling:
    """Ask that an execution be cancelled; asking again changes nothing.

    It takes effect when an executor looks next: a run under way is stopped or fenced, then the execution ends, a
    workflow after everything that it left open. Paused ones end as well.

    Args:
        execution_id: Which one.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    outcome = Cancelling.REQUESTED

    def decide(state: ExecutionState, _now: datetime) -> tuple[ExecutionEvent, ...]:
        nonlocal outcome
        outcome = cancelling(state)
        return (CancellationRequested(),) if outcome is Cancelling.REQUESTED else ()

    append_decided(journal or SqlJournal.for_current_connection(), execution_id, decide)
    return outcome


def cancelling(state: ExecutionState) -> Cancelling:
    """Return what the wish to cancel an execution that stands so comes to."""
    if state.is_finished:
        was_cancelled = state.result_kind == FailureKind.CANCELLED.value
        return Cancelling.ALREADY_CANCELLED if was_cancelled else Cancelling.ALREADY_FINISHED
    if state.lifecycle is Lifecycle.CANCELLING:
        return Cancelling.ALREADY_CANCELLING
    return Cancelling.REQUESTED if is_cancellable(state) else Cancelling.NOT_CANCELLABLE
