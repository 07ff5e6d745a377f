"""Commits the buffers of runs whose commit window is over, while the runs go on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from engine.errors import JournalError
from engine.executor.group_commit import GroupCommit, Ticket


class Flushable(Protocol):
    """A run with a buffer."""

    window_s: float

    def start_flush(self) -> Ticket | None:
        """Put the buffer in line for a commit; ``None`` if there is nothing to commit now."""
        ...


class Flusher:
    """One thread that looks after all runs' commit windows.

    Args:
        commits: Where buffers are committed.
        is_short_of_slots: Tells whether work waits for a free slot, so that waiting runs should leave.
    """

    def __init__(self, commits: GroupCommit, is_short_of_slots: Callable[[], bool]) -> None:
        self._commits = commits
        self.is_short_of_slots = is_short_of_slots
        self._due: deque[tuple[float, Flushable]] = deque()
        self._wake = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._loop, name="flusher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; runs commit what they hold when they end."""
        self._is_stopped = True
        self._wake.set()
        self._thread.join()

    def register(self, run: Flushable) -> None:
        """Have a run's buffer committed when its window, beginning now, is over."""
        self._due.append((time.monotonic() + run.window_s, run))
        if not self._wake.is_set():
            self._wake.set()

    def _loop(self) -> None:
        while not self._is_stopped:
            self._wake.wait()
            if not self._due:
                self._wake.clear()
                # A run may have registered between the look and the clear.
                if self._due:
                    self._wake.set()
                continue
            left = self._due[0][0] - time.monotonic()
            if left > 0:
                time.sleep(left)
            self._flush_due()

    def _flush_due(self) -> None:
        now = time.monotonic()
        tickets: list[Ticket] = []
        while self._due and self._due[0][0] <= now:
            _, run = self._due.popleft()
            ticket = run.start_flush()
            if ticket is not None:
                tickets.append(ticket)
        for ticket in tickets:
            try:
                self._commits.settle(ticket)
            except JournalError:
                # The run reads the same outcome from its ticket and ends.
                continue
