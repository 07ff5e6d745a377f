"""Adding events to an execution on behalf of a person: decided on its state, and again if that moved on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils import timezone

from engine.errors import AlreadyFinished, JournalError, VersionConflict
from engine.journal.protocol import Journal
from engine.journal.records import Append
from engine.log.events import ExecutionEvent, LogEntry
from engine.log.ids import ExecutionId, Version
from engine.log.state import ExecutionState

Decision = Callable[[ExecutionState, datetime], tuple[ExecutionEvent, ...]]


def append_decided(journal: Journal, execution_id: ExecutionId, decide: Decision) -> None:
    """Append what the present state asks for.

    Args:
        journal: Where to write.
        execution_id: Whose log grows.
        decide: Returns the events for a state at an instant, none if there is nothing to do; what it raises leaves the
            execution as it is.

    Raises:
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    while True:
        state = journal.state_of(execution_id)
        now = timezone.now()
        events = decide(state, now)
        if not events:
            return
        (outcome,) = journal.commit([append_of(state, events, now)], now=now).outcomes
        if isinstance(outcome, VersionConflict | AlreadyFinished):
            # It moved on meanwhile: look again.
            continue
        if isinstance(outcome, JournalError):
            raise outcome
        return


def append_of(state: ExecutionState, events: Sequence[ExecutionEvent], now: datetime) -> Append:
    """Return the write that appends events to an execution that still stands so."""
    entries = (LogEntry(Version(state.next_version + index), now, event) for index, event in enumerate(events))
    return Append(execution_id=state.execution_id, expected=state.next_version, entries=tuple(entries))
