"""When something is to begin, as whoever asked for it said."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct


class Now(Struct, frozen=True, gc=False):
    """Start or fire at once."""


class At(Struct, frozen=True, gc=False):
    """Start or fire at an instant."""

    instant: datetime


class In(Struct, frozen=True, gc=False):
    """Start or fire after a while."""

    duration: timedelta


ScheduleAt = Now | At | In
"""An intention; replay compares intentions, not the instants they led to."""


def scheduled_instant(schedule: ScheduleAt, now: datetime) -> datetime:
    """Return when a schedule falls due.

    Raises:
        OverflowError: If the instant is out of range.
    """
    match schedule:
        case Now():
            return now
        case At(instant=instant):
            return instant
        case In(duration=duration):
            return now + duration
