from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cron.schedule import CronSchedule
from engine.errors import CronSyntaxError

BERLIN = "Europe/Berlin"
# In Berlin the clock is put from 2:00 to 3:00 on 29 March 2026, and from 3:00 back to 2:00 on 25 October.
FORWARD = datetime(2026, 3, 29, tzinfo=UTC)
BACK = datetime(2026, 10, 25, tzinfo=UTC)


def ticks(text: str, after: datetime, count: int, timezone: str = "UTC") -> list[str]:
    schedule = CronSchedule.parse(text, timezone)
    found = []
    for _ in range(count):
        following = schedule.next_after(after)
        assert following is not None
        found.append(f"{following.astimezone(ZoneInfo(timezone)):%m-%d %H:%M:%S%z}")
        after = following
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/20 * * * *", ["03-29 00:20:00+0000", "03-29 00:40:00+0000", "03-29 01:00:00+0000"]),
        ("*/20 * * * * *", ["03-29 00:00:20+0000", "03-29 00:00:40+0000", "03-29 00:01:00+0000"]),
        ("30 8 * * MON-FRI", ["03-30 08:30:00+0000", "03-31 08:30:00+0000", "04-01 08:30:00+0000"]),
        ("0 0 L * *", ["03-31 00:00:00+0000", "04-30 00:00:00+0000", "05-31 00:00:00+0000"]),
        ("@hourly", ["03-29 01:00:00+0000", "03-29 02:00:00+0000", "03-29 03:00:00+0000"]),
        ("@daily", ["03-30 00:00:00+0000", "03-31 00:00:00+0000", "04-01 00:00:00+0000"]),
        ("@weekly", ["04-05 00:00:00+0000", "04-12 00:00:00+0000", "04-19 00:00:00+0000"]),
        ("@monthly", ["04-01 00:00:00+0000", "05-01 00:00:00+0000", "06-01 00:00:00+0000"]),
        ("@yearly", ["01-01 00:00:00+0000", "01-01 00:00:00+0000", "01-01 00:00:00+0000"]),
    ],
)
def test_expressions(text: str, expected: list[str]) -> None:
    assert ticks(text, FORWARD, 3) == expected


@pytest.mark.parametrize("text", ["30 2 * * *", "0 30 2 * * *"])
def test_a_time_that_the_clock_leaves_out_is_due_when_the_clock_is_put_forward(text: str) -> None:
    assert ticks(text, datetime(2026, 3, 28, tzinfo=UTC), 3, BERLIN) == [
        "03-28 02:30:00+0100",
        "03-29 03:00:00+0200",
        "03-30 02:30:00+0200",
    ]


def test_two_times_that_become_one_are_due_once() -> None:
    assert ticks("0,30 2,3 * * *", FORWARD, 3, BERLIN) == [
        "03-29 03:00:00+0200",
        "03-29 03:30:00+0200",
        "03-30 02:00:00+0200",
    ]


@pytest.mark.parametrize("text", ["30 2 * * *", "0 30 2 * * *"])
def test_a_time_that_comes_twice_is_due_the_first_time(text: str) -> None:
    assert ticks(text, datetime(2026, 10, 24, tzinfo=UTC), 3, BERLIN) == [
        "10-24 02:30:00+0200",
        "10-25 02:30:00+0200",
        "10-26 02:30:00+0100",
    ]


def test_in_the_repeated_hour_a_time_that_was_due_is_not_due_again() -> None:
    in_the_second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 2:10 for the second time

    assert ticks("30 2 * * *", in_the_second_pass, 1, BERLIN) == ["10-26 02:30:00+0100"]


def test_what_is_due_every_hour_follows_elapsed_time() -> None:
    assert ticks("*/30 * * * *", datetime(2026, 3, 29, 0, 15, tzinfo=UTC), 3, BERLIN) == [
        "03-29 01:30:00+0100",
        "03-29 03:00:00+0200",
        "03-29 03:30:00+0200",
    ]
    assert ticks("*/30 * * * *", datetime(2026, 10, 25, 0, 15, tzinfo=UTC), 4, BERLIN) == [
        "10-25 02:30:00+0200",
        "10-25 02:00:00+0100",
        "10-25 02:30:00+0100",
        "10-25 03:00:00+0100",
    ]


def test_midnight_may_be_left_out() -> None:
    # In Beirut the clock is put forward at midnight.
    assert ticks("@daily", datetime(2026, 3, 28, 12, tzinfo=UTC), 2, "Asia/Beirut") == [
        "03-29 01:00:00+0300",
        "03-30 00:00:00+0300",
    ]


def test_once_is_never_due_again() -> None:
    schedule = CronSchedule.parse("@once")

    assert schedule.is_once
    assert schedule.next_after(FORWARD) is None


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "@often", "0 0 30 2 *", "* * * * * * *", "5/0 * * * *"])
def test_what_is_no_expression_or_never_comes_is_refused(text: str) -> None:
    with pytest.raises(CronSyntaxError, match=r"is no cron expression|never comes"):
        CronSchedule.parse(text)


@pytest.mark.parametrize("timezone", ["Europe/Bonn", "", "/etc/passwd", "../UTC", "\0"])
def test_what_is_no_time_zone_is_refused(timezone: str) -> None:
    with pytest.raises(CronSyntaxError, match="is no time zone; write a name such as Europe/Berlin"):
        CronSchedule.parse("@daily", timezone)


@given(
    text=st.sampled_from(["30 2 * * *", "0 */3 * * *", "*/7 * * * *", "15 0,2,3 * * *", "10 30 1-3 * * *"]),
    start=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2026, 12, 31)),  # noqa: DTZ001 - see below
    timezone=st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "UTC"]),
)
def test_ticks_only_ever_move_forward(text: str, start: datetime, timezone: str) -> None:
    schedule = CronSchedule.parse(text, timezone)
    found = [start.replace(tzinfo=UTC)]
    for _ in range(5):
        following = schedule.next_after(found[-1])
        assert following is not None
        found.append(following)

    assert all(earlier < later for earlier, later in pairwise(found))
    # Nothing lies between two ticks, wherever one looks from.
    middle = found[1] + (found[2] - found[1]) / 2
    assert schedule.next_after(middle) == found[2]
