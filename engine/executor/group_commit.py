"""Many threads' writes in few transactions.

Whoever first needs an acknowledgement leads: it takes everything that waits and commits it. Nobody is handed over to
another thread for that, so a lone writer pays nothing, and under load the followers find their write done. The same
transaction locks what becomes due by it, so an execution that is submitted or woken here is begun at no extra commit.

A client of this process, which has time, leaves its writes to a thread that is about to commit anyway
(`GroupCommit.commit_with_next`): a commit of its own would stop the runs beside it, and hand the interpreter lock to
and fro with every statement.

A writer that wants every step committed, and has the next one to compute, prepares its commit and leaves the rest to
another thread (`GroupCommit.commit_behind`), which finds the next one prepared when the disk has this one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from queue import SimpleQueue
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from engine.clock import Clock
from engine.errors import JournalError, JournalUnavailable
from engine.executor.lock_source import LockSource
from engine.executor.metrics import ExecutorMetrics
from engine.executor.ticket import Ticket
from engine.journal.protocol import Journal, OpenCommit, PreparedCommit
from engine.journal.records import Committed, Hints, LockRequest, Write
from engine.journal.requirements import may_make_due

log = structlog.get_logger(__name__)

_BROKEN = "the commit broke off"
_NEAR_S = 0.02
"""How long a client counts on a commit that somebody is about to make."""


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
        self.is_commit_near = False
        """Whether a thread that runs executions will commit whatever waits within a moment; it says so itself."""
        self._lock_source: LockSource | None = None
        self._is_look_due = False
        self._is_more_due = False
        self._locked_count = 0
        self._committer = threading.Thread(target=self._commit_posts, name="committer", daemon=True)
        self._behind: SimpleQueue[_Prepared | list[Ticket] | None] = SimpleQueue()
        self._preparing = threading.Lock()
        self._counting = threading.Lock()
        self._behind_count = 0
        self._followers = 0
        self._finisher = threading.Thread(target=self._commit_behind, name="finisher", daemon=True)

    def start(self) -> None:
        """Start the threads that commit what nobody waits for."""
        self._committer.start()
        self._finisher.start()

    def stop(self) -> None:
        """Commit what was posted and end those threads."""
        self._is_stopped = True
        self._has_posts.set()
        self._committer.join()
        self._behind.put(None)
        self._finisher.join()

    def lock_for(self, source: LockSource | None) -> None:
        """Lock due executions for this source from now on, and hand no more to the last one; ``None`` for nobody."""
        self._take_lead()
        self._lock_source = source
        self._leading.release()

    def note_more_due(self) -> None:
        """Hear that more is due than there is room for."""
        self._is_more_due = True

    def look(self) -> None:
        """Have the next commit lock what is due, if more was than there was room for; there is room now."""
        if self._is_more_due:
            self._is_look_due = True

    def lock_if_asked(self) -> None:
        """Lock what is due if somebody wanted that and no commit has done it yet.

        Raises:
            JournalUnavailable: If the storage did not answer.
        """
        if self._is_look_due:
            self.lock_due()

    def lock_due(self) -> int:
        """Have the source lock what is due, with whatever else waits; return how many executions were locked.

        Raises:
            JournalUnavailable: If the storage did not answer.
        """
        self._is_look_due = True
        before = self._locked_count
        self._take_lead()
        try:
            if self._is_look_due:
                failure = self._commit_waiting()
                if failure is not None:
                    raise failure
            return self._locked_count - before
        finally:
            self._leading.release()

    def enqueue(self, write: Write, *, after: Ticket | None = None) -> Ticket:
        """Put a write in line; it is committed when somebody settles it or a later one.

        Args:
            write: The write.
            after: The one that it goes on from, if that may still be on its way; if it is refused, so is this.
        """
        ticket = Ticket(write, after)
        self._waiting.append(ticket)
        return ticket

    def settle(self, ticket: Ticket) -> Committed:
        """Return once the write is durable.

        Raises:
            JournalError: If it was refused, or the storage did not answer.
        """
        while not (ticket.is_settled or ticket.wait_behind()):
            self._lead_for(ticket)
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
        """Have a write committed, with whatever else waits, by another thread.

        `settle` tells what became of it. What can be done without the storage this thread does now, though the commit
        before may still be under way.
        """
        if not self._finisher.is_alive():
            self._lead_for(ticket)
            return
        with self._preparing:
            self._lead_behind()
            if ticket.is_settled:
                self._leave_behind()
                return
            tickets = self._take_waiting()
            try:
                for taken in tickets:
                    taken.go_behind()
                self._behind.put(self._prepare(tickets) or tickets)
            except BaseException:
                # Whoever waits for one of these must not wait for ever, whatever went wrong.
                _fail(tickets, JournalUnavailable(_BROKEN))
                self._leave_behind()
                raise

    def _lead_for(self, ticket: Ticket) -> None:
        """Commit what waits, unless another leader has done that with a write by the time that this thread leads."""
        self._take_lead()
        try:
            if not ticket.is_settled:
                self._commit_waiting()
        finally:
            self._leading.release()

    def _take_lead(self) -> None:
        with self._counting:
            self._followers += 1
        self._leading.acquire()
        with self._counting:
            self._followers -= 1

    def _lead_behind(self) -> None:
        """Lead with one more commit for the finisher, which may lead already; if others wait to lead, behind them."""
        with self._counting:
            if self._behind_count and not self._followers:
                self._behind_count += 1
                return
        self._leading.acquire()
        with self._counting:
            self._behind_count = 1

    def _leave_behind(self) -> None:
        """Lead with one commit less, and no more behind the last one."""
        with self._counting:
            self._behind_count -= 1
            if self._behind_count:
                return
        self._leading.release()

    def _prepare(self, tickets: Sequence[Ticket]) -> _Prepared | None:
        writes = [ticket.write for ticket in tickets]
        if self._is_look_due or may_make_due(writes):
            # What is due has to be looked for.
            return None
        started_s = time.perf_counter()
        prepared = self._journal.prepare_commit(writes, now=self._clock.now())
        return None if prepared is None else _Prepared(tickets, prepared, started_s)

    def _commit_behind(self) -> None:
        try:
            while (work := self._behind.get()) is not None:
                try:
                    begun = self._begin(work) if isinstance(work, list) else self._begin_prepared(work)
                    if isinstance(begun, _Begun):
                        self._finish(begun)
                finally:
                    self._leave_behind()
        finally:
            # There are none, unless this thread broke off: whoever waits for one must not wait for ever.
            self._behind.put(None)
            while (work := self._behind.get()) is not None:
                _fail(work if isinstance(work, list) else work.tickets, JournalUnavailable(_BROKEN))
                self._leave_behind()

    def _commit_posts(self) -> None:
        while not (self._is_stopped and not self._posted):
            self._has_posts.wait()
            self._has_posts.clear()
            while self._posted:
                ticket = self._posted.popleft()
                while not (ticket.is_settled or ticket.wait_behind()):
                    self._lead_for(ticket)
                _log_refusal(ticket)

    def commit_all(self, writes: Sequence[Write]) -> list[Committed | JournalError]:
        """Commit writes together and return what became of each."""
        return self.settle_all([self.enqueue(write) for write in writes])

    def commit_with_next(self, writes: Sequence[Write]) -> list[Committed | JournalError]:
        """Commit writes, with what another thread is about to commit if one is; return what became of each.

        For writers that run on none of the threads that run executions.
        """
        if not (writes and self.is_commit_near):
            return self.commit_all(writes)
        tickets = [Ticket(write) for write in writes]
        tickets[-1].watch()
        self._waiting.extend(tickets)
        self._wait_for_near(tickets[-1])
        return self.settle_all(tickets)

    def _wait_for_near(self, ticket: Ticket) -> None:
        # Asked once more: whoever said so may have made its last commit before this was in line.
        if self.is_commit_near and not ticket.wait(_NEAR_S):
            # It is held up; others need not find out again.
            self.is_commit_near = False

    def commit_left(self) -> None:
        """Commit what others left to this thread, which said that it would commit and has nothing to commit now."""
        self.is_commit_near = False
        if self._waiting:
            self._take_lead()
            try:
                self._commit_waiting()
            finally:
                self._leading.release()

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
        begun = self._begin(self._take_waiting())
        return self._finish(begun) if isinstance(begun, _Begun) else begun

    def _take_waiting(self) -> list[Ticket]:
        """Take what waits out of the line, as the leader."""
        tickets: list[Ticket] = []
        while self._waiting and len(tickets) < self._max_writes:
            if (after := self._waiting[0].after) is not None and after in tickets:
                break
            tickets.append(self._waiting.popleft())
        return tickets

    def _begin_prepared(self, prepared: _Prepared) -> _Begun | JournalUnavailable | None:
        """Begin a prepared commit, or another one without what goes on from something that was refused meanwhile."""
        if not any(ticket.refused_before for ticket in prepared.tickets):
            return _Begun(*prepared)
        prepared.commit.drop()
        return self._begin(prepared.tickets)

    def _begin(self, tickets: Sequence[Ticket]) -> _Begun | JournalUnavailable | None:
        """Begin to commit, as the leader; ``None`` if there is nothing to do, an error if the storage failed."""
        for ticket in tickets:
            if (error := ticket.refused_before) is not None:
                ticket.settle(error)
        tickets = [ticket for ticket in tickets if not ticket.is_settled]
        writes = [ticket.write for ticket in tickets]
        try:
            now = self._clock.now()
            lock = self._lock_request(writes, now)
            if not tickets and lock is None:
                return None
            started = time.perf_counter()
            return _Begun(tickets, self._journal.begin_commit(writes, now=now, lock=lock), started)
        except JournalUnavailable as error:
            _fail(tickets, error)
            return error
        except BaseException:
            # Whoever waits for one of these must not wait for ever, whatever went wrong.
            _fail(tickets, JournalUnavailable(_BROKEN))
            raise

    def _finish(self, begun: _Begun) -> JournalUnavailable | None:
        """Make durable what was begun, as the leader, and tell whoever waits."""
        try:
            report = begun.commit.finish()
        except JournalUnavailable as error:
            _fail(begun.tickets, error)
            return error
        except BaseException:
            _fail(begun.tickets, JournalUnavailable(_BROKEN))
            raise
        self._metrics.committed(time.perf_counter() - begun.started_s, len(begun.tickets))
        for ticket, outcome in zip(begun.tickets, report.outcomes, strict=True):
            ticket.settle(outcome)
            if isinstance(outcome, JournalError):
                self._metrics.refused(outcome)
        hints, source = report.hints, self._lock_source
        if source is not None:
            if report.locked:
                self._locked_count += len(report.locked)
                source.take(report.locked)
            if hints.is_due and not source.has_room:
                # Whoever makes room looks; nobody else could do anything now.
                self._is_more_due = True
                hints = replace(hints, is_due=False)
        self._on_hints(hints)
        return None

    def _lock_request(self, writes: Sequence[Write], now: datetime) -> LockRequest | None:
        is_look_due, self._is_look_due = self._is_look_due, False
        if self._lock_source is None or not (is_look_due or may_make_due(writes)):
            return None
        request = self._lock_source.request(now)
        if request is None or not is_look_due:
            return request
        self._is_more_due = False
        return replace(request, is_look=True)


class _Prepared(NamedTuple):
    """A commit that the finisher begins; the fields are those of `_Begun`."""

    tickets: Sequence[Ticket]
    commit: PreparedCommit
    started_s: float


class _Begun(NamedTuple):
    """A commit that is under way."""

    tickets: Sequence[Ticket]
    commit: OpenCommit
    started_s: float
    """On the clock of `time.perf_counter`."""


def _fail(tickets: Sequence[Ticket], error: JournalError) -> None:
    for ticket in tickets:
        ticket.settle(error)


def _log_refusal(ticket: Ticket) -> None:
    if isinstance(ticket.outcome, JournalError):
        log.warning("commit.refused", error=str(ticket.outcome), kind=type(ticket.outcome).__name__)
