"""What is said of a call besides its parameters: when it starts, whether paused, and its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.http import QueryDict

from console.forms.reading import Problem
from engine.host.moments import write_datetime
from engine.wit.options import JsonValue
from executions.operations.recording import MOST_REASON_CHARACTERS

UNITS: Final = ("seconds", "minutes", "hours", "days")
_DIGITS: Final = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """The options as they were typed.

    Args:
        start: ``now``, ``in`` or ``at``.
        delay: How many of the unit from now.
        unit: One of `UNITS`.
        at: An instant in UTC, without its zone.
        paused: Whether it waits to be unpaused.
        labels: A line ``name=value`` for each.
        reason: Why, for the record.
    """

    start: str = "now"
    delay: str = ""
    unit: str = UNITS[1]
    at: str = ""
    paused: bool = False
    labels: str = ""
    reason: str = ""


NO_OPTIONS: Final = CallOptions()


def read_options(sent: QueryDict) -> CallOptions:
    """Return the options that a browser sent."""
    unit = sent.get("unit", "")
    return CallOptions(
        start=sent.get("start", "now"),
        delay=sent.get("delay", "").strip(),
        unit=unit if unit in UNITS else UNITS[1],
        at=sent.get("at", "").strip(),
        paused="paused" in sent,
        labels=sent.get("labels", ""),
        reason=sent.get("reason", "").strip(),
    )


def schedule_of(options: CallOptions, problems: list[Problem]) -> JsonValue:
    """Return when the call starts, as a value of the type ``schedule-at``; null if at once, or if that is wrong."""
    match options.start:
        case "in":
            if _DIGITS.fullmatch(options.delay):
                return {"in": {options.unit: int(options.delay)}}
            problems.append(Problem("delay", "a whole number is missing", is_missing=not options.delay))
        case "at":
            try:
                # Browsers leave the zone out; the page says that it is UTC.
                return {"at": write_datetime(datetime.fromisoformat(options.at).replace(tzinfo=UTC))}
            except ValueError:
                text = "a date and a time in UTC are missing, such as 2026-01-31T12:00"
                problems.append(Problem("at", text, is_missing=not options.at))
        case _:
            pass
    return None


def labels_of_lines(text: str, problems: list[Problem]) -> Mapping[str, str]:
    """Return labels by name from their lines."""
    labels: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            problems.append(Problem("labels", f"{line[:40]!r} is not name=value"))
        elif name.strip() in labels:
            problems.append(Problem("labels", f"{name.strip()[:40]} is there twice"))
        else:
            labels[name.strip()] = value.strip()
    return labels


def check_reason(reason: str, problems: list[Problem]) -> None:
    """Find what is wrong with a reason."""
    if len(reason) > MOST_REASON_CHARACTERS:
        problems.append(Problem("reason", f"{len(reason)} characters; the most is {MOST_REASON_CHARACTERS}"))
    elif "\0" in reason:
        problems.append(Problem("reason", "a NUL character is not allowed"))
