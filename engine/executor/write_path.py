"""A workflow run's way to the journal (docs/architecture.md, "output commit").

What the run records is buffered, then in line for a commit, then durable. It is committed before anything of it can be
seen from outside (before an activity that can touch the world starts, before the run waits or ends), when the commit
window is over, and when much has piled up. Pure activities run on the workflow's own thread meanwhile: should the
process die, replay computes them again and nobody can tell.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from engine.clock import Clock
from engine.errors import JournalError, RunAbandoned, RunSuspended
from engine.executor.flusher import CommitWindows
from engine.executor.services import ExecutorServices
from engine.executor.ticket import Ticket
from engine.journal.records import Append, Committed
from engine.log.events import ExecutionEvent, Locked, LogEntry, Response, Unlocked
from engine.log.ids import Version
from engine.log.state import ExecutionState, Holder
from engine.workflow.run import WorkflowRun

_MOST_AHEAD = 2
"""Commits that may be on their way while the next step is computed: the one that the disk has, and the next."""


class WritePath:
    """Commits what one run records. All methods but `start_flush` are called with the run's mutex held.

    Args:
        services: The executor's parts.
        windows: Has the buffer committed when its window is over.
        run: What records.
        state: The execution as it was locked for this run.
        holder: Whose lock it is.
        mutex: Held by whoever works on the run.
        window_s: Longest time that an event of a pure step may wait, in seconds; 0 commits every step.
        before_commit: Called before the buffer is taken, with the mutex held.
        post: Has the run's last write committed soon.
    """

    def __init__(
        self,
        services: ExecutorServices,
        windows: CommitWindows,
        run: WorkflowRun,
        state: ExecutionState,
        holder: Holder,
        *,
        mutex: threading.Lock,
        window_s: float,
        before_commit: Callable[[], None],
        post: Callable[[Append], None],
    ) -> None:
        self.window_s = window_s
        self.lock_expires_at = state.due_at
        self.is_blocked = False
        self.lost: str | None = None
        self._services = services
        self._windows = windows
        self._run = run
        self._holder = holder
        self._mutex = mutex
        self._before_commit = before_commit
        self._post = post
        self._inflight: deque[Ticket] = deque()
        self._is_registered = False
        self._is_overdue = False  # whether the flusher wanted the buffer, while the run's own thread was at work
        self._first_version = state.next_version

    @property
    def has_progressed(self) -> bool:
        """Whether the run recorded anything; extending its lock does not count."""
        return self._run.buffer.next_version > self._first_version

    def commit_if_due(self) -> None:
        """Commit the buffer now if it is due, or have it committed when its window is over.

        Raises:
            RunAbandoned: If the lock is lost.
        """
        self._check_not_lost()
        inflight = self._inflight
        while inflight and (inflight[0].is_settled or len(inflight) >= _MOST_AHEAD):
            self._settle(inflight.popleft())
        buffer = self._run.buffer
        if buffer.is_empty:
            return
        if self.window_s <= 0:
            # The next steps are computed while the disk gets this one; it is there before anything leaves the sandbox.
            inflight.append(self._enqueue())
            self._services.commits.commit_behind(inflight[-1])
        elif len(buffer.entries) >= self._services.settings.buffer_events:
            self.flush()
        elif self._is_overdue and not inflight:
            inflight.append(self._enqueue())
            self._windows.commit(inflight[-1])
        else:
            self.begin_window()

    def begin_window(self) -> None:
        """Have the buffer committed when its window is over, whatever the run does meanwhile."""
        if not self._is_registered and self.window_s > 0:
            self._is_registered = True
            self._windows.register(self)

    def flush(self) -> None:
        """Commit everything, and take in what the journal knows.

        Raises:
            RunAbandoned: If the lock is lost.
        """
        self._check_not_lost()
        self._settle_inflight()
        if not self._run.buffer.is_empty:
            self._settle(self._enqueue())
        self._is_overdue = False

    def start_flush(self) -> Ticket | None:
        """Put the buffer in line for a commit without waiting for it; called by the flusher's thread."""
        if not self._mutex.acquire(blocking=False):
            # The run's own thread has it, and leaves it for moments only: it takes it back before one that waits for it
            # has woken up. It is at a host call, and hands the buffer over behind that.
            self._is_overdue = True
            self._windows.register(self)
            return None
        try:
            self._is_registered = False
            inflight = self._inflight
            if inflight and not inflight[-1].is_settled:
                self._is_registered = True
                self._windows.register(self)
                return None
            # The guest makes no host call in which the run could look at them itself.
            self._settle_inflight()
            if self._run.buffer.is_empty:
                return None
            step = self._young_step()
            inflight.append(self._enqueue(but=step))
            if step is not None:
                self._is_registered = True
                self._windows.register(self)
            return inflight[-1]
        except (RunAbandoned, JournalError):
            # The run's own thread meets the same at its next call.
            return None
        finally:
            self._mutex.release()

    def _young_step(self) -> LogEntry | None:
        """Return the step under way if it may stay in the buffer, as the thread that computes it is almost done.

        Were it committed, its end would need a commit of its own, and the run would wait for both.
        """
        step = self._run.buffer.step_under_way
        if step is None or step.version == self._run.buffer.entries[0].version:
            return None
        return step if (self._now() - step.created_at).total_seconds() < self.window_s else None

    def extend_lock(self, event: Locked) -> None:
        """Commit everything and hold the lock for longer.

        Raises:
            RunAbandoned: If the lock is lost.
        """
        self.flush()
        if not self.has_progressed:
            self._first_version = Version(self._first_version + 1)
        self._run.buffer.append(event, self._now())
        self._settle(self._enqueue())
        self.lock_expires_at = event.lock_expires_at
        self._services.metrics.renewals += 1

    def end_with(self, event: ExecutionEvent) -> None:
        """Commit everything and then the event that gives the lock back.

        Raises:
            RunAbandoned: If the lock is lost.
        """
        self.flush()
        version = self._run.buffer.next_version
        entry = LogEntry(version, self._now(), event)
        ticket = self._services.commits.enqueue(
            Append(execution_id=self._run.execution_id, expected=version, holder=self._holder, entries=(entry,))
        )
        self._settle(ticket)

    def hand_back(self, reason: str) -> NoReturn:
        """Commit everything, give the lock back and unwind the guest; another run goes on from here.

        Raises:
            RunSuspended: Always, once that is durable.
            RunAbandoned: If the lock is lost.
        """
        self.end_with(Unlocked(backoff_expires_at=self._now(), reason=reason))
        raise RunSuspended

    def post_end(self, responses: tuple[Response, ...]) -> None:
        """Have everything committed soon, with what the run's end means for others; nobody here waits for it.

        Raises:
            RunAbandoned: If the lock is lost.
        """
        self._settle_inflight()
        # Whoever waits hears of it once it is durable, and this thread can go on.
        self._post(self._take(responses=responses))

    def load_responses(self) -> Response | None:
        """Take in the responses that the journal holds and the run does not know; return the newest, if any."""
        run = self._run
        responses = self._services.journal.load_responses(run.execution_id, after=run.join_sets.loaded_cursor)
        run.join_sets.deliver(responses)
        return responses[-1] if responses else None

    def _now(self) -> datetime:
        clock: Clock = self._services.clock
        return clock.now()

    def _enqueue(self, *, but: LogEntry | None = None) -> Ticket:
        after = self._inflight[-1] if self._inflight else None
        return self._services.commits.enqueue(self._take(but=but), after=after)

    def _take(self, *, but: LogEntry | None = None, responses: tuple[Response, ...] = ()) -> Append:
        """Take the buffer as one write; without a step that is under way, if one is given."""
        self._is_overdue = False
        run = self._run
        expected = Version(run.buffer.next_version - len(run.buffer.entries))
        aside = None if but is None else run.buffer.set_aside(but)
        self._before_commit()
        entries, created, own_responses = run.buffer.take()
        awaits = aside is None and run.is_awaiting(entries)
        if aside is not None:
            run.buffer.put_back(aside)
        run.publish()
        return Append(
            execution_id=run.execution_id,
            expected=expected,
            holder=self._holder,
            entries=entries,
            awaits=awaits,
            responses_seen=run.join_sets.loaded_cursor,
            created=created,
            responses=own_responses + responses,
        )

    def _settle_inflight(self) -> None:
        while self._inflight:
            self._settle(self._inflight.popleft())

    def _settle(self, ticket: Ticket) -> Committed:
        try:
            committed = self._services.commits.settle(ticket)
        except JournalError as error:
            self.lost = str(error)
            raise RunAbandoned(self.lost) from error
        if committed.blocked:
            self.is_blocked = True
        if self._run.join_sets.committed(
            responses_before=committed.responses_before, response_count=committed.response_count
        ):
            self.load_responses()
        return committed

    def _check_not_lost(self) -> None:
        # What a refused write held is gone from the buffer: nothing built upon it may have an effect.
        if self.lost is not None:
            raise RunAbandoned(self.lost)
