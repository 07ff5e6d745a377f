"""A process's way to the shared storage: slow, and cut at any moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from engine.errors import JournalUnavailable
from engine.journal.protocol import CommitReport, FinishedCommit, OpenCommit
from engine.journal.records import DelayRow, Hints, HttpExchange, LockRequest, LogLine, Write
from engine.log.backtraces import CallSites
from engine.log.events import LogEntry, Response
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState
from engine.simulation.connection import ProcessKilled
from engine.simulation.seeded.faults import Fault, Weather
from engine.simulation.seeded.storage import Storage
from engine.simulation.seeded.tasks import Group, Scheduler

_T = TypeVar("_T")
_READ_PAUSE = 0.1


class Link:
    """`engine.journal.protocol.Journal` for one process.

    Args:
        storage: The shared storage.
        scheduler: Has the tasks that call.
        weather: Decides what goes wrong.
        group: The process; ``None`` for people, who are not killed.
        on_commit: Called behind each commit that changed anything.
    """

    def __init__(
        self,
        storage: Storage,
        scheduler: Scheduler,
        weather: Weather,
        *,
        group: Group | None,
        on_commit: Callable[[], None],
    ) -> None:
        self._storage = storage
        self._scheduler = scheduler
        self._weather = weather
        self._group = group
        self._on_commit = on_commit

    # Writing.

    def commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> CommitReport:
        """See `Journal`."""
        return self.begin_commit(writes, now=now, lock=lock).finish()

    def begin_commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> OpenCommit:
        """See `Journal`; from here to the end of the commit nobody else writes."""
        if not writes and (lock is None or not self._read(lambda: self._storage.journal.is_anything_due(lock.now))):
            return FinishedCommit(CommitReport((), Hints()))
        self._scheduler.sleep(self._weather.latency_s())
        self._storage.open(self._group)
        try:
            self._meet_weather()
        except BaseException:
            self._storage.close(self._group)
            raise
        return _Open(self, writes, now, lock)

    def finish(self, writes: Sequence[Write], now: datetime, lock: LockRequest | None) -> CommitReport:
        """Carry out what was begun."""
        try:
            self._scheduler.sleep(self._weather.latency_s() / 2)
            self._meet_weather()
            report = self._storage.commit(self._group, writes, now=now, lock=lock)
        finally:
            self._storage.close(self._group)
        if writes or report.locked:
            self._on_commit()
        self._perhaps_die()
        if self._weather.strikes(Fault.UNANSWERED):
            raise JournalUnavailable("the storage's answer is lost")
        return report

    def add_log_lines(self, lines: Sequence[LogLine]) -> None:
        """See `Journal`."""
        self._check()
        self._storage.journal.add_log_lines(lines)

    def add_call_sites(self, sites: Sequence[CallSites]) -> None:
        """See `Journal`."""
        self._check()
        self._storage.journal.add_call_sites(sites)

    def add_http_exchanges(self, exchanges: Sequence[HttpExchange]) -> None:
        """See `Journal`."""
        self._check()
        self._storage.journal.add_http_exchanges(exchanges)

    # Reading.

    def count_log_lines(self, execution_id: ExecutionId, *, limit: int) -> int:
        """See `Journal`."""
        return self._read(lambda: self._storage.journal.count_log_lines(execution_id, limit=limit))

    def state_of(self, execution_id: ExecutionId) -> ExecutionState:
        """See `Journal`."""
        return self._read(lambda: self._storage.journal.state_of(execution_id))

    def load_log(self, execution_id: ExecutionId, *, start: int = 0) -> list[LogEntry]:
        """See `Journal`."""
        return self._read(lambda: self._storage.journal.load_log(execution_id, start=start))

    def load_responses(self, execution_id: ExecutionId, *, after: int = 0) -> list[Response]:
        """See `Journal`."""
        return self._read(lambda: self._storage.journal.load_responses(execution_id, after=after))

    def due_delays(self, now: datetime, *, limit: int) -> list[DelayRow]:
        """See `Journal`."""
        return self._read(lambda: self._storage.journal.due_delays(now, limit=limit))

    def expired_locks(self, now: datetime, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        return self._read(lambda: self._storage.journal.expired_locks(now, limit=limit))

    def cancelling(self, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        return self._read(lambda: self._storage.journal.cancelling(limit=limit))

    def newest_call(self, ffqn: str, component_digest: str) -> ExecutionState | None:
        """See `Journal`."""
        return self._read(lambda: self._storage.journal.newest_call(ffqn, component_digest))

    def next_wake_up(self, after: datetime) -> datetime | None:
        """See `Journal`."""
        return self._read(lambda: self._storage.journal.next_wake_up(after))

    def _read(self, ask: Callable[[], _T]) -> _T:
        self._check()
        if self._weather.chance.random() < _READ_PAUSE:
            self._scheduler.pause()
        if self._weather.strikes(Fault.UNREAD):
            raise JournalUnavailable("the storage does not answer")
        return ask()

    def _meet_weather(self) -> None:
        self._check()
        if self._weather.strikes(Fault.REFUSED):
            raise JournalUnavailable("the storage does not answer")
        self._perhaps_die()

    def _check(self) -> None:
        if self._group is not None and self._group.is_dead:
            raise ProcessKilled

    def _perhaps_die(self) -> None:
        if self._group is not None and self._weather.strikes(Fault.KILLED):
            self._scheduler.kill(self._group)
            raise ProcessKilled


class _Open:
    """`engine.journal.protocol.OpenCommit`."""

    __slots__ = ("_link", "_lock", "_now", "_writes")

    def __init__(self, link: Link, writes: Sequence[Write], now: datetime, lock: LockRequest | None) -> None:
        self._link, self._writes, self._now, self._lock = link, writes, now, lock

    def finish(self) -> CommitReport:
        """See `OpenCommit`."""
        return self._link.finish(self._writes, self._now, self._lock)
