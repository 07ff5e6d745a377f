"""Many threads' writes in few transactions.

Whoever first needs an acknowledgement leads: it takes everything that waits and commits it. Nobody is handed over to
another thread for that, so a lone writer pays nothing, and under load the followers find their write done. The same
transaction locks what becomes due by it, so an execution that is submitted or woken here is begun at no extra commit.

A writer that wants every step committed, and has the next one to compute, leaves the waiting for the disk to another
thread (`GroupCommit.commit_behind`).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from queue import SimpleQueue
from typing import NamedTuple, Protocol

import structlog

from engine.clock import Clock
from engine.errors import JournalError, JournalUnavailable
from engine.executor.metrics import ExecutorMetrics
from engine.journal.protocol import Journal, OpenCommit
from engine.journal.records import Committed, Hints, LockedExecution, LockRequest, Write
from engine.journal.requirements import may_make_due

log = structlog.get_logger(__name__)


class Ticket:
    """A write that waits for its commit."""

    __slots__ = ("outcome", "write")

    def __init__(self, write: Write) -> None:
        self.write = write
        self.outcome: Committed | JournalError | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the write was committed or refused."""
        return self.outcome is not None

    def result(self) -> Committed:
        """Return what a settled write led to.

        Raises:
            JournalError: If it was refused.
        """
        outcome = self.outcome
        assert outcome is not None
        if isinstance(outcome, JournalError):
            raise outcome
        return outcome


class LockSource(Protocol):
    """Who locks what is due. Its methods are called by one thread at a time."""

    def request(self, now: datetime) -> LockRequest | None:
        """Return what to lock with the next commit; ``None`` for nothing."""
        ...

    def take(self, locked: Sequence[LockedExecution]) -> None:
        """Take what the last request locked, now that the locks are durable."""
        ...


class GroupCommit:
    """The one door through which an executor's writes reach the journal, in the order of `enqueue`.

    Args:
        journal: Where to commit.
        clock: Gives the instant at which locks are checked.
        on_hints: Told after each commit who may want to look again.
        max_writes: Most writes in one transaction.
        metrics: Counts transactions and refusals.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        on_hints: Callable[[Hints], None],
        *,
        max_writes: int = 500,
        metrics: ExecutorMetrics | None = None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._on_hints = on_hints
        self._max_writes = max_writes
        self._metrics = metrics or ExecutorMetrics()
        self._waiting: deque[Ticket] = deque()
        self._leading = threading.Lock()
        self._posted: deque[Ticket] = deque()
        self._has_posts = threading.Event()
        self._is_stopped = False
        self._lock_source: LockSource | None = None
        self._is_look_due = False
        self._locked_count = 0
        self._committer = threading.Thread(target=self._commit_posts, name="committer", daemon=True)
        self._begun: SimpleQueue[_Begun | None] = SimpleQueue()
        self._is_finishing = threading.Semaphore(0)
        self._finisher = threading.Thread(target=self._finish_begun, name="finisher", daemon=True)

    def start(self) -> None:
        """Start the threads that commit what nobody waits for."""
        self._committer.start()
        self._finisher.start()

    def stop(self) -> None:
        """Commit what was posted and end those threads."""
        self._is_stopped = True
        self._has_posts.set()
        self._committer.join()
        self._begun.put(None)
        self._finisher.join()

    def lock_for(self, source: LockSource | None) -> None:
        """Lock due executions for this source from now on, and hand no more to the last one; ``None`` for nobody."""
        with self._leading:
            self._lock_source = source

    def lock_due(self) -> int:
        """Have the source lock what is due, with whatever else waits; return how many executions were locked.

        Raises:
            JournalUnavailable: If the storage did not answer.
        """
        self._is_look_due = True
        before = self._locked_count
        with self._leading:
            if self._is_look_due:
                failure = self._commit_waiting()
                if failure is not None:
                    raise failure
            return self._locked_count - before

    def enqueue(self, write: Write) -> Ticket:
        """Put a write in line; it is committed when somebody settles it or a later one."""
        ticket = Ticket(write)
        self._waiting.append(ticket)
        return ticket

    def settle(self, ticket: Ticket) -> Committed:
        """Return once the write is durable.

        Raises:
            JournalError: If it was refused, or the storage did not answer.
        """
        while not ticket.is_settled:
            with self._leading:
                if not ticket.is_settled:
                    self._commit_waiting()
        return ticket.result()

    def commit(self, write: Write) -> Committed:
        """Commit one write, with whatever else waits.

        Raises:
            JournalError: If it was refused, or the storage did not answer.
        """
        return self.settle(self.enqueue(write))

    def post(self, write: Write) -> None:
        """Have a write committed soon without waiting for it: at once if nobody leads, else with the next commit.

        A refusal is logged; so this is for writes whose writer could do nothing about one.
        """
        ticket = self.enqueue(write)
        if self._leading.acquire(blocking=False):
            try:
                if not ticket.is_settled:
                    self._commit_waiting()
            finally:
                self._leading.release()
        if ticket.is_settled:
            _log_refusal(ticket)
        else:
            self._posted.append(ticket)
            self._has_posts.set()

    def commit_behind(self, ticket: Ticket) -> None:
        """Have a write committed, with whatever else waits, by a thread that waits for the disk instead of this one.

        `settle` tells what became of it.
        """
        if not self._finisher.is_alive():
            return
        # Given up by the finisher.
        self._leading.acquire()
        begun = None
        try:
            if not ticket.is_settled:
                begun = self._begin()
        finally:
            if not isinstance(begun, _Begun):
                self._leading.release()
        if isinstance(begun, _Begun):
            self._begun.put(begun)
            # Else it would wait for the interpreter lock, which this thread goes on to hold while it computes.
            self._is_finishing.acquire()

    def _finish_begun(self) -> None:
        while (begun := self._begun.get()) is not None:
            self._is_finishing.release()
            try:
                self._finish(begun)
            finally:
                self._leading.release()

    def _commit_posts(self) -> None:
        while not (self._is_stopped and not self._posted):
            self._has_posts.wait()
            self._has_posts.clear()
            while self._posted:
                ticket = self._posted.popleft()
                while not ticket.is_settled:
                    with self._leading:
                        if not ticket.is_settled:
                            self._commit_waiting()
                _log_refusal(ticket)

    def commit_all(self, writes: Sequence[Write]) -> list[Committed | JournalError]:
        """Commit writes together and return what became of each."""
        return self.settle_all([self.enqueue(write) for write in writes])

    def settle_all(self, tickets: Sequence[Ticket]) -> list[Committed | JournalError]:
        """Return once these writes are durable or refused, with what became of each."""
        outcomes: list[Committed | JournalError] = []
        for ticket in reversed(tickets):
            try:
                outcomes.append(self.settle(ticket))
            except JournalError as error:
                outcomes.append(error)
        return outcomes[::-1]

    def _commit_waiting(self) -> JournalUnavailable | None:
        """Commit what waits, as the leader; return why the storage did not, if it did not."""
        begun = self._begin()
        return self._finish(begun) if isinstance(begun, _Begun) else begun

    def _begin(self) -> _Begun | JournalUnavailable | None:
        """Begin to commit what waits, as the leader; ``None`` if nothing does, an error if the storage failed."""
        tickets: list[Ticket] = []
        while self._waiting and len(tickets) < self._max_writes:
            tickets.append(self._waiting.popleft())
        writes = [ticket.write for ticket in tickets]
        now = self._clock.now()
        lock = self._lock_request(writes, now)
        if not tickets and lock is None:
            return None
        started = time.perf_counter()
        try:
            return _Begun(tickets, self._journal.begin_commit(writes, now=now, lock=lock), started)
        except JournalUnavailable as error:
            _fail(tickets, error)
            return error
        except BaseException:
            # Whoever waits for one of these must not wait for ever, whatever went wrong.
            _fail(tickets, JournalUnavailable("the commit broke off"))
            raise

    def _finish(self, begun: _Begun) -> JournalUnavailable | None:
        """Make durable what was begun, as the leader, and tell whoever waits."""
        try:
            report = begun.commit.finish()
        except JournalUnavailable as error:
            _fail(begun.tickets, error)
            return error
        except BaseException:
            _fail(begun.tickets, JournalUnavailable("the commit broke off"))
            raise
        self._metrics.committed(time.perf_counter() - begun.started_s, len(begun.tickets))
        for ticket, outcome in zip(begun.tickets, report.outcomes, strict=True):
            ticket.outcome = outcome
            if isinstance(outcome, JournalError):
                self._metrics.refused(outcome)
        self._on_hints(report.hints)
        if report.locked and self._lock_source is not None:
            self._locked_count += len(report.locked)
            self._lock_source.take(report.locked)
        return None

    def _lock_request(self, writes: Sequence[Write], now: datetime) -> LockRequest | None:
        is_look_due, self._is_look_due = self._is_look_due, False
        if self._lock_source is None or not (is_look_due or may_make_due(writes)):
            return None
        return self._lock_source.request(now)


class _Begun(NamedTuple):
    """A commit that is under way."""

    tickets: Sequence[Ticket]
    commit: OpenCommit
    started_s: float
    """On the clock of `time.perf_counter`."""


def _fail(tickets: Sequence[Ticket], error: JournalError) -> None:
    for ticket in tickets:
        ticket.outcome = error


def _log_refusal(ticket: Ticket) -> None:
    if isinstance(ticket.outcome, JournalError):
        log.warning("commit.refused", error=str(ticket.outcome), kind=type(ticket.outcome).__name__)
