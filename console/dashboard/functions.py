"""The functions that ran or wait to run, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from console import states
from console.dashboard.links import instant, list_url
from console.dashboard.ranges import Range
from console.dashboard.tiles import TASK, by_state
from console.seeing import payload
from console.states import ShownState
from engine.errors import StoredEventInvalid
from engine.log import events as e
from engine.log.return_values import Failed, Returned
from executions.models import Event
from executions.statistics.buckets import percentile
from executions.statistics.reading import Tallies, together
from executions.statistics.standing import Standing
from executions.statistics.tallies import BAD, ENDS, Outcome, Tally

MOST: Final = 20
_FEWEST: Final = 5
"""Runs, now and usually, without which a comparison says nothing."""
_REMARKABLE: Final = 2.0
"""Times as long as usual, from which it is worth a look."""
_MOST_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The last failure of a function.

    Args:
        text: What went wrong, inert; what the function returned is left out.
        at: When.
        execution_id: Whose it was.
    """

    text: str
    at: datetime
    execution_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRow:
    """How a function does.

    Args:
        ffqn: Full name.
        states: How many are in which state now, and where they are listed.
        per_minute: Ends a minute, as people read it.
        bad: How many ended badly.
        retried: How many attempts failed and are made again.
        p95: Of the time from the first start to the end.
        usual: How many times as long as usual that is; ``None`` if there is too little to compare.
        last_error: ``None`` if nothing failed, or the execution is not there any more.
        url: Where the function's executions are listed.
        bad_url: Where those are listed that ended badly.
    """

    ffqn: str
    states: tuple[tuple[ShownState, int], ...]
    per_minute: str
    bad: int
    retried: int
    p95: timedelta | None
    usual: float | None
    last_error: LastError | None
    url: str
    bad_url: str

    @property
    def is_slow(self) -> bool:
        """Whether it takes remarkably longer than usual."""
        return self.usual is not None and self.usual >= _REMARKABLE


def function_rows(
    shown: Range,
    since: datetime,
    *,
    standing: Iterable[Standing],
    tallies: Mapping[str, Tallies],
    usual: Mapping[str, Tallies],
) -> list[FunctionRow]:
    """Return how each function does, the worst first: by failures, then by slowness, then by how much it runs.

    Args:
        shown: The range that is looked at.
        since: When it began.
        standing: What has not ended.
        tallies: What happened in the range, by function.
        usual: What happened before it, by function.
    """
    waiting: dict[str, list[Standing]] = {}
    for row in standing:
        waiting.setdefault(row.ffqn, []).append(row)
    names = {*waiting, *tallies}
    ranked = sorted(names, key=lambda name: _badness(name, tallies.get(name, {}), usual.get(name, {})))[:MOST]
    errors = _last_errors({name: _last_failure(tallies.get(name, {})) for name in ranked})
    return [
        _row(
            shown,
            since,
            name,
            waiting.get(name, []),
            tallies.get(name, {}),
            usual.get(name, {}),
            errors.get(name),
        )
        for name in ranked
    ]


def _badness(name: str, now: Tallies, before: Tallies) -> tuple[int, int, float, int, str]:
    ratio = _ratio(together(now, ENDS), together(before, ENDS)) or 0.0
    slow = ratio if ratio >= _REMARKABLE else 0.0
    retried = together(now, [Outcome.RETRIED]).count
    return -together(now, BAD).count, -retried, -slow, -together(now, ENDS).count, name


def _row(
    shown: Range,
    since: datetime,
    name: str,
    waiting: Sequence[Standing],
    now: Tallies,
    before: Tallies,
    last_error: LastError | None,
) -> FunctionRow:
    ended = together(now, ENDS)
    counts = by_state(waiting)
    return FunctionRow(
        ffqn=name,
        states=tuple((state, counts[state]) for state in (*states.ALL, TASK) if counts[state]),
        per_minute=_rate(ended.count / (shown.length / timedelta(minutes=1))),
        bad=together(now, BAD).count,
        retried=together(now, [Outcome.RETRIED]).count,
        p95=percentile(ended.runs, 0.95),
        usual=_ratio(ended, together(before, ENDS)),
        last_error=last_error,
        url=list_url(function=name),
        bad_url=_bad_url(name, since),
    )


def _bad_url(name: str, since: datetime) -> str:
    url = list_url(function=name, finished_after=instant(since), status="finished_error")
    return f"{url}&status=finished_failed"


def _rate(per_minute: float) -> str:
    if per_minute >= 10:
        return f"{per_minute:,.0f}"
    if per_minute >= 0.05:
        return f"{per_minute:.1f}"
    return "< 0.1" if per_minute else "0"


def _ratio(now: Tally, before: Tally) -> float | None:
    """Return how many times as long as usual it takes."""
    if min(sum(now.runs.values()), sum(before.runs.values())) < _FEWEST:
        return None
    present, usual = percentile(now.runs, 0.95), percentile(before.runs, 0.95)
    return None if present is None or not usual else present / usual


def _last_failure(tallies: Tallies) -> int:
    return together(tallies, (*BAD, Outcome.RETRIED)).last_event_id


def _last_errors(event_ids: Mapping[str, int]) -> dict[str, LastError]:
    rows = Event.objects.in_bulk([event_id for event_id in event_ids.values() if event_id])
    found = {name: rows[event_id] for name, event_id in event_ids.items() if event_id in rows}
    return {
        name: LastError(text=words, at=row.created_at, execution_id=row.execution_id)
        for name, row in found.items()
        if (words := _words(row)) is not None
    }


def _words(row: Event) -> str | None:
    try:
        event = row.entry().event
    except StoredEventInvalid as error:
        return _short(str(error))
    match event:
        case e.TemporarilyFailed(reason=reason):
            return _short(reason)
        case e.TemporarilyTimedOut():
            return "an attempt took longer than it may"
        case e.Finished(retval=Returned()):
            return "returned an error"
        case e.Finished(retval=Failed(kind=kind, reason=reason)):
            return f"{kind.value.replace('_', ' ')}{f': {_short(reason)}' if reason else ''}"
        case _:
            # SQLite gave the number of an event that was deleted to another one.
            return None


def _short(text: str) -> str:
    shown = payload(text)
    return shown if len(shown) <= _MOST_CHARACTERS else f"{shown[: _MOST_CHARACTERS - 1]}…"
