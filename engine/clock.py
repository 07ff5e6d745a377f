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

    def seconds_until(self, instant: datetime) -> float:
        """Return how many seconds a guest may compute until an instant; never negative."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)

    def seconds_until(self, instant: datetime) -> float:
        """Return how many seconds are left until an instant; zero if it is over."""
        return max(0.0, (instant - self.now()).total_seconds())


class SimulatedClock:
    """A clock that stands still until a test moves it.

    Args:
        start: First instant it shows.
        patience_s: How long a guest may compute at least. Its time is the machine's, which may be busy, while this
            clock stands still.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), *, patience_s: float = 0.0) -> None:
        self._now = start
        self._patience_s = patience_s
        self._mutex = threading.Lock()

    def now(self) -> datetime:
        """Return the instant the clock stands at."""
        with self._mutex:
            return self._now

    def seconds_until(self, instant: datetime) -> float:
        """Return how many seconds are left until an instant, or the clock's patience if that is longer."""
        return max(self._patience_s, (instant - self.now()).total_seconds())

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
