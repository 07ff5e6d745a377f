"""Cancelling executions from outside; the executors stop what runs and bring the end."""

from __future__ import annotations

from django.utils import timezone

from engine.errors import AlreadyFinished, JournalError, VersionConflict
from engine.executor.cancellation import is_cancellable
from engine.journal.protocol import Journal
from engine.journal.records import Append
from engine.log.events import CancellationRequested, LogEntry
from engine.log.ids import ExecutionId
from engine.log.state import Lifecycle
from executions.journal.journal import SqlJournal


def cancel_execution(execution_id: ExecutionId, *, journal: Journal | None = None) -> bool:
    """Ask that an execution be cancelled; asking again changes nothing.

    It takes effect when an executor looks next: a run under way is stopped or fenced, then the execution ends.

    Args:
        execution_id: Which one.
        journal: Where to write; the calling thread's database connection by default.

    Returns:
        Whether it is cancelled or will be; ``False`` for a workflow that must be awaited and for what ended already.

    Raises:
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.

    Source:
        Obelisk reference, section 5.8.
    """
    journal = journal or SqlJournal.for_current_connection()
    while True:
        state = journal.state_of(execution_id)
        if state.is_finished or not is_cancellable(state):
            return False
        if state.lifecycle is Lifecycle.CANCELLING:
            return True
        now = timezone.now()
        entry = LogEntry(state.next_version, now, CancellationRequested())
        request = Append(execution_id=execution_id, expected=state.next_version, entries=(entry,))
        (outcome,) = journal.commit([request], now=now).outcomes
        if isinstance(outcome, VersionConflict | AlreadyFinished):
            # It moved on meanwhile: look again.
            continue
        if isinstance(outcome, JournalError):
            raise outcome
        return True
