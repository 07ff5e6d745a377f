"""Ticks in words: when a schedule is due by the clock on its wall, and what is special when that clock is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.cron.schedule import CronSchedule

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTick:
    """An instant at which a schedule is due.

    Args:
        at: The instant.
        local: What the clock in the schedule's time zone shows.
        note: What is special about that clock then; empty on most days.
    """

    at: datetime
    local: str
    note: str


def shown_tick(schedule: CronSchedule, at: datetime) -> ShownTick:
    """Return a tick in words.

    Args:
        schedule: Whose tick it is.
        at: Aware.
    """
    try:
        zone = ZoneInfo(schedule.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # It was stored where more time zones are known; executors that do not know it say so.
        return ShownTick(at=at, local=_clock(at.astimezone(UTC)), note="")
    return ShownTick(at=at, local=_clock(at.astimezone(zone)), note=_note(schedule, at, zone))


def coming_ticks(schedule: CronSchedule, first: datetime, *, count: int) -> list[ShownTick]:
    """Return a tick and those that come behind it, as many as asked for if there are so many."""
    return [shown_tick(schedule, at) for at in islice(_ticks(schedule, first), count)]


def _ticks(schedule: CronSchedule, first: datetime) -> Iterator[datetime]:
    tick: datetime | None = first
    while tick is not None:
        yield tick
        tick = schedule.next_after(tick)


def _clock(local: datetime) -> str:
    seconds = f":{local:%S}" if local.second else ""
    return f"{local:%a %d %b %Y %H:%M}{seconds} {local:%Z}"


def _note(schedule: CronSchedule, at: datetime, zone: ZoneInfo) -> str:
    local, before = at.astimezone(zone), (at - _SECOND).astimezone(zone)
    earlier, later = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if earlier < later:
        # The clock shows this twice.
        if local.fold:
            return f"{local:%H:%M} comes twice that night; this is the second time"
        comes_again = schedule.next_after(later - _SECOND) == later
        which = "this is the first time" if comes_again else "it is started only the first time"
        return f"{local:%H:%M} comes twice that night; {which}"
    moved = (local.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
    if moved > timedelta():
        return f"the clock is put forward from {before + _SECOND:%H:%M} to {local:%H:%M} at this moment"
    return ""
