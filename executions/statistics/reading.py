"""Reading what was counted: for the console's dashboard and for whoever collects metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from executions.models import RollUp
from executions.statistics.rolling_up import stored_tally
from executions.statistics.tallies import Outcome, Tally
from executions.statistics.tiers import Tier

K = TypeVar("K")

Tallies = dict[Outcome, Tally]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What happened in one stretch of time.

    Args:
        start: When it began; how long it is says its tier.
        ffqn: Full name of the function.
        outcome: What was counted.
        tally: How many, and how long they took.
    """

    start: datetime
    ffqn: str
    outcome: Outcome
    tally: Tally


def read_stretches(tier: Tier, since: datetime, until: datetime | None = None) -> list[Stretch]:
    """Return what was counted in the stretches that begin within some time, in no order.

    At most two seconds behind the log while an executor is alive. Stretches without anything are left out.

    Args:
        tier: How fine. A tier goes back as far as it is kept.
        since: First instant of the time.
        until: First instant behind it; the end of all time by default.
    """
    rows = RollUp.objects.of_tier(int(tier.length.total_seconds()), since)
    if until is not None:
        rows = rows.filter(start__lt=until)
    # Pages read thousands of these: as objects of the model they would take twice as long.
    columns = rows.values_list(
        "start", "ffqn", "outcome", "count", "run_us", "start_us", "runs", "starts", "last_event_id"
    )
    return [
        Stretch(
            start=start,
            ffqn=ffqn,
            outcome=Outcome(outcome),
            tally=stored_tally(
                count=count, run_us=run_us, start_us=start_us, runs=runs, starts=starts, last_event_id=last_event_id
            ),
        )
        for start, ffqn, outcome, count, run_us, start_us, runs, starts, last_event_id in columns.iterator()
    ]


def by_function(stretches: Iterable[Stretch]) -> dict[str, Tallies]:
    """Return what happened to each function in all of these stretches."""
    return _added(stretches, lambda stretch: stretch.ffqn)


def by_start(stretches: Iterable[Stretch]) -> dict[datetime, Tallies]:
    """Return what happened in each of these stretches to all functions."""
    return _added(stretches, lambda stretch: stretch.start)


def added_up(one: Mapping[K, Tallies], other: Mapping[K, Tallies]) -> dict[K, Tallies]:
    """Return what both counted, without changing either."""
    total = dict(one)
    for key, tallies in other.items():
        outcomes = {*tallies, *total.get(key, {})}
        total[key] = {outcome: _sum(total.get(key, {}), tallies, outcome) for outcome in outcomes}
    return total


def together(tallies: Tallies, outcomes: Iterable[Outcome]) -> Tally:
    """Return some outcomes as one tally."""
    total = Tally()
    for outcome in outcomes:
        if (tally := tallies.get(outcome)) is not None:
            total.add(tally)
    return total


def _sum(one: Tallies, other: Tallies, outcome: Outcome) -> Tally:
    total = together(one, [outcome])
    total.add(together(other, [outcome]))
    return total


def _added(stretches: Iterable[Stretch], key: Callable[[Stretch], K]) -> dict[K, Tallies]:
    added: dict[K, Tallies] = {}
    for stretch in stretches:
        added.setdefault(key(stretch), {}).setdefault(stretch.outcome, Tally()).add(stretch.tally)
    return added
