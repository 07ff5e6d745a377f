from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.schedules.ticks import coming_ticks, shown_tick
from engine.cron.schedule import CronSchedule

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "at", "local", "note"),
    [
        ("30 2 * * *", "2026-10-24T00:30:00", "Sat 24 Oct 2026 02:30 CEST", ""),
        (
            "30 2 * * *",
            "2026-10-25T00:30:00",
            "Sun 25 Oct 2026 02:30 CEST",
            "02:30 comes twice that night; it is started only the first time",
        ),
        (
            "30 * * * *",
            "2026-10-25T00:30:00",
            "Sun 25 Oct 2026 02:30 CEST",
            "02:30 comes twice that night; this is the first time",
        ),
        (
            "30 * * * *",
            "2026-10-25T01:30:00",
            "Sun 25 Oct 2026 02:30 CET",
            "02:30 comes twice that night; this is the second time",
        ),
        (
            "30 2 * * *",
            "2027-03-28T01:00:00",
            "Sun 28 Mar 2027 03:00 CEST",
            "the clock is put forward from 02:00 to 03:00 at this moment",
        ),
        ("15 * * * * *", "2026-07-01T00:00:15", "Wed 01 Jul 2026 02:00:15 CEST", ""),
    ],
)
def test_a_tick_says_what_the_clock_on_the_wall_does(text: str, at: str, local: str, note: str) -> None:
    tick = shown_tick(CronSchedule.parse(text, BERLIN), datetime.fromisoformat(f"{at}Z"))

    assert (tick.local, tick.note) == (local, note)


def test_the_ticks_that_come_are_those_that_will_be_done() -> None:
    schedule = CronSchedule.parse("0 0 1 1 *")
    first = datetime(2027, 1, 1, tzinfo=UTC)

    assert [tick.at.year for tick in coming_ticks(schedule, first, count=3)] == [2027, 2028, 2029]
    assert len(coming_ticks(CronSchedule.parse("@once"), first, count=3)) == 1


def test_a_time_zone_that_is_not_known_here_is_shown_in_utc() -> None:
    tick = shown_tick(CronSchedule("0 0 * * *", "Mars/Olympus"), datetime(2027, 1, 1, tzinfo=UTC))

    assert tick.local == "Fri 01 Jan 2027 00:00 UTC"
