"""What a replay needs to know of an execution: read from the journal, or made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as replace_struct

from engine.journal.protocol import Journal
from engine.log.events import Created, LogEntry, Response
from engine.log.ids import ExecutionId, Version
from engine.log.state import ExecutionState


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An execution with its whole log.

    Args:
        state: Its state behind the log.
        entries: Its events, oldest first.
        responses: Its responses, in order of arrival.
    """

    state: ExecutionState
    entries: Sequence[LogEntry]
    responses: Sequence[Response]

    @property
    def created(self) -> Created:
        """Its first event."""
        event = self.entries[0].event
        assert isinstance(event, Created)
        return event

    def unfinished(self) -> Subject:
        """Return the execution as it was before it ended, if it has."""
        if not self.state.is_finished:
            return self
        entries = self.entries[:-1]
        return replace(self, entries=entries, state=replace_struct(self.state, next_version=Version(len(entries))))


def load_subject(journal: Journal, execution_id: ExecutionId) -> Subject:
    """Return an execution as the journal holds it, at one moment.

    Raises:
        ExecutionNotFound: If there is none.
        JournalUnavailable: If the storage did not answer.
    """
    while True:
        state = journal.state_of(execution_id)
        entries = journal.load_log(execution_id)
        responses = journal.load_responses(execution_id)
        if len(entries) == state.next_version and len(responses) == state.response_count:
            return Subject(state=state, entries=entries, responses=responses)
        # Somebody wrote in between.
