"""The cursor over an execution's recorded history events."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import NondeterminismDetected
from engine.log.event_encoding import encode_event
from engine.log.events import HISTORY_EVENTS, HistoryEvent, LogEntry
from engine.log.ids import Version


class History:
    """Recorded history events, read in order while a workflow replays.

    Args:
        entries: The execution's log, oldest first; events that replay does not read are passed over.

    Attributes:
        parting: How the workflow parted with it; ``None`` as long as it follows it.
    """

    __slots__ = ("_events", "_position", "parting")

    def __init__(self, entries: Iterable[LogEntry]) -> None:
        self._events: list[tuple[Version, HistoryEvent]] = [
            (entry.version, entry.event) for entry in entries if isinstance(entry.event, HISTORY_EVENTS)
        ]
        self._position = 0
        self.parting: NondeterminismDetected | None = None

    @property
    def is_replaying(self) -> bool:
        """Whether recorded events remain that the workflow has not asked for yet."""
        return self._position < len(self._events)

    @property
    def is_recorded(self) -> bool:
        """Whether there is any history."""
        return bool(self._events)

    @property
    def position(self) -> int:
        """How many recorded events the workflow has asked for."""
        return self._position

    @property
    def next_version(self) -> Version | None:
        """The place in the log of the event that `peek` shows; ``None`` at the tip."""
        return self._events[self._position][0] if self.is_replaying else None

    @property
    def remaining(self) -> list[HistoryEvent]:
        """The recorded events that the workflow has not asked for yet."""
        return [event for _, event in self._events[self._position :]]

    def peek(self) -> HistoryEvent | None:
        """Return the next recorded event without moving on, or ``None`` at the tip."""
        if self._position < len(self._events):
            return self._events[self._position][1]
        return None

    def advance(self) -> None:
        """Move past the event that `peek` showed."""
        self._position += 1

    def differ(self, requested: HistoryEvent) -> NondeterminismDetected:
        """Return the error that the next recorded event is not what the workflow asks for."""
        return self._part(encode_event(requested))

    def left_over(self) -> NondeterminismDetected:
        """Return the error that the workflow ended before it asked for the next recorded event."""
        return self._part(None)

    def _part(self, requested: str | None) -> NondeterminismDetected:
        version, recorded = self._events[self._position]
        self.parting = NondeterminismDetected(version=version, recorded=encode_event(recorded), requested=requested)
        return self.parting
