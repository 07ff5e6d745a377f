"""Comparing what runs recorded, apart from when they did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec.structs import replace

from engine.log.events import DelayRequested, HistoryEvent, JoinNext

_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def normalised(history: Iterable[HistoryEvent]) -> list[HistoryEvent]:
    """Return history events without the instants in them, which no two runs share."""
    return [_timeless(event) for event in history]


def _timeless(event: HistoryEvent) -> HistoryEvent:
    match event:
        case JoinNext():
            return replace(event, run_expires_at=_SOME_TIME)
        case DelayRequested():
            return replace(event, expires_at=_SOME_TIME)
        case _:
            return event
