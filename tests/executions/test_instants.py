from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.core.exceptions import ValidationError
from django.db.models import Max
from hypothesis import given
from hypothesis import strategies as st

from executions.instants import InstantField, from_micros, to_micros
from executions.models import ExecutorHeartbeat

AT = datetime(2026, 1, 31, 12, 30, 15, 250, tzinfo=UTC)
WITHOUT_ZONE = AT.replace(tzinfo=None)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_to_the_microsecond(instant: datetime) -> None:
    assert from_micros(to_micros(instant)) == instant


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_numbers_sort_as_instants_do(one: datetime, other: datetime) -> None:
    assert (to_micros(one) < to_micros(other)) is (one < other)


def test_the_time_zone_does_not_matter() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=45)))

    assert to_micros(elsewhere) == to_micros(AT)
    assert from_micros(to_micros(elsewhere)).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:30:15.000250Z", "2026-01-31 12:30:15.000250+00:00", "2026-01-31T13:30:15.000250+01:00"]
)
def test_text_with_a_time_zone_is_understood(text: str) -> None:
    assert InstantField().to_python(text) == AT


@pytest.mark.parametrize("value", ["2026-01-31T12:30:15", "2026-02-30T00:00:00Z", "yesterday", "", 5, WITHOUT_ZONE])
def test_what_is_no_instant_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        InstantField().to_python(value)


def make_heartbeat(number: int, seen_at: datetime) -> ExecutorHeartbeat:
    return ExecutorHeartbeat.objects.create(
        executor_id=f"Exr_{number}", host="h", pid=1, started_at=AT, seen_at=seen_at, slots=1, running=0
    )


@pytest.mark.django_db
class TestInTheOrm:
    def test_it_is_a_datetime_again_when_it_is_read(self) -> None:
        make_heartbeat(1, AT)

        heartbeat = ExecutorHeartbeat.objects.get()

        assert heartbeat.seen_at == AT
        assert heartbeat.seen_at.tzinfo is UTC

    def test_it_filters_sorts_and_aggregates(self) -> None:
        for number in (2, 0, 1):
            make_heartbeat(number, AT + timedelta(microseconds=number))

        found = ExecutorHeartbeat.objects.filter(seen_at__gt=AT).order_by("-seen_at")

        assert [row.executor_id for row in found] == ["Exr_2", "Exr_1"]
        assert ExecutorHeartbeat.objects.filter(seen_at__in=[AT]).count() == 1
        assert ExecutorHeartbeat.objects.aggregate(last=Max("seen_at"))["last"] == AT + timedelta(microseconds=2)

    def test_an_instant_without_a_time_zone_is_not_stored(self) -> None:
        with pytest.raises(ValidationError):
            make_heartbeat(1, WITHOUT_ZONE)

    def test_a_fixture_holds_it_as_text(self) -> None:
        heartbeat = make_heartbeat(1, AT)

        text = heartbeat._meta.get_field("seen_at").value_to_string(heartbeat)

        assert InstantField().to_python(text) == AT
