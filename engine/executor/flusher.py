"""Commits what runs hold back when their commit window is over, while the runs go on."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Protocol

from engine.errors import JournalError
from engine.executor.group_commit import GroupCommit
from engine.executor.ticket import Ticket


class Flushable(Protocol):
    """A run with a buffer.

    Args:
        window_s: Longest time that its events may wait, in seconds.
    """

    window_s: float

    def start_flush(self) -> Ticket | None:
        """Put the buffer in line for a commit; ``None`` if there is nothing to commit now."""
        ...


class CommitWindows(Protocol):
    """What looks after the commit windows of runs."""

    def register(self, run: Flushable, /) -> None:
        """Have a run's buffer committed when its window, beginning now, is over."""
        ...

    def commit(self, ticket: Ticket, /) -> None:
        """Have a write that is in line committed now, by another thread."""
        ...


class HeldBack:
    """A write that is in line already and that nobody may need an acknowledgement of for a while.

    Args:
        ticket: The write.
        window_s: Longest time that it may wait, in seconds.
    """

    __slots__ = ("_ticket", "window_s")

    def __init__(self, ticket: Ticket, window_s: float) -> None:
        self._ticket = ticket
        self.window_s = window_s

    def start_flush(self) -> Ticket | None:
        """Return the write unless it was committed with others."""
        return None if self._ticket.is_settled else self._ticket


class Flusher:
    """One thread that looks after all commit windows.

    Args:
        commits: Where buffers are committed.
        is_short_of_slots: Tells whether work waits for a free slot, so that waiting runs should leave.
    """

    def __init__(self, commits: GroupCommit, is_short_of_slots: Callable[[], bool]) -> None:
        self._commits = commits
        self.is_short_of_slots = is_short_of_slots
        # Windows differ between components, so whoever came first is not always due first.
        self._due: list[tuple[float, int, Flushable]] = []
        self._order = count()
        self._changed = threading.Condition()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._loop, name="flusher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, if it was started; runs commit what they hold when they end."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def register(self, run: Flushable, /) -> None:
        """Have a run's buffer committed when its window, beginning now, is over."""
        due = (time.monotonic() + run.window_s, next(self._order), run)
        with self._changed:
            heapq.heappush(self._due, due)
            if self._due[0] is due:
                self._changed.notify()

    def commit(self, ticket: Ticket, /) -> None:
        """Have a write that is in line committed now."""
        self.register(HeldBack(ticket, 0.0))

    def _loop(self) -> None:
        while runs := self._wait_for_due():
            self._flush(runs)

    def _wait_for_due(self) -> list[Flushable]:
        """Return the runs whose window is over, at least one; none once stopped."""
        with self._changed:
            while not self._is_stopped:
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    runs = []
                    while self._due and self._due[0][0] <= now:
                        runs.append(heapq.heappop(self._due)[2])
                    return runs
                self._changed.wait(self._due[0][0] - now if self._due else None)
            return []

    def _flush(self, runs: list[Flushable]) -> None:
        tickets = [ticket for run in runs if (ticket := run.start_flush()) is not None]
        for ticket in tickets:
            try:
                self._commits.settle(ticket)
            except JournalError:
                # Whoever holds the ticket reads the same outcome from it.
                continue
