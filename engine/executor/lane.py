"""Short runs, one after the other on one thread: the lane.

With a thread each they would spend longer on handing the interpreter lock to each other than on their work, and every
one would end with a commit of its own. In the lane those that end within a moment share one, and the same commit locks
the next ones. A run that is about to wait leaves the lane, and those behind it go on on another thread.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from engine.deployment.registry import DeployedFunction
from engine.errors import JournalError, JournalUnavailable
from engine.executor.activity_run import Job
from engine.executor.durations import Durations
from engine.executor.flusher import Flushable, Flusher, HeldBack
from engine.executor.group_commit import GroupCommit
from engine.executor.ticket import Ticket
from engine.journal.records import Write
from engine.log.state import Holder

log = structlog.get_logger(__name__)

_SHORT_S = 0.002
_SHARE_S = 0.01
_HELD_UP_S = 2 * _SHARE_S
"""When others commit what the lane has yet to commit, as a run takes longer than expected."""
_STUCK_S = 0.02


class Lane:
    """A queue of short runs and the thread that works it off, if there is anything to do.

    Args:
        commits: Where the runs' ends are committed.
        flusher: Commits ends while a later run takes its time.
        run_times: How much processor time a run of each function takes.
        begin: Has a function called by another thread.
        run: Runs one execution.
        give_back: Hears of executions that run no more.
    """

    def __init__(
        self,
        commits: GroupCommit,
        flusher: Flusher,
        run_times: Durations,
        *,
        begin: Callable[[Callable[[], None]], object],
        run: Callable[[Job, Holder, Seat], None],
        give_back: Callable[[Sequence[Job]], None],
    ) -> None:
        self.commits = commits
        self.flusher = flusher
        self.run = run
        self.give_back = give_back
        self._run_times = run_times
        self._begin = begin
        self._mutex = threading.Lock()
        self._waiting: deque[tuple[Job, Holder]] = deque()
        self._seat: Seat | None = None
        self._began_s = 0.0

    def is_for(self, function: DeployedFunction) -> bool:
        """Whether runs of a function are short, and may begin in any number."""
        if function.component.exec.instance_limit is not None:
            return False
        mean = self._run_times.expected(str(function.name))
        return mean is not None and mean < _SHORT_S

    def add(self, jobs: Sequence[Job], holder: Holder) -> None:
        """Run executions that were locked together."""
        with self._mutex:
            self._waiting.extend((job, holder) for job in jobs)
            is_idle = self._seat is None
            if is_idle:
                self._take_seat()

    def help(self) -> None:
        """Have another thread go on if a run holds up those behind it; called now and then."""
        with self._mutex:
            if self._seat is not None and self._waiting and time.monotonic() - self._began_s > _STUCK_S:
                self._take_seat()

    def next(self, seat: Seat, *, is_done: bool) -> tuple[Job, Holder] | None:
        """Return the next execution to run; ``None`` if there is none, or if it is another thread's to run.

        Args:
            seat: Whose thread asks.
            is_done: Whether that thread has nothing else to do, and so leaves if there is none.
        """
        with self._mutex:
            if self._seat is not seat:
                return None
            if self._waiting:
                self._began_s = time.monotonic()
                self.commits.is_commit_near = True
                return self._waiting.popleft()
            if is_done:
                self._seat = None
            return None

    def has(self, seat: Seat) -> bool:
        """Whether this is the seat of the thread that works the lane off."""
        return self._seat is seat

    def leave(self, seat: Seat) -> bool:
        """Have another thread go on, if anything waits; tell whether the lane was this seat's."""
        with self._mutex:
            if self._seat is not seat:
                return False
            self._seat = None
            if self._waiting:
                self._take_seat()
            return True

    def _take_seat(self) -> None:
        self._began_s = time.monotonic()
        self._seat = Seat(self)
        self._begin(self._seat.work)


class Seat:
    """One thread's time in the lane, with what it has yet to commit.

    It looks after its runs' commit windows (`engine.executor.flusher.CommitWindows`): nearly all of them end before
    theirs is over, so the flusher is not told of each, but looks once a window which run it is now.

    Args:
        lane: The lane.

    Attributes:
        window_s: When the flusher looks, in seconds from when it was asked to.
    """

    __slots__ = (
        "_asked",
        "_ended",
        "_is_watched",
        "_lane",
        "_latest",
        "_oldest_s",
        "_tickets",
        "_watching",
        "window_s",
    )

    def __init__(self, lane: Lane) -> None:
        self.window_s = 0.0
        self._lane = lane
        self._ended: list[Job] = []
        self._tickets: list[Ticket] = []
        self._oldest_s = 0.0
        self._latest: tuple[Flushable, float] | None = None
        self._asked: Flushable | None = None
        self._is_watched = False
        self._watching = threading.Lock()

    def work(self) -> None:
        """Run what waits, until nothing does or the lane is another's."""
        lane = self._lane
        try:
            while True:
                turn = lane.next(self, is_done=not self._ended)
                if turn is not None:
                    job, holder = turn
                    self._ended.append(job)
                    lane.run(job, holder, self)
                    if self._tickets and time.monotonic() - self._oldest_s > _SHARE_S:
                        self._settle()
                elif self._ended:
                    self._settle()
                else:
                    lane.commits.commit_left()
                    return
        finally:
            # However a run breaks off, those behind it go on.
            lane.leave(self)
            lane.give_back(self._ended)

    def register(self, run: Flushable, /) -> None:
        """See `engine.executor.flusher.CommitWindows`."""
        if not self._lane.has(self):
            self._lane.flusher.register(run)
            return
        with self._watching:
            if run is self._asked and self._latest is not None and self._latest[0] is not run:
                # It was asked for its buffer and wants to be asked again, but it is over: another one runs.
                return
            self._latest = (run, time.monotonic() + run.window_s)
            if self._is_watched:
                return
            self._is_watched = True
            self.window_s = run.window_s
        self._lane.flusher.register(self)

    def commit(self, ticket: Ticket, /) -> None:
        """See `engine.executor.flusher.CommitWindows`."""
        self._lane.flusher.commit(ticket)

    def start_flush(self) -> Ticket | None:
        """Put the present run's buffer in line for a commit if its window is over; called by the flusher's thread."""
        with self._watching:
            assert self._latest is not None, "registered by its run"
            run, due_s = self._latest
            self.window_s = due_s - time.monotonic()
            is_early = self._is_watched = self.window_s > 0
            self._asked = run
        if is_early:
            self._lane.flusher.register(self)
            return None
        return run.start_flush()

    def post(self, write: Write) -> None:
        """Have a run's last write committed soon, with those of the runs behind it; nobody waits for it."""
        commits = self._lane.commits
        if not self._lane.has(self):
            commits.post(write)
            return
        ticket = commits.enqueue(write)
        if not self._tickets:
            self._oldest_s = time.monotonic()
            self._lane.flusher.register(HeldBack(ticket, _HELD_UP_S))
        self._tickets.append(ticket)

    def leave(self) -> None:
        """Hear that the run is about to wait."""
        if self._lane.leave(self):
            # The run itself goes on.
            if self._tickets:
                self._commit()
            self._lane.commits.commit_left()

    def _settle(self) -> None:
        ended, self._ended = self._ended, []
        self._lane.give_back(ended)
        self._commit()

    def _commit(self) -> None:
        tickets, self._tickets = self._tickets, []
        commits = self._lane.commits
        commits.look()
        for outcome in commits.settle_all(tickets):
            if isinstance(outcome, JournalError):
                log.warning("commit.refused", error=str(outcome), kind=type(outcome).__name__)
        try:
            commits.lock_if_asked()
        except JournalUnavailable as error:
            log.warning("executor.journal_unavailable", error=str(error))
