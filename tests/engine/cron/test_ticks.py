from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.cron.schedule import CronSchedule
from engine.cron.ticks import MAX_AT_ONCE, Due, MissedTicks, what_is_due

HOURLY = CronSchedule.parse("@hourly")
PLANNED = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("missed", MissedTicks)
def test_a_tick_in_time_starts_once(missed: MissedTicks) -> None:
    now = PLANNED + timedelta(seconds=1)

    assert what_is_due(HOURLY, planned=PLANNED, now=now, missed=missed) == Due(1, PLANNED + HOUR)


@pytest.mark.parametrize(
    ("missed", "count"), [(MissedTicks.SKIP, 0), (MissedTicks.RUN_ONCE, 1), (MissedTicks.RUN_ALL, 4)]
)
def test_missed_ticks_are_skipped_or_made_up_for(missed: MissedTicks, count: int) -> None:
    now = PLANNED + 3 * HOUR + timedelta(minutes=5)

    assert what_is_due(HOURLY, planned=PLANNED, now=now, missed=missed) == Due(count, PLANNED + 4 * HOUR)


def test_so_many_are_made_up_for_at_once_and_the_others_follow() -> None:
    now = PLANNED + 1000 * HOUR

    first = what_is_due(HOURLY, planned=PLANNED, now=now, missed=MissedTicks.RUN_ALL)

    assert first == Due(MAX_AT_ONCE, PLANNED + MAX_AT_ONCE * HOUR)
    assert first.next_at is not None
    assert first.next_at <= now


@pytest.mark.parametrize("missed", MissedTicks)
def test_once_starts_however_late_it_is(missed: MissedTicks) -> None:
    now = PLANNED + 1000 * HOUR

    assert what_is_due(CronSchedule.parse("@once"), planned=PLANNED, now=now, missed=missed) == Due(1, None)
