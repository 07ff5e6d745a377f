"""Whether the interpreter lock is kept while a guest runs.

Giving it up costs two switches of threads as soon as another one wants it, which is more than most calls take: with
many workflows at work, a third of all time went there. Keeping it stops every other thread for as long as the guest
computes. So it is kept for guests that are known to compute for moments only between two calls of the host.
"""

from __future__ import annotations

from typing import Final

LONG_STRETCH_S: Final = 0.0005
"""What a guest may compute without a host call, on average, before others should get the interpreter lock."""

_UNKNOWN_CALLS = 5
"""The first calls touch fresh memory; of them the shortest tells most."""
_FIRST_WEIGHT = 0.2
"""Large enough that one long call among the first is taken for what others will be like."""
_WEIGHT = 0.02
"""Small enough that a thread which the machine put aside for some milliseconds does not pass for one that computes."""


class GilChoice:
    """What is known of one thing that guests do, such as calls of one function.

    The figures are not exact when threads race, and need not be.
    """

    __slots__ = ("_calls", "_mean_s")

    def __init__(self) -> None:
        self._calls = 0
        self._mean_s = 0.0

    def keeps_gil(self) -> bool:
        """Tell whether to keep the interpreter lock during a call."""
        return self._calls > 0 and self._mean_s < LONG_STRETCH_S

    def note(self, stretch_s: float) -> None:
        """Take in for how long the guest of one call computed without a host call, in seconds, on average."""
        if self._calls >= _UNKNOWN_CALLS:
            self._mean_s += _WEIGHT * (stretch_s - self._mean_s)
        elif self._calls and stretch_s > self._mean_s:
            self._mean_s += _FIRST_WEIGHT * (stretch_s - self._mean_s)
        else:
            self._mean_s = stretch_s
        self._calls += 1
