"""The dashboard as it is now: read and rendered once a second in a process, for all who look at it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

import structlog
from django.db import DatabaseError, connection
from django.template.loader import render_to_string
from django.utils import timezone

from console.dashboard.badge import STUCK_COUNT
from console.dashboard.functions import MOST, function_rows
from console.dashboard.kept import Kept
from console.dashboard.ranges import Range, range_of
from console.dashboard.surroundings import deliveries, executors, storage
from console.dashboard.throughput import columns, legend
from console.dashboard.tiles import tiles
from console.seeing import shows
from engine.errors import EngineError
from executions.access.scopes import Insight
from executions.explanations import why_not_moving
from executions.models import Execution
from executions.statistics.reading import Stretch, Tallies, added_up, by_function, by_start, read_stretches
from executions.statistics.standing import COUNTED, Standings, longest_due, standings
from executions.statistics.tiers import DAYS, HOURS

log = structlog.get_logger(__name__)

_USUAL: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The dashboard at an instant.

    Args:
        regions: HTML by the id of the element that holds it.
        functions: HTML of the rows of functions, by full name, the worst first.
        numbers: A number for each of both, which differs when the HTML does.
        is_empty: Whether there is no execution yet.
    """

    regions: Mapping[str, str]
    functions: Mapping[str, str]
    numbers: Mapping[str, int]
    is_empty: bool


def snapshot(shown: Range) -> Snapshot:
    """Return the dashboard, with values if the page that is being made shows some; it is at most a second old."""
    return _SNAPSHOTS.get((shown.key, shows(Insight.PAYLOAD)))


def clear_snapshots() -> None:
    """Have everything read anew."""
    for kept in (_SNAPSHOTS, _PAST, _USUALLY, STUCK_COUNT):
        kept.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What happened in the stretches of a range that hardly change any more.

    Args:
        since: The first instant of the range.
        until: The first instant behind those stretches.
        by_start: By stretch.
        by_function: By function.
    """

    since: datetime
    until: datetime
    by_start: dict[datetime, Tallies]
    by_function: dict[str, Tallies]


class _Look:
    """One look at everything; what several regions need is read once."""

    def __init__(self, shown: Range) -> None:
        self.shown = shown
        self.now = timezone.now()
        self.starts = shown.starts(self.now)

    @cached_property
    def standing(self) -> Standings:
        return standings(self.now)

    @cached_property
    def _past(self) -> _Past:
        past = _PAST.get(self.shown.key)
        if past.since != self.starts[0]:
            _PAST.clear()
            past = _PAST.get(self.shown.key)
        return past

    @cached_property
    def _present(self) -> list[Stretch]:
        return read_stretches(self.shown.tier, self._past.until)

    @cached_property
    def by_start(self) -> dict[datetime, Tallies]:
        return added_up(self._past.by_start, by_start(self._present))

    @cached_property
    def by_function(self) -> dict[str, Tallies]:
        return added_up(self._past.by_function, by_function(self._present))

    def tiles(self) -> Mapping[str, Any]:
        return {
            "tiles": tiles(self.standing, STUCK_COUNT.get(None)),
            "counted": COUNTED if self.standing.is_capped else None,
        }

    def due(self) -> Mapping[str, Any]:
        row = longest_due(self.now)
        return {
            "row": row,
            "why": None if row is None else why_not_moving(row, now=self.now, with_values=shows(Insight.PAYLOAD)),
        }

    def legend(self) -> Mapping[str, Any]:
        entries = legend(self.starts[0], self.by_start)
        return {"legend": entries, "is_nothing": not any(entry.count for entry in entries), "shown": self.shown}

    def stretches_table(self) -> Mapping[str, Any]:
        return {"columns": columns(self.shown, self.starts, self.by_start)}

    def executors(self) -> Mapping[str, Any]:
        return {"executors": executors(self.now)}

    def deliveries(self) -> Mapping[str, Any]:
        return {"deliveries": deliveries(self.now)}

    def storage(self) -> Mapping[str, Any]:
        return {"storage": storage(self.now)}

    def functions(self) -> dict[str, str]:
        rows = function_rows(
            self.shown,
            self.starts[0],
            standing=self.standing.rows,
            tallies=self.by_function,
            usual=_USUALLY.get(self.shown.key),
        )
        return {row.ffqn: _render("function_row", {"row": row, "now": self.now}) for row in rows}

    def functions_foot(self) -> Mapping[str, Any]:
        names = {*(row.ffqn for row in self.standing.rows), *self.by_function}
        return {"count": len(names), "most": MOST}


_REGIONS: Final[Mapping[str, Callable[[_Look], Mapping[str, Any]]]] = {
    "tiles": _Look.tiles,
    "due": _Look.due,
    "legend": _Look.legend,
    "stretches": _Look.stretches_table,
    "functions-foot": _Look.functions_foot,
    "executors": _Look.executors,
    "deliveries": _Look.deliveries,
    "storage": _Look.storage,
}


def _take(key: tuple[str, bool]) -> Snapshot:
    look = _Look(range_of(key[0]))
    regions = {name: _region(name, look, read) for name, read in _REGIONS.items()}
    try:
        functions = look.functions()
    except (DatabaseError, EngineError) as error:
        functions = {}
        regions["functions-foot"] = _failed("functions-foot", error)
    numbers = {name: zlib.crc32(html.encode()) for name, html in (regions | functions).items()}
    return Snapshot(
        regions=regions, functions=functions, numbers=numbers, is_empty=not Execution.objects.all()[:1].exists()
    )


#: Since when a region cannot be read.
_failing: dict[str, datetime] = {}


def _region(name: str, look: _Look, read: Callable[[_Look], Mapping[str, Any]]) -> str:
    try:
        html = _render(name.replace("-", "_"), {"now": look.now, **read(look)})
    except (DatabaseError, EngineError) as error:
        return _failed(name, error)
    _failing.pop(name, None)
    return html


def _failed(name: str, error: Exception) -> str:
    log.warning("dashboard.region_failed", region=name, error=str(error))
    if isinstance(error, DatabaseError):
        connection.close()
    what = name.partition("-")[0].capitalize()
    return _render("failed", {"what": what, "error": error, "since": _failing.setdefault(name, timezone.now())})


def _render(template: str, context: Mapping[str, Any]) -> str:
    return render_to_string(f"console/dashboard/{template}.html", dict(context))


def _read_past(key: str) -> _Past:
    shown = range_of(key)
    starts = shown.starts(timezone.now())
    stretches = read_stretches(shown.tier, starts[0], starts[-2])
    return _Past(since=starts[0], until=starts[-2], by_start=by_start(stretches), by_function=by_function(stretches))


def _usually(key: str) -> dict[str, Tallies]:
    """Return what happened to each function in the week before the range."""
    until = range_of(key).starts(timezone.now())[0]
    since = until - _USUAL
    # Whole days by the day, which are few rows, and what is left on either side by the hour.
    first, last = DAYS.start_of(since) + DAYS.length, DAYS.start_of(until)
    parts = ((HOURS, since, first), (DAYS, first, last), (HOURS, last, until))
    return by_function(stretch for part in parts for stretch in read_stretches(*part))


_SNAPSHOTS: Final[Kept[tuple[str, bool], Snapshot]] = Kept(_take, seconds=1)
_PAST: Final[Kept[str, _Past]] = Kept(_read_past, seconds=60)
_USUALLY: Final[Kept[str, dict[str, Tallies]]] = Kept(_usually, seconds=60)
