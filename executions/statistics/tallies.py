"""What is counted about ends and failed attempts (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from engine.log.return_values import FailureKind


class Outcome(StrEnum):
    """What is counted."""

    OK = "ok"
    """An execution whose function returned ok."""
    ERROR = "error"
    """An execution whose function returned an error."""
    FAILED = "failed"
    """An execution that the platform ended: out of time, out of fuel, nondeterminism, a trap."""
    CANCELLED = "cancelled"
    """An execution that somebody had cancelled."""
    RETRIED = "retried"
    """An attempt that failed and is made again; no end of an execution."""

    @classmethod
    def of(cls, result_kind: str) -> Outcome:
        """Return how an execution ended, from its row's ``result_kind``."""
        match result_kind:
            case "ok" | "error":
                return cls(result_kind)
            case FailureKind.CANCELLED.value:
                return cls.CANCELLED
            case _:
                return cls.FAILED


ENDS: Final = (Outcome.OK, Outcome.ERROR, Outcome.FAILED, Outcome.CANCELLED)
BAD: Final = (Outcome.ERROR, Outcome.FAILED)


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many there were, and how long they took.

    Args:
        count: How many.
        run_us: Time from the first start to the end of all of them together, in microseconds.
        start_us: Time from when they were due to their first start, likewise.
        runs: The former by bucket (`executions.statistics.buckets`); those that never started are in none.
        starts: The latter.
        last_event_id: Row of the last one's event.
    """

    count: int = 0
    run_us: int = 0
    start_us: int = 0
    runs: dict[int, int] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)
    last_event_id: int = 0

    def add(self, other: Tally) -> None:
        """Count what another one counted as well."""
        self.count += other.count
        self.run_us += other.run_us
        self.start_us += other.start_us
        _add(self.runs, other.runs)
        _add(self.starts, other.starts)
        self.last_event_id = max(self.last_event_id, other.last_event_id)


def _add(histogram: dict[int, int], other: dict[int, int]) -> None:
    # A `Counter` takes several times as long, and pages add up thousands of these.
    for bucket, count in other.items():
        histogram[bucket] = histogram.get(bucket, 0) + count
