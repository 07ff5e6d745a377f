"""Values that many ask for and one makes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Kept(Generic[K, T]):
    """Keeps what is made of a key for a while, for everybody in this process.

    Whoever asks while somebody else makes a value waits for that one.

    Args:
        make: Makes the value of a key. Keys must be few: none is ever forgotten.
        seconds: How long a value is kept.
    """

    def __init__(self, make: Callable[[K], T], *, seconds: float) -> None:
        self._make = make
        self._seconds = seconds
        self._mutex = threading.Lock()
        self._values: dict[K, tuple[float, T]] = {}

    def get(self, key: K) -> T:
        """Return the value of a key."""
        with self._mutex:
            kept = self._values.get(key)
            if kept is not None and time.monotonic() < kept[0]:
                return kept[1]
            value = self._make(key)
            self._values[key] = (time.monotonic() + self._seconds, value)
            return value

    def clear(self) -> None:
        """Keep nothing of what was made so far."""
        with self._mutex:
            self._values.clear()
