"""What a run did since its last commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import dropwhile

from engine.journal.records import NewExecution
from engine.log.events import ChildRequested, Created, DelayRequested, ExecutionEvent, LogEntry, Response
from engine.log.ids import DelayId, ExecutionId, Version
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
        under_way: The one among the children that runs on the run's own thread now.
    """

    next_version: Version
    entries: list[LogEntry] = field(default_factory=list)
    created: dict[ExecutionId, Newborn] = field(default_factory=dict)
    idle: dict[ExecutionId, Newborn] = field(default_factory=dict)
    responses: list[Response] = field(default_factory=list)
    oldest_at: datetime | None = None
    under_way: Newborn | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not self.entries and not self.responses

    @property
    def requested(self) -> list[ExecutionId | DelayId]:
        """The children and delays whose requests are among the entries."""
        members: list[ExecutionId | DelayId] = []
        for entry in self.entries:
            match entry.event:
                case ChildRequested(child_execution_id=member) | DelayRequested(delay_id=member):
                    members.append(member)
                case _:
                    pass
        return members

    @property
    def step_under_way(self) -> LogEntry | None:
        """The request of the child that runs now; ``None`` if what came before cannot be committed without it."""
        newborn = self.under_way
        if newborn is None:
            return None
        step = next(entry for entry in reversed(self.entries) if entry.event is newborn.child)
        is_last = not self.responses or self.responses[-1].at_version < step.version
        return step if is_last else None

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
        self.under_way = None
        return taken

    def set_aside(self, step: LogEntry) -> WriteBuffer:
        """Take out and return `step_under_way` and what came after it, to be put back once the rest is taken."""
        position = step.version - self.entries[0].version
        created = dict(dropwhile(lambda item: item[1] is not self.under_way, self.created.items()))
        aside = WriteBuffer(
            self.next_version,
            entries=self.entries[position:],
            created=created,
            idle={child: newborn for child, newborn in self.idle.items() if child in created},
            oldest_at=step.created_at,
            under_way=self.under_way,
        )
        del self.entries[position:]
        for execution_id in created:
            del self.created[execution_id]
            self.idle.pop(execution_id, None)
        return aside

    def put_back(self, aside: WriteBuffer) -> None:
        """Take in again what was set aside; nothing else came in meanwhile."""
        self.entries, self.created, self.idle = aside.entries, aside.created, aside.idle
        self.oldest_at, self.under_way = aside.oldest_at, aside.under_way
