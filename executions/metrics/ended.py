"""What ended since this process first looked: counters that only grow, from roll-ups of which old ones are deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from executions.statistics.reading import Tallies, added_up, by_function, read_stretches
from executions.statistics.tallies import Tally
from executions.statistics.tiers import DAYS


class EndedCounter:
    """Counts ends and failed attempts by function, from zero on; for one thread at a time.

    Each look reads the roll-ups of two or three days, however long the process lives. Executors count a second or two
    behind the log; what they count more than a day late, after none was alive for so long, is left out.
    """

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._before: dict[str, Tallies] = {}
        self._earlier: dict[str, Tallies] = {}

    def read(self, now: datetime) -> dict[str, Tallies]:
        """Return what ended since the first call, by function and outcome."""
        yesterday = DAYS.start_of(now) - DAYS.length
        if self._since is None:
            self._since = yesterday
            self._before = by_function(read_stretches(DAYS, self._since))
        elif self._since < yesterday:
            passed = by_function(read_stretches(DAYS, self._since, yesterday))
            self._earlier = added_up(self._earlier, passed)
            self._since = yesterday
        total = added_up(self._earlier, by_function(read_stretches(DAYS, self._since)))
        return {ffqn: _beyond(tallies, self._before.get(ffqn, {})) for ffqn, tallies in total.items()}


def _beyond(tallies: Tallies, before: Tallies) -> Tallies:
    nothing = Tally()
    return {outcome: _less(tally, before.get(outcome, nothing)) for outcome, tally in tallies.items()}


def _less(tally: Tally, before: Tally) -> Tally:
    return Tally(
        count=tally.count - before.count,
        run_us=tally.run_us - before.run_us,
        start_us=tally.start_us - before.start_us,
        runs=_less_by_bucket(tally.runs, before.runs),
        starts=_less_by_bucket(tally.starts, before.starts),
    )


def _less_by_bucket(histogram: Mapping[int, int], before: Mapping[int, int]) -> dict[int, int]:
    return {bucket: count - before.get(bucket, 0) for bucket, count in histogram.items()}
