"""What ended when, and how long it took: the numbers behind both charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from console import states
from console.dashboard.links import instant, list_url, status_of
from console.dashboard.ranges import Range
from executions.statistics.buckets import percentile
from executions.statistics.reading import Tallies, together
from executions.statistics.tallies import ENDS, Outcome

WORDS: Final = {
    Outcome.OK: states.OK.word,
    Outcome.ERROR: states.ERROR.word,
    Outcome.FAILED: states.FAILED.word,
    Outcome.CANCELLED: states.CANCELLED.word,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long runs took and starts were waited for; ``None`` where nothing ran.

    Args:
        run_p50: Median from the first start to the end.
        run_p95: 95th percentile of that.
        start_p95: 95th percentile from when it was due to the first start.
    """

    run_p50: timedelta | None
    run_p95: timedelta | None
    start_p95: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One stretch of time.

    Args:
        label: When it began.
        counts: How many ended, by outcome, in the order of `ENDS`.
        retried: How many attempts failed and are made again.
        times: How long it took.
        url: The list of what ended in it.
    """

    label: str
    counts: tuple[int, ...]
    retried: int
    times: Times
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """One outcome of the whole range.

    Args:
        outcome: Which.
        word: As people read it.
        count: How many.
        url: Where those are listed.
    """

    outcome: Outcome
    word: str
    count: int
    url: str


def columns(shown: Range, starts: Sequence[datetime], stretches: Mapping[datetime, Tallies]) -> list[Column]:
    """Return a column for each stretch, empty ones too, oldest first."""
    return [_column(shown, start, stretches.get(start, {})) for start in starts]


def legend(since: datetime, stretches: Mapping[datetime, Tallies]) -> list[Legend]:
    """Return what each colour means, how many there were, and where they are."""
    return [
        Legend(
            outcome=outcome,
            word=WORDS[outcome],
            count=sum(_count(tallies, outcome) for tallies in stretches.values()),
            url=list_url(status=status_of(outcome), finished_after=instant(since)),
        )
        for outcome in ENDS
    ]


def times(tallies: Tallies) -> Times:
    """Return how long runs took and starts were waited for."""
    ended = together(tallies, ENDS)
    return Times(
        run_p50=percentile(ended.runs, 0.5),
        run_p95=percentile(ended.runs, 0.95),
        start_p95=percentile(ended.starts, 0.95),
    )


def _column(shown: Range, start: datetime, tallies: Tallies) -> Column:
    return Column(
        label=start.strftime(shown.clock),
        counts=tuple(_count(tallies, outcome) for outcome in ENDS),
        retried=_count(tallies, Outcome.RETRIED),
        times=times(tallies),
        url=list_url(finished_after=instant(start), finished_before=instant(start + shown.tier.length)),
    )


def _count(tallies: Tallies, outcome: Outcome) -> int:
    tally = tallies.get(outcome)
    return 0 if tally is None else tally.count
