"""Ends of a run's children, on their way to the journal while the next children run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from engine.errors import JournalError
from engine.executor.flusher import Flusher
from engine.executor.group_commit import GroupCommit
from engine.executor.ticket import Ticket
from engine.journal.records import Append


class ChildEnds:
    """Ends in line for a commit; the flusher sees to it when the oldest has waited for a while.

    All methods but `start_flush` are called by the run's own thread.

    Args:
        commits: Where they are committed.
        flusher: Has them committed while the run's thread is busy.
        window_s: Longest time that an end waits, in seconds.
        refused: Looks after an execution whose end was refused.
    """

    def __init__(
        self, commits: GroupCommit, flusher: Flusher, *, window_s: float, refused: Callable[[Append], None]
    ) -> None:
        self.window_s = window_s
        self._commits = commits
        self._flusher = flusher
        self._refused = refused
        self._waiting: deque[tuple[Append, Ticket]] = deque()
        self._newest: Ticket | None = None
        self._is_registered = False

    @property
    def is_empty(self) -> bool:
        """Whether none is on its way."""
        return not self._waiting

    @property
    def has_settled(self) -> bool:
        """Whether `settle` returns at once."""
        return bool(self._waiting) and self._waiting[0][1].is_settled

    def add(self, end: Append) -> None:
        """Put an end in line."""
        ticket = self._commits.enqueue(end)
        self._waiting.append((end, ticket))
        self._newest = ticket
        if not self._is_registered:
            self._is_registered = True
            self._flusher.register(self)

    def start_flush(self) -> Ticket | None:
        """See `engine.executor.flusher.Flushable`."""
        # In this order: what is added from here on is registered again.
        self._is_registered = False
        newest = self._newest
        return None if newest is None or newest.is_settled else newest

    def settle(self) -> None:
        """Return once at least the oldest is durable or refused; have those that were refused looked after."""
        if not self._waiting:
            return
        if not self.has_settled:
            self._commits.settle_all([ticket for _, ticket in self._waiting])
        while self.has_settled:
            end, ticket = self._waiting.popleft()
            if isinstance(ticket.outcome, JournalError):
                self._refused(end)
