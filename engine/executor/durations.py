"""How long runs of each function take lately; decides what is worth handing to another thread or executor."""

from __future__ import annotations

from collections.abc import Callable

_WEIGHT = 0.1
_COLD_ATTEMPTS = 5
"""The first attempts load the component and touch fresh memory; of them only the shortest tells about the others."""
_WARM_PART = 0.1
"""How long later attempts take if all of the first ones were as slow as that makes them."""


class Durations:
    """Running means of durations, by function name; of this process only.

    Args:
        count: Hears of them all, with the function's name.
    """

    def __init__(self, count: Callable[[str, float], None] | None = None) -> None:
        self._count = count
        self._means: dict[str, tuple[int, float]] = {}

    def note(self, ffqn: str, seconds: float) -> None:
        """Take in one more duration."""
        if self._count is not None:
            self._count(ffqn, seconds)
        count, mean = self._means.get(ffqn, (0, seconds))
        mean = min(mean, seconds) if count < _COLD_ATTEMPTS else mean + _WEIGHT * (seconds - mean)
        self._means[ffqn] = (count + 1, mean)

    def expected(self, ffqn: str) -> float | None:
        """Return what the next one is expected to take, in seconds, or ``None`` while nothing is known.

        A few attempts tell at most how long it takes, so the next ones are expected to be quick until they were not.
        """
        known = self._means.get(ffqn)
        if known is None:
            return None
        count, mean = known
        return mean * _WARM_PART if count < _COLD_ATTEMPTS else mean
