"""How long processes of this machine stood in line for a processor."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from pathlib import Path

#: What Linux tells of it since it started; not every machine does.
_PRESSURE = Path("/proc/pressure/cpu")
_LOOK_EVERY_S = 0.05


class ProcessorQueue:
    """Keeps the time during which anybody stood in line; a context manager.

    What is promised of a machine that has a processor to spare can be held to it on one that has not: what takes too
    long may take as much longer as somebody waited meanwhile.

    Args:
        pressure: Where the kernel tells.
    """

    def __init__(self, pressure: Path = _PRESSURE) -> None:
        self._pressure = pressure
        self._instants: list[datetime] = []
        self._totals: list[timedelta] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="processor queue", daemon=True)

    def __enter__(self) -> ProcessorQueue:
        self.look()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        self._thread.join()

    def look(self) -> None:
        """Note how much it is now."""
        total = timedelta()
        if self._pressure.exists():
            some = self._pressure.read_text().partition("\n")[0]
            total = timedelta(microseconds=int(some.rpartition("total=")[2]))
        # Readers look at the instants first.
        self._totals.append(total)
        self._instants.append(datetime.now(UTC))

    def waited(self, since: datetime, until: datetime) -> timedelta:
        """Return how much of a stretch of time somebody stood in line for."""
        first = max(bisect_right(self._instants, since) - 1, 0)
        last = min(bisect_left(self._instants, until), len(self._instants) - 1)
        return self._totals[last] - self._totals[first]

    def _run(self) -> None:
        while not self._is_over.wait(_LOOK_EVERY_S):
            self.look()
