"""How long attempts at each activity take lately; decides what is worth handing to another thread or executor."""

from __future__ import annotations

_WEIGHT = 0.1


class Durations:
    """Running means of attempt durations, by function name; of this process only."""

    def __init__(self) -> None:
        self._means: dict[str, float] = {}

    def note(self, ffqn: str, seconds: float) -> None:
        """Take in one attempt's duration."""
        mean = self._means.get(ffqn)
        self._means[ffqn] = seconds if mean is None else mean + _WEIGHT * (seconds - mean)

    def mean(self, ffqn: str) -> float | None:
        """Return the mean in seconds, or ``None`` while nothing is known."""
        return self._means.get(ffqn)
