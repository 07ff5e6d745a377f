"""Whether an instance that serves call after call piles up memory.

The sandbox never gives memory back, and nothing in it tells how much there is. But where a large block is put tells how
far what lives now reaches, as the holes between smaller ones do not fit it.
"""

from __future__ import annotations

_PROBE_BYTES = 1 << 20
_TOO_MUCH = 16 << 20
_EVERY = 4
"""The block is filled with zeros, which takes about as long as a small activity."""
_SECOND = 2
"""Not after the first call: one is made when the runtime is built, whose memory would keep a hole of that very size."""


class Heap:
    """The memory of this instance."""

    def __init__(self) -> None:
        self._calls = self._first = 0

    def has_grown(self) -> bool:
        """Tell whether what lives now reaches much farther than after this instance's second call; asked after each."""
        self._calls += 1
        if self._calls % _EVERY != _SECOND:
            return False
        try:
            reach = id(bytes(_PROBE_BYTES))
        except MemoryError:
            return True
        if self._calls == _SECOND:
            self._first = reach
        return reach - self._first > _TOO_MUCH

    def forget(self) -> None:
        """Begin anew, as when the runtime is built."""
        self._calls = self._first = 0


heap = Heap()
"""An instance has one."""
