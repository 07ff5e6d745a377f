"""What one executor counts of its own doings, for whoever collects metrics.

Plain numbers, added to where things happen and read where they are asked for. No lock guards them: in CPython 3.11 a
thread gives up the interpreter lock at calls and at jumps backwards only, so it cannot lose it between the load and the
store of a ``+=`` on an attribute or an item of a list.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from engine.errors import JournalError

LENGTHS_S: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)
"""Upper bounds, inclusive, of the buckets of lengths of time, in seconds."""

SIZES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
"""Upper bounds, inclusive, of the buckets of numbers of writes."""


class Histogram:
    """How many values were in which range, and their sum.

    Args:
        bounds: Upper bounds of the ranges, inclusive, ascending; what is larger is in one range more, the last.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = LENGTHS_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        place = bisect_left(self.bounds, value)
        self.counts[place] += 1
        self.total += value

    def observe_length(self, length: timedelta) -> None:
        """Count a length of time, in seconds; clocks that disagree make it no shorter than nothing."""
        self.observe(max(0.0, length.total_seconds()))


class ExecutorMetrics:
    """What one executor counts from its start on.

    Attributes:
        steps: Lengths of attempts at activities, by the function's full name.
        commits: Lengths of transactions.
        commit_writes: Writes in each of them.
        refusals: Writes that were refused, by the name of the error; ``LockLost`` are runs that lost their lock.
        renewals: Locks that runs of workflows extended.
        replays: Lengths of replays, from the start of a run with a history to the end of the history.
        replayed_events: Events that they replayed.
        hot_wake_ups: From a response to the going on of a run that waited for it in memory.
        cold_wake_ups: From a response to the start of the run that it woke.
        host_calls: Calls of workflows to the host, those of replays included.
        waiting_runs: Runs that wait in memory now.
    """

    __slots__ = (
        "cold_wake_ups",
        "commit_writes",
        "commits",
        "host_calls",
        "hot_wake_ups",
        "refusals",
        "renewals",
        "replayed_events",
        "replays",
        "steps",
        "waiting_runs",
    )

    def __init__(self) -> None:
        self.steps: dict[str, Histogram] = {}
        self.commits = Histogram()
        self.commit_writes = Histogram(SIZES)
        self.refusals: dict[str, int] = {}
        self.renewals = 0
        self.replays = Histogram()
        self.replayed_events = 0
        self.hot_wake_ups = Histogram()
        self.cold_wake_ups = Histogram()
        self.host_calls = 0
        self.waiting_runs = 0

    def step(self, ffqn: str, seconds: float) -> None:
        """Count an attempt at an activity."""
        histogram = self.steps.get(ffqn)
        if histogram is None:
            histogram = self.steps.setdefault(ffqn, Histogram())
        # As `observe` does; a call would cost a third more, for every step.
        place = bisect_left(LENGTHS_S, seconds)
        histogram.counts[place] += 1
        histogram.total += seconds

    def committed(self, seconds: float, writes: int) -> None:
        """Count a transaction; called by the leader of commits only."""
        self.commits.observe(seconds)
        self.commit_writes.observe(writes)

    def refused(self, error: JournalError) -> None:
        """Count a write that was refused; called by the leader of commits only."""
        kind = type(error).__name__
        self.refusals[kind] = self.refusals.get(kind, 0) + 1

    def replayed(self, seconds: float, events: int) -> None:
        """Count a replay that came to the end of its history."""
        self.replays.observe(seconds)
        self.replayed_events += events
