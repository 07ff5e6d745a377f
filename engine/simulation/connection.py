"""An executor's way to the journal, which others watch, count and cut."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from engine.errors import JournalUnavailable
from engine.journal.protocol import CommitReport, FinishedCommit, Journal, OpenCommit, PreparedCommit
from engine.journal.records import DelayRow, HttpExchange, LockRequest, LogLine, Outlook, Write
from engine.log.backtraces import CallSites
from engine.log.events import LogEntry, Response
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState


class Moment(Enum):
    """On which side of a commit the cut is made."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Cut:
    """When a connection breaks: around its ``number``-th write transaction, counted from 1."""

    number: int
    moment: Moment


class ProcessKilled(BaseException):
    """What unwinds the threads of an executor whose process was killed; it can write nothing any more."""


def unavailable() -> JournalUnavailable:
    """Return what a run meets whose executor goes on without its journal."""
    return JournalUnavailable("the connection is cut")


class Connection:
    """A `Journal` that hands everything on to another one, until it is cut.

    Args:
        journal: The shared journal.
        on_write: Called after each write transaction, with no lock held.
        cut: When it breaks by itself.
        error: Makes what every call raises from then on.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        on_write: Callable[[], None] = lambda: None,
        cut: Cut | None = None,
        error: Callable[[], BaseException] = unavailable,
    ) -> None:
        self.is_cut = False
        self.was_refused = threading.Event()
        self.transactions = 0
        self._journal = journal
        self._on_write = on_write
        self._cut = cut
        self._error = error
        self._counting = threading.Lock()

    def commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> CommitReport:
        """See `Journal`; one without writes counts as a write transaction if it locked something."""
        if not writes:
            self._check()
            report = self._journal.commit(writes, now=now, lock=lock)
            if report.locked:
                # That it was one is known only afterwards; a cut before it would be a cut after the one before.
                self._end(self._begin(is_undone=False))
            return report
        number = self._begin()
        report = self._journal.commit(writes, now=now, lock=lock)
        self._end(number)
        return report

    def begin_commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> OpenCommit:
        """See `Journal`."""
        return FinishedCommit(self.commit(writes, now=now, lock=lock))

    def prepare_commit(self, writes: Sequence[Write], *, now: datetime) -> PreparedCommit | None:
        """See `Journal`."""
        return None

    def add_log_lines(self, lines: Sequence[LogLine]) -> None:
        """See `Journal`."""
        self._check()
        self._journal.add_log_lines(lines)

    def add_call_sites(self, sites: Sequence[CallSites]) -> None:
        """See `Journal`."""
        self._check()
        self._journal.add_call_sites(sites)

    def count_log_lines(self, execution_id: ExecutionId, *, limit: int) -> int:
        """See `Journal`."""
        self._check()
        return self._journal.count_log_lines(execution_id, limit=limit)

    def add_http_exchanges(self, exchanges: Sequence[HttpExchange]) -> None:
        """See `Journal`."""
        self._check()
        self._journal.add_http_exchanges(exchanges)

    def state_of(self, execution_id: ExecutionId) -> ExecutionState:
        """See `Journal`."""
        self._check()
        return self._journal.state_of(execution_id)

    def load_log(self, execution_id: ExecutionId, *, start: int = 0) -> list[LogEntry]:
        """See `Journal`."""
        self._check()
        return self._journal.load_log(execution_id, start=start)

    def load_responses(self, execution_id: ExecutionId, *, after: int = 0) -> list[Response]:
        """See `Journal`."""
        self._check()
        return self._journal.load_responses(execution_id, after=after)

    def due_delays(self, now: datetime, *, limit: int) -> list[DelayRow]:
        """See `Journal`."""
        self._check()
        return self._journal.due_delays(now, limit=limit)

    def expired_locks(self, now: datetime, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        self._check()
        return self._journal.expired_locks(now, limit=limit)

    def cancelling(self, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        self._check()
        return self._journal.cancelling(limit=limit)

    def newest_call(self, ffqn: str, component_digest: str) -> ExecutionState | None:
        """See `Journal`."""
        self._check()
        return self._journal.newest_call(ffqn, component_digest)

    def outlook(self, now: datetime, *, leeway: timedelta) -> Outlook:
        """See `Journal`."""
        self._check()
        return self._journal.outlook(now, leeway=leeway)

    def _check(self) -> None:
        if self.is_cut:
            self.was_refused.set()
            raise self._error()

    def _begin(self, *, is_undone: bool = True) -> int:
        with self._counting:
            self._check()
            self.transactions += 1
            if is_undone and self._cut == Cut(self.transactions, Moment.BEFORE):
                self.is_cut = True
                raise self._error()
            return self.transactions

    def _end(self, number: int) -> None:
        if self._cut == Cut(number, Moment.AFTER):
            self.is_cut = True
        # Others see what was written, whatever becomes of the writer.
        self._on_write()
        self._check()
