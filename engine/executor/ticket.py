"""A write on its way to the journal, and how whoever needs its acknowledgement comes by it."""

from __future__ import annotations

import threading

from engine.errors import JournalError
from engine.journal.records import Committed, Write


class Ticket:
    """A write that waits for its commit.

    Args:
        write: The write.
        after: The one that it goes on from, which may still be on its way; if that is refused, so is this.
    """

    __slots__ = ("_is_behind", "_unsettled", "after", "outcome", "write")

    def __init__(self, write: Write, after: Ticket | None = None) -> None:
        self.write = write
        self.after = after
        self.outcome: Committed | JournalError | None = None
        self._is_behind = False
        self._unsettled: threading.Lock | None = None

    def watch(self) -> None:
        """Let threads wait for it from now on; before it is in line, or by the thread that settles it."""
        unsettled = threading.Lock()
        unsettled.acquire()
        # Not before: who waits for it must find it taken.
        self._unsettled = unsettled

    def go_behind(self) -> None:
        """Hear that another thread commits it, whatever the one that waits for it does."""
        if self._unsettled is None:
            self.watch()
        self._is_behind = True

    def wait_behind(self) -> bool:
        """Return once another thread has committed it; at once, with ``False``, if none is about to."""
        return self._is_behind and self.wait(-1)

    def wait(self, timeout_s: float) -> bool:
        """Return whether another thread has settled it, as soon as one has or the time is over.

        Args:
            timeout_s: Seconds to wait; -1 for as long as it takes.
        """
        unsettled = self._unsettled
        assert unsettled is not None, "it is not watched"
        if unsettled.acquire(timeout=timeout_s):
            unsettled.release()
        return self.is_settled

    def settle(self, outcome: Committed | JournalError) -> None:
        """Hear what became of it."""
        self.outcome = outcome
        self.after = None
        if self._unsettled is not None:
            self._unsettled.release()

    @property
    def is_settled(self) -> bool:
        """Whether the write was committed or refused."""
        return self.outcome is not None

    @property
    def refused_before(self) -> JournalError | None:
        """Why the write was refused that this one goes on from, if it was.

        The version that this one expects proves nothing then: it may be another write's.
        """
        outcome = None if self.after is None else self.after.outcome
        return outcome if isinstance(outcome, JournalError) else None

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
