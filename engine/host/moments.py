"""Between WIT's durations, datetimes and schedules and the engine's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.errors import ConstraintViolation
from engine.log.schedules import At, In, Now, ScheduleAt
from engine.wit.options import JsonValue

_UNITS = {"milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_schedule(value: JsonValue) -> ScheduleAt:
    """Return a schedule from its canonical value.

    Raises:
        ConstraintViolation: If the instant or duration is out of range.
    """
    if value == "now":
        return Now()
    assert isinstance(value, dict)
    ((case, payload),) = value.items()
    assert isinstance(payload, dict)
    try:
        if case == "at":
            return At(_read_datetime(payload))
        ((unit, amount),) = payload.items()
        assert isinstance(amount, int)
        return In(timedelta(milliseconds=amount * _UNITS[unit]))
    except OverflowError:
        raise ConstraintViolation(f"the schedule {value} is out of range") from None


def write_datetime(instant: datetime) -> JsonValue:
    """Return the canonical value of an instant."""
    since = instant - _EPOCH
    return {"seconds": since.days * 86_400 + since.seconds, "nanoseconds": since.microseconds * 1000}


def _read_datetime(value: dict[str, JsonValue]) -> datetime:
    seconds, nanoseconds = value["seconds"], value["nanoseconds"]
    assert isinstance(seconds, int)
    assert isinstance(nanoseconds, int)
    return _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
