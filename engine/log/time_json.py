"""Instants, durations and schedules in stored JSON.

Source:
    Obelisk reference, section 2.3.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from msgspec import to_builtins

from engine.log.schedules import At, In, Now, ScheduleAt

Json = Any
"""A JSON document; narrowed by the decoders."""


def encode_instant(instant: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, with microseconds."""
    if instant.tzinfo is UTC and instant.microsecond:
        # The same text, in a tenth of the time; of a whole second msgspec leaves the fraction out.
        text: str = to_builtins(instant)
        return text
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def decode_instant(text: str) -> datetime:
    """Return an instant from RFC 3339 text."""
    return datetime.fromisoformat(text).astimezone(UTC)


def encode_duration(duration: timedelta) -> Json:
    """Return a duration as ``{"secs": .., "nanos": ..}``."""
    return {"secs": duration.days * 86_400 + duration.seconds, "nanos": duration.microseconds * 1000}


def decode_duration(data: Json) -> timedelta:
    """Return a duration from ``{"secs": .., "nanos": ..}``."""
    return timedelta(seconds=data["secs"], microseconds=data["nanos"] // 1000)


def encode_schedule(schedule: ScheduleAt) -> Json:
    """Return a schedule as ``"now"``, ``{"at": ..}`` or ``{"in": ..}``."""
    match schedule:
        case Now():
            return "now"
        case At(instant=instant):
            return {"at": encode_instant(instant)}
        case In(duration=duration):
            return {"in": encode_duration(duration)}
        case _:
            assert_never(schedule)


def decode_schedule(data: Json) -> ScheduleAt:
    """Return a schedule from its stored form."""
    if data == "now":
        return Now()
    if "at" in data:
        return At(decode_instant(data["at"]))
    return In(decode_duration(data["in"]))
