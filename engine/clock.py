"""Where time comes from: a real clock, and a simulated one that tests drive."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of the present instant."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that stands still until a test moves it.

    Args:
        start: First instant it shows.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._mutex = threading.Lock()

    def now(self) -> datetime:
        """Return the instant the clock stands at."""
        with self._mutex:
            return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move forward.

        Args:
            by: How far; negative values make the clock step back, as real ones do.

        Returns:
            The new instant.
        """
        with self._mutex:
            self._now += by
            return self._now
