"""The protocol between the engine and its storage.

Every promise is written here once; `tests/engine/journal` holds each implementation to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from engine.errors import JournalError
from engine.journal.records import (
    Committed,
    DelayRow,
    Hints,
    HttpExchange,
    LockedExecution,
    LockRequest,
    LogLine,
    Outlook,
    Write,
)
from engine.log.backtraces import CallSites
from engine.log.events import LogEntry, Response
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState


class CommitReport(Struct, frozen=True, gc=False):
    """What became of a commit.

    Args:
        outcomes: One per write, in order: what it led to, or why it was refused.
        hints: Who may want to look again.
        locked: What was locked behind the writes.
    """

    outcomes: tuple[Committed | JournalError, ...]
    hints: Hints
    locked: tuple[LockedExecution, ...] = ()


class FinishedCommit(Struct, frozen=True, gc=False):
    """An `OpenCommit` of a storage that had nothing to wait for."""

    report: CommitReport

    def finish(self) -> CommitReport:
        """See `OpenCommit`."""
        return self.report


class OpenCommit(Protocol):
    """A commit whose writes are applied; none of this journal's that come later are until it is finished.

    Whether they are durable yet, and whether others see them, nobody knows before `finish` has said so.
    """

    def finish(self) -> CommitReport:
        """Make it durable and return what became of it; once, from any thread.

        Raises:
            JournalUnavailable: If the storage did not answer.
        """
        ...


class PreparedCommit(OpenCommit, Protocol):
    """A commit that is known and not begun."""

    def drop(self) -> None:
        """Hear that it is not to be finished."""
        ...


class Journal(Protocol):
    """Durable storage of executions, their logs, responses and delays.

    All methods may be called from any thread, and raise `JournalUnavailable` when the storage did not answer; nothing
    was written then, or the caller cannot know and must read before trying again.
    """

    def commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> CommitReport:
        """Carry out writes in order, then lock what is due, in one transaction that is durable on return.

        Each write is applied whole or refused whole; a refused one leaves no trace and does not disturb the others.
        Outcomes: `Committed`, or `VersionConflict`, `LockLost`, `AlreadyFinished`, `ExecutionNotFound`,
        `ExecutionExists` as values. The last three may name a delay instead of an execution. A plain `JournalError`
        says that the storage holds the write for impossible; only a faulty writer sees it.

        Promises: versions are dense from 0; response cursors are dense from 1 per execution, in commit order; the state
        row equals the fold of the log (`engine.log.state`); children appear together with the request that names
        them, a child's end together with its parent's response; a delay row exists from its request until it fires or
        is cancelled, and gives one response; nothing follows ``finished``.

        Locked are due executions, the longest due first over all components, each for one caller only, by appending the
        lock event of the choice that matched. Paused and cancelling executions, and those whose
        ``incompatible_digest`` is the choice's own, are left alone. When a write turns out to be impossible, nothing is
        locked, and the hints say that something may be due.

        Args:
            writes: In the order in which they shall count.
            now: The present instant; locks that expired by then do not count.
            lock: What to lock behind the writes; with writes, only if they made something due.
        """
        ...

    def begin_commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> OpenCommit:
        """Do as `commit` up to where it would wait for the disk, so that its caller can do something meanwhile."""
        ...

    def prepare_commit(self, writes: Sequence[Write], *, now: datetime) -> PreparedCommit | None:
        """Do as much of a commit as needs no storage, while another one of this journal may be under way.

        By one thread at a time. The commits are finished in the order in which they were prepared or begun; should one
        fail on which this was built, `finish` applies the writes to what there is.

        Returns:
            ``None`` if the storage would have to be asked first, so that the commit has to be begun when it may be.
        """
        ...

    def state_of(self, execution_id: ExecutionId) -> ExecutionState:
        """Return the present state.

        Raises:
            ExecutionNotFound: If there is none.
        """
        ...

    def load_log(self, execution_id: ExecutionId, *, start: int = 0) -> list[LogEntry]:
        """Return the events from version ``start`` on, oldest first; empty if there are none."""
        ...

    def load_responses(self, execution_id: ExecutionId, *, after: int = 0) -> list[Response]:
        """Return the responses behind cursor ``after``, in order of arrival, with the children's return values."""
        ...

    def due_delays(self, now: datetime, *, limit: int) -> list[DelayRow]:
        """Return unpaused delays that expired at or before ``now``, oldest first."""
        ...

    def expired_locks(self, now: datetime, *, limit: int) -> list[ExecutionState]:
        """Return active executions whose lock expired at or before ``now``, oldest first."""
        ...

    def cancelling(self, *, limit: int) -> list[ExecutionState]:
        """Return executions that are being cancelled, oldest first, those that a run still holds among them."""
        ...

    def newest_call(self, ffqn: str, component_digest: str) -> ExecutionState | None:
        """Return the call of a function by one version of a component that was created last; ``None`` if there is none.

        Of those created at the same instant it is any one.
        """
        ...

    def outlook(self, now: datetime, *, leeway: timedelta) -> Outlook:
        """Return whether there is anything to do at ``now``, and when there will be.

        Args:
            now: The present instant; ``next_at`` is behind it.
            leeway: How long after its end a lock counts as expired.
        """
        ...

    def add_log_lines(self, lines: Sequence[LogLine]) -> None:
        """Store guests' log lines."""
        ...

    def add_call_sites(self, sites: Sequence[CallSites]) -> None:
        """Store where workflows made their calls."""
        ...

    def count_log_lines(self, execution_id: ExecutionId, *, limit: int) -> int:
        """Return how many log lines of an execution are stored; ``limit`` if there are that many or more."""
        ...

    def add_http_exchanges(self, exchanges: Sequence[HttpExchange]) -> None:
        """Store what is remembered of guests' HTTP requests."""
        ...
