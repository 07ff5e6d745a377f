"""What a run did since its last commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from engine.journal.records import NewExecution
from engine.log.events import ChildRequested, Created, ExecutionEvent, LogEntry, Response
from engine.log.ids import ExecutionId, Version
from engine.workflow.target import Target


@dataclass(slots=True)
class Newborn:
    """A new execution that waits for its first commit.

    Args:
        log: Its events so far.
        child: The request that it answers; ``None`` for a scheduled execution.
        target: The function with its parameters.
    """

    log: list[LogEntry]
    child: ChildRequested | None
    target: Target


@dataclass(slots=True)
class WriteBuffer:
    """Events, new executions and responses that wait for a commit.

    Args:
        next_version: Version of the next event of the run's own log.
        entries: The run's own new events.
        created: New executions, in order of creation.
        idle: Those among them that are children and were not run yet.
        responses: Responses of children that ran on the run's own thread.
        oldest_at: When the first of all these came in; ``None`` while the buffer is empty.
    """

    next_version: Version
    entries: list[LogEntry] = field(default_factory=list)
    created: dict[ExecutionId, Newborn] = field(default_factory=dict)
    idle: dict[ExecutionId, Newborn] = field(default_factory=dict)
    responses: list[Response] = field(default_factory=list)
    oldest_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not self.entries and not self.responses

    def append(self, event: ExecutionEvent, at: datetime) -> None:
        """Add an event of the run's own log."""
        if self.oldest_at is None:
            self.oldest_at = at
        self.entries.append(LogEntry(self.next_version, at, event))
        self.next_version = Version(self.next_version + 1)

    def create(
        self, execution_id: ExecutionId, event: Created, at: datetime, *, target: Target, child: ChildRequested | None
    ) -> None:
        """Add a new execution; ``event`` is its first."""
        newborn = Newborn([LogEntry(Version(0), at, event)], child, target)
        self.created[execution_id] = newborn
        if child is not None:
            self.idle[execution_id] = newborn

    def take(self) -> tuple[tuple[LogEntry, ...], tuple[NewExecution, ...], tuple[Response, ...]]:
        """Empty the buffer and return its entries, new executions and responses."""
        taken = (
            tuple(self.entries),
            tuple(NewExecution(execution_id, tuple(newborn.log)) for execution_id, newborn in self.created.items()),
            tuple(self.responses),
        )
        self.entries.clear()
        self.created.clear()
        self.idle.clear()
        self.responses.clear()
        self.oldest_at = None
        return taken
