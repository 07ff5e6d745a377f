from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConstraintViolation
from engine.host.moments import read_schedule, write_datetime
from engine.log.schedules import At, In, Now, ScheduleAt

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "schedule"),
    [
        ("now", Now()),
        ({"in": {"milliseconds": 1500}}, In(timedelta(seconds=1.5))),
        ({"in": {"seconds": 2}}, In(timedelta(seconds=2))),
        ({"in": {"minutes": 2**32 - 1}}, In(timedelta(minutes=2**32 - 1))),
        ({"in": {"hours": 3}}, In(timedelta(hours=3))),
        ({"in": {"days": 4}}, In(timedelta(days=4))),
        ({"in": {"milliseconds": 0}}, In(timedelta())),
        ({"at": {"seconds": 0, "nanoseconds": 0}}, At(EPOCH)),
        ({"at": {"seconds": 86_400, "nanoseconds": 999_999_999}}, At(EPOCH + timedelta(days=1, microseconds=999_999))),
    ],
)
def test_a_schedule_is_read(value: Any, schedule: ScheduleAt) -> None:
    assert read_schedule(value) == schedule


@pytest.mark.parametrize(
    "value",
    [
        {"in": {"milliseconds": 2**64 - 1}},
        {"in": {"seconds": 2**64 - 1}},
        {"in": {"days": 2**32 - 1}},
        {"at": {"seconds": 2**64 - 1, "nanoseconds": 0}},
        {"at": {"seconds": 10**12, "nanoseconds": 0}},
    ],
)
def test_what_no_clock_can_show_is_a_violation(value: Any) -> None:
    with pytest.raises(ConstraintViolation, match="out of range"):
        read_schedule(value)


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # the strategy adds it
def test_an_instant_that_is_written_reads_back(instant: datetime) -> None:
    assert read_schedule({"at": write_datetime(instant)}) == At(instant)
