"""A process's way to the shared storage: slow, and cut at any moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from engine.errors import JournalUnavailable
from engine.journal.protocol import CommitReport, FinishedCommit, OpenCommit, PreparedCommit
from engine.journal.records import Hints, LockRequest, Write
from engine.simulation.connection import Connection, ProcessKilled
from engine.simulation.seeded.faults import Fault, Weather
from engine.simulation.seeded.storage import Storage
from engine.simulation.seeded.tasks import Group, Scheduler

_READ_PAUSE = 0.1


class Link(Connection):
    """A `Connection` of one process.

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
        super().__init__(storage.journal)
        self._storage = storage
        self._scheduler = scheduler
        self._weather = weather
        self._group = group
        self._on_commit = on_commit

    def commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> CommitReport:
        """See `Journal`."""
        return self.begin_commit(writes, now=now, lock=lock).finish()

    def begin_commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> OpenCommit:
        """See `Journal`; from here to the end of the commit nobody else writes."""
        if not writes and (lock is None or not self._is_anything_due(lock)):
            return FinishedCommit(CommitReport((), Hints()))
        self._scheduler.sleep(self._weather.latency_s())
        self._storage.open(self._group)
        try:
            self._meet_weather()
        except BaseException:
            self._storage.close(self._group)
            raise
        return _Open(self, writes, now, lock)

    def prepare_commit(self, writes: Sequence[Write], *, now: datetime) -> PreparedCommit | None:
        """See `Journal`; all of it is left for later."""
        return _Prepared(self, writes, now)

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

    def _is_anything_due(self, lock: LockRequest) -> bool:
        self._check()
        return self._storage.journal.is_anything_due(lock.now)

    def _meet_weather(self) -> None:
        self._check_alive()
        if self._weather.strikes(Fault.REFUSED):
            raise JournalUnavailable("the storage does not answer")
        self._perhaps_die()

    def _check(self) -> None:
        """Let a question meet the weather; every method of `Connection` begins with it."""
        self._check_alive()
        if self._weather.chance.random() < _READ_PAUSE:
            self._scheduler.pause()
        if self._weather.strikes(Fault.UNREAD):
            raise JournalUnavailable("the storage does not answer")

    def _check_alive(self) -> None:
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


class _Prepared:
    """A commit of which nothing has been done yet; `engine.journal.protocol.PreparedCommit`."""

    __slots__ = ("_link", "_now", "_writes")

    def __init__(self, link: Link, writes: Sequence[Write], now: datetime) -> None:
        self._link, self._writes, self._now = link, writes, now

    def finish(self) -> CommitReport:
        """See `PreparedCommit`."""
        return self._link.commit(self._writes, now=self._now)

    def drop(self) -> None:
        """See `PreparedCommit`."""
