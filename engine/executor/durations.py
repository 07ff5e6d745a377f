"""How long attempts at each activity take lately; decides what is worth handing to another thread or executor."""

from __future__ import annotations

from engine.executor.metrics import ExecutorMetrics

_WEIGHT = 0.1
_COLD_ATTEMPTS = 5
"""The first attempts load the component and touch fresh memory; of them only the shortest tells about the others."""


class Durations:
    """Running means of attempt durations, by function name; of this process only.

    Args:
        metrics: Counts them all.
    """

    def __init__(self, metrics: ExecutorMetrics) -> None:
        self._metrics = metrics
        self._means: dict[str, tuple[int, float]] = {}

    def note(self, ffqn: str, seconds: float) -> None:
        """Take in one attempt's duration."""
        self._metrics.step(ffqn, seconds)
        count, mean = self._means.get(ffqn, (0, seconds))
        mean = min(mean, seconds) if count < _COLD_ATTEMPTS else mean + _WEIGHT * (seconds - mean)
        self._means[ffqn] = (count + 1, mean)

    def mean(self, ffqn: str) -> float | None:
        """Return the mean in seconds, or ``None`` while nothing is known."""
        known = self._means.get(ffqn)
        return None if known is None else known[1]
