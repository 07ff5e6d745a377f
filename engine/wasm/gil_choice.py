"""Whether the interpreter lock is kept while a guest runs.

Giving it up costs two switches of threads as soon as another one wants it, which is more than most calls take: with
many workflows at work, a third of all time went there. Keeping it stops every other thread for as long as the guest
computes. So it is kept for guests that are known to compute for moments only, found out by looking: an epoch goes by
every `engine.wasm.epoch_clock.TICK_SECONDS`, and the share of looks that meet a guest in the middle of a long stretch
tells how much of the time it spends in such stretches.
"""

from __future__ import annotations

from typing import Final

LONG_STRETCH_S: Final = 0.001
"""What a guest may compute without a host call before others should get the interpreter lock."""

_UNKNOWN_CALLS = 5
_TOLERATED_SHARE = 0.01
"""A thread that the machine put aside for a while looks as if it computed."""


class GilChoice:
    """What is known of one thing that guests do, such as calls of one function.

    Counters are not exact when threads race, and need not be.
    """

    __slots__ = ("_calls", "_long_stretches")

    def __init__(self) -> None:
        self._calls = 0
        self._long_stretches = 0

    def keeps_gil(self) -> bool:
        """Count a call, and tell whether to keep the interpreter lock during it."""
        self._calls += 1
        return self._calls > _UNKNOWN_CALLS and self._long_stretches <= self._calls * _TOLERATED_SHARE

    def note_long_stretch(self) -> None:
        """Hear that a look found it computing for longer than `LONG_STRETCH_S`."""
        self._long_stretches += 1
