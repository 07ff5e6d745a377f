"""What a commit changes in the rows: made by the ledger, stored by the journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.journal.records import DelayRow, Mail
from engine.log.events import LogEntry, Response
from engine.log.ids import DelayId, ExecutionId
from engine.log.state import ExecutionState


@dataclass(slots=True)
class Changes:
    """Rows to write.

    Args:
        inserted: New executions, in their final state.
        updated: Changed executions: their state as it was loaded, and the final one.
        entries: Events to insert, with their execution.
        responses: Responses to insert, cursors given.
        delays_added: Delay rows to insert.
        delays_paused: Delay rows whose flag changes, with the new one.
        delays_removed: Delay rows to delete.
        mail_added: Signals to keep.
        mail_delivered: Numbers of kept signals that a call has now.
    """

    inserted: dict[ExecutionId, ExecutionState] = field(default_factory=dict)
    updated: dict[ExecutionId, tuple[ExecutionState, ExecutionState]] = field(default_factory=dict)
    entries: list[tuple[ExecutionId, LogEntry]] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    delays_added: dict[DelayId, DelayRow] = field(default_factory=dict)
    delays_paused: dict[DelayId, DelayRow] = field(default_factory=dict)
    delays_removed: list[DelayId] = field(default_factory=list)
    mail_added: list[Mail] = field(default_factory=list)
    mail_delivered: list[int] = field(default_factory=list)

    def states(self) -> Iterator[ExecutionState]:
        """Return the final states of all executions that were created or changed."""
        yield from self.inserted.values()
        for _, state in self.updated.values():
            yield state

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (
            self.inserted
            or self.updated
            or self.entries
            or self.responses
            or self.delays_paused
            or self.delays_removed
            or self.mail_added
        )
