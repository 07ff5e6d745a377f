"""The one path of replay and live: every request is first looked up in the history, then recorded.

Each operation of a run builds the event it stands for. While the history has events left, the next one must be its
record, else the code has changed (`NondeterminismDetected`); at the tip the event is recorded.

Source:
    Obelisk reference, section 6.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from engine.errors import NondeterminismDetected
from engine.log import events as e
from engine.log.ids import Version
from engine.workflow.history import History
from engine.workflow.matching import answers
from engine.workflow.write_buffer import WriteBuffer

_Event = TypeVar("_Event", bound=e.HistoryEvent)


class Recorder:
    """Replays and records one run's events.

    Args:
        history: What earlier runs recorded.
        buffer: Takes what this run records.
        at_tip: Recorded before the first new event: that another version of the component could replay the history.
    """

    def __init__(self, history: History, buffer: WriteBuffer, at_tip: e.ComponentUpgradeFinished | None) -> None:
        self._history = history
        self._buffer = buffer
        self._at_tip = at_tip

    @property
    def is_replaying(self) -> bool:
        """Whether recorded history remains."""
        return self._history.is_replaying

    @property
    def is_upgrading(self) -> bool:
        """Whether this version of the component has yet to show that it can replay a history that it did not write."""
        return self._at_tip is not None and self._history.is_recorded

    @property
    def position(self) -> int:
        """How many recorded events were replayed; at the tip, all that this run began with."""
        return self._history.position

    @property
    def next_recorded(self) -> Version | None:
        """The place in the log of the next recorded event; ``None`` at the tip."""
        return self._history.next_version

    @property
    def parting(self) -> NondeterminismDetected | None:
        """How the workflow parted with its history, if it did."""
        return self._history.parting

    @property
    def remaining(self) -> list[e.HistoryEvent]:
        """The recorded events that the workflow has not asked for yet."""
        return self._history.remaining

    def replay(self, requested: e.HistoryEvent) -> e.HistoryEvent | None:
        """Return the record of a request, or ``None`` at the tip.

        Raises:
            NondeterminismDetected: If something else was recorded.
        """
        recorded = self._history.peek()
        if recorded is None:
            return None
        if not answers(recorded, requested):
            raise self._history.differ(requested)
        self._history.advance()
        return recorded

    def would_follow(self, requested: e.HistoryEvent) -> bool:
        """Whether a request may be made here: it is the next that was recorded, or nothing more was."""
        recorded = self._history.peek()
        return recorded is None or answers(recorded, requested)

    def as_recorded(self, requested: _Event, older: Iterable[_Event]) -> _Event:
        """Return a request in the form in which it may be made here.

        Args:
            requested: As the workflow makes it today.
            older: As it may have been recorded by earlier code; asked for only if today's form does not fit.
        """
        if self.would_follow(requested):
            return requested
        return next((event for event in older if self.would_follow(event)), requested)

    def record(self, event: e.HistoryEvent, at: datetime) -> None:
        """Record a new event."""
        self.reach_tip(at)
        self._buffer.append(event, at)

    def reach_tip(self, at: datetime) -> None:
        """Hear that the run goes beyond its history now."""
        event, self._at_tip = self._at_tip, None
        if event is not None:
            self._buffer.append(event, at)

    def differ(self, requested: e.HistoryEvent) -> NondeterminismDetected:
        """Return the error that a request cannot be answered although history remains."""
        return self._history.differ(requested)

    def check_is_used_up(self) -> None:
        """Check, at the end of the function, that it asked for all of its history.

        Raises:
            NondeterminismDetected: If recorded events are left over.
        """
        if self._history.is_replaying:
            raise self._history.left_over()
