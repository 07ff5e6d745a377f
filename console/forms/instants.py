"""Obelisk's record ``datetime`` as text: an instant in UTC, with as many digits as its nanoseconds need.

A component keeps the structure of its types but not their names, so whatever record looks like it is shown in this way;
people may switch to its parts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from engine.errors import ValueMismatch
from engine.wit.options import JsonValue

PARTS: Final = "parts"
"""Of an instant: it stands there as a record of two numbers."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND: Final = 253_402_300_799
"""That of the year 9999."""
_INSTANT: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ](?P<time>[0-9]{2}:[0-9]{2}(:[0-9]{2})?)"
    r"(\.(?P<fraction>[0-9]{1,9}))?(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def instant_text(value: JsonValue) -> str | None:
    """Return a canonical ``datetime`` as text, or ``None`` if it is none that can be told so."""
    if not isinstance(value, dict):
        return None
    seconds, nanoseconds = value["seconds"], value["nanoseconds"]
    if not (isinstance(seconds, int) and isinstance(nanoseconds, int)):
        return None
    if seconds > _LAST_SECOND or nanoseconds >= 10**9:
        return None
    fraction = f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def parse_instant(typed: str) -> JsonValue:
    """Return the instant that was typed, as data of the type ``datetime``; without a zone it is in UTC.

    Raises:
        ValueMismatch: If it is none.
    """
    found = _INSTANT.fullmatch(typed.strip())
    try:
        if found is None:
            raise ValueError(typed)
        zone = (found["zone"] or "Z").upper().replace("Z", "+00:00")
        instant = datetime.fromisoformat(f"{found['date']}T{found['time']}{zone}")
        since = instant - _EPOCH
    except (ValueError, OverflowError):
        raise ValueMismatch("", "expected a date and a time, such as 2026-01-31T12:00:00.5Z") from None
    return {"seconds": since // timedelta(seconds=1), "nanoseconds": int((found["fraction"] or "").ljust(9, "0"))}
