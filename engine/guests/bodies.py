"""Reading what a runtime sends; it is the engine's own code there, so a malformed body ends the run."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from engine.errors import ConstraintViolation, ValueMismatch
from engine.guests.contexts import instant
from engine.log.schedules import At, In, Now, ScheduleAt
from engine.wit.json_values import load_json


class Body:
    """The JSON object of one operation.

    Raises:
        ConstraintViolation: From every method, if the body is not what the operation takes.
    """

    def __init__(self, op: str, text: str) -> None:
        self._op = op
        try:
            data = load_json(text)
        except ValueMismatch as error:
            raise ConstraintViolation(f"{op}: the body is no JSON: {error}") from None
        if not isinstance(data, dict):
            raise ConstraintViolation(f"{op}: the body is no JSON object")
        self._data: dict[str, Any] = data

    def text(self, key: str) -> str:
        """Return a string."""
        value = self._data.get(key)
        if isinstance(value, str):
            return value
        raise self._refusal(key, "a string")

    def optional_text(self, key: str) -> str | None:
        """Return a string, or ``None`` if it is missing or null."""
        return None if self._data.get(key) is None else self.text(key)

    def octets(self, key: str) -> bytes:
        """Return bytes, written as base64."""
        try:
            return base64.b64decode(self.text(key), validate=True)
        except ValueError:
            raise self._refusal(key, "base64") from None

    def integer(self, key: str) -> int:
        """Return an integer."""
        value = self._data.get(key)
        if type(value) is int:
            return value
        raise self._refusal(key, "an integer")

    def optional_integer(self, key: str) -> int | None:
        """Return an integer, or ``None`` if it is missing or null."""
        return None if self._data.get(key) is None else self.integer(key)

    def optional_duration(self, key: str) -> timedelta | None:
        """Return a duration, written in microseconds, or ``None`` if it is missing or null."""
        duration = self.optional_integer(key)
        try:
            return None if duration is None else timedelta(microseconds=duration)
        except OverflowError:
            raise self._refusal(key, "a duration within range") from None

    def array(self, key: str) -> list[Any]:
        """Return an array."""
        value = self._data.get(key)
        if isinstance(value, list):
            return value
        raise self._refusal(key, "an array")

    def mapping(self, key: str) -> dict[str, Any]:
        """Return an object."""
        value = self._data.get(key)
        if isinstance(value, dict):
            return value
        raise self._refusal(key, "an object")

    def optional_mapping(self, key: str) -> dict[str, Any] | None:
        """Return an object, or ``None`` if it is missing or null."""
        return None if self._data.get(key) is None else self.mapping(key)

    def integers(self, key: str) -> tuple[int, int] | None:
        """Return a pair of integers, or ``None`` if it is missing."""
        match self._data.get(key):
            case None:
                return None
            case [int(low), int(high)]:
                return low, high
            case _:
                pass
        raise self._refusal(key, "two integers")

    def value(self, key: str) -> object:
        """Return any JSON value; ``None`` if it is missing."""
        return self._data.get(key)

    def schedule(self) -> ScheduleAt:
        """Return the schedule."""
        try:
            match self._data.get("schedule"):
                case "now":
                    return Now()
                case {"in_us": int(duration)}:
                    return In(timedelta(microseconds=duration))
                case {"at_us": int(since_1970)}:
                    return At(instant(since_1970))
                case _:
                    pass
        except OverflowError:
            raise ConstraintViolation(f"{self._op}: the schedule is out of range") from None
        raise self._refusal("schedule", '"now", {"in_us": n} or {"at_us": n}')

    def _refusal(self, key: str, expected: str) -> ConstraintViolation:
        return ConstraintViolation(f"{self._op}: {key} must be {expected}")
