"""What is started when a schedule is looked at: the tick that is due, and those that nobody looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engine.cron.schedule import CronSchedule

LATE = timedelta(minutes=1)
"""A tick that nobody looked at for longer counts as missed."""
MAX_AT_ONCE = 100
"""Most missed ticks that are made up for at once; the others follow at once."""


class MissedTicks(StrEnum):
    """What becomes of ticks at which no executor was there, or the schedule was paused."""

    SKIP = "skip"
    """Nothing: it is started at the next tick."""
    RUN_ONCE = "run_once"
    """It is started once for all of them."""
    RUN_ALL = "run_all"
    """It is started once for each of them."""


class Overlap(StrEnum):
    """Whether something is started while what was started last goes on."""

    ALLOW = "allow"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now.

    Args:
        count: How often to start it.
        next_at: When to look again; ``None`` for never.
    """

    count: int
    next_at: datetime | None


def what_is_due(schedule: CronSchedule, *, planned: datetime, now: datetime, missed: MissedTicks) -> Due:
    """Return what is to be started for a tick.

    Args:
        schedule: The schedule.
        planned: When the tick was due; the first one is due when the schedule comes into being.
        now: The present instant, not before ``planned``.
        missed: What becomes of ticks that nobody looked at.
    """
    if schedule.is_once:
        return Due(1, None)
    match missed:
        case MissedTicks.SKIP:
            return Due(0 if now - planned > LATE else 1, schedule.next_after(now))
        case MissedTicks.RUN_ONCE:
            return Due(1, schedule.next_after(now))
        case MissedTicks.RUN_ALL:
            count, tick = 0, planned
            while count < MAX_AT_ONCE:
                count += 1
                following = schedule.next_after(tick)
                if following is None or following > now:
                    return Due(count, following)
                tick = following
            return Due(count, tick)
