"""Between Python values and canonical JSON data, one small codec for each type.

Encoding checks, since a hint binds nobody at run time; decoding trusts the host, which has checked the data against the
WIT type, and only refuses texts that its type leaves open, such as dates.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from obelisk.scalars import IntMark

_SHOWN = 40
_SINGLE = struct.Struct("<f")
_MICROSECOND = timedelta(microseconds=1)


class Mismatch(Exception):
    """A value that is not of its type, on its way out to where the path is known in full."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.steps: list[str] = []

    def sentence(self, root: str) -> str:
        """Return the problem with the place where it is, seen from ``root``."""
        return f"{root}{''.join(reversed(self.steps))}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of one type travel.

    Args:
        wit: The WIT type, as a type expression.
        encode: From a Python value to JSON data; raises `Mismatch`.
        decode: From JSON data of that WIT type to a Python value; raises `Mismatch`.
    """

    wit: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def shown(value: object) -> str:
    """Return a value as messages call it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _same(value: Any) -> Any:
    return value


def _encode_bool(value: object) -> bool:
    if value is True or value is False:
        return value
    raise Mismatch(f"expected bool, got {shown(value)}")


def _encode_str(value: object) -> str:
    if not isinstance(value, str):
        raise Mismatch(f"expected str, got {shown(value)}")
    if "\0" in value:
        raise Mismatch("a str must not contain NUL characters here")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Mismatch(f"expected str, got a lone surrogate at index {error.start}") from None
    return value if type(value) is str else str.__str__(value)


def _encode_char(value: object) -> str:
    if not isinstance(value, str) or len(value) != 1:
        raise Mismatch(f"expected a str of one character, got {shown(value)}")
    return _encode_str(value)


def _encode_float(value: object) -> float:
    if type(value) is not float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Mismatch(f"expected float, got {shown(value)}")
        try:
            value = float(value)
        except OverflowError:
            raise Mismatch(f"expected float, got {shown(value)}, which is too large") from None
    if not math.isfinite(value):
        raise Mismatch(f"expected a finite float, got {value}")
    return value


def _encode_f32(value: object) -> float:
    try:
        single: float = _SINGLE.unpack(_SINGLE.pack(_encode_float(value)))[0]
    except OverflowError:
        raise Mismatch(f"expected f32, got {shown(value)}, which is too large") from None
    return single


def _encode_bytes(value: object) -> list[int]:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise Mismatch(f"expected bytes, got {shown(value)}")
    return list(bytes(value))


def _encode_json(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise Mismatch(f"expected JSON data: {error}") from None


def _decode_json(data: str) -> object:
    try:
        return json.loads(data)
    except ValueError as error:
        raise Mismatch(f"expected JSON text: {error}") from None


def _encode_datetime(value: object) -> str:
    if not isinstance(value, datetime):
        raise Mismatch(f"expected datetime, got {shown(value)}")
    if value.utcoffset() is None:
        raise Mismatch("a datetime needs a time zone; write e.g. datetime.now(timezone.utc)")
    try:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        raise Mismatch(f"expected a datetime of the years 1 to 9999 in UTC, got {shown(value)}") from None


def _decode_datetime(data: str) -> datetime:
    value: datetime = _parsed("an RFC 3339 date and time", datetime.fromisoformat, data)
    if value.utcoffset() is None:
        raise Mismatch(f"expected a date and time with a time zone, got {shown(data)}")
    return value


def _encode_date(value: object) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Mismatch(f"expected date, got {shown(value)}")
    return value.isoformat()


def _encode_time(value: object) -> str:
    if not isinstance(value, time):
        raise Mismatch(f"expected time, got {shown(value)}")
    return value.isoformat()


def _encode_decimal(value: object) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise Mismatch(f"expected a finite Decimal, got {shown(value)}")
    return str(value)


def _decode_decimal(data: str) -> Decimal:
    try:
        return Decimal(data)
    except InvalidOperation:
        raise Mismatch(f"expected a decimal number, got {shown(data)}") from None


def _encode_uuid(value: object) -> str:
    if not isinstance(value, UUID):
        raise Mismatch(f"expected UUID, got {shown(value)}")
    return str(value)


def _encode_timedelta(value: object) -> float:
    if not isinstance(value, timedelta):
        raise Mismatch(f"expected timedelta, got {shown(value)}")
    return (value // _MICROSECOND) / 1_000_000


def _decode_timedelta(data: float) -> timedelta:
    try:
        # Not a number and the infinities come as text.
        return timedelta(microseconds=round(float(data) * 1_000_000))
    except (OverflowError, ValueError):
        raise Mismatch(f"expected a duration in seconds, got {shown(data)}") from None


def _parsed(what: str, parse: Callable[[str], Any], data: str) -> Any:
    try:
        return parse(data)
    except ValueError:
        raise Mismatch(f"expected {what}, got {shown(data)}") from None


BOOL = Codec("bool", _encode_bool, _same)
STR = Codec("string", _encode_str, _same)
CHAR = Codec("char", _encode_char, _same)
FLOAT = Codec("f64", _encode_float, float)
F32 = Codec("f32", _encode_f32, float)
BYTES = Codec("list<u8>", _encode_bytes, bytes)
JSON = Codec("string", _encode_json, _decode_json)

PLAIN: Mapping[type, Codec] = {
    bool: BOOL,
    str: STR,
    float: FLOAT,
    bytes: BYTES,
    datetime: Codec("string", _encode_datetime, _decode_datetime),
    date: Codec("string", _encode_date, lambda data: _parsed("an ISO date", date.fromisoformat, data)),
    time: Codec("string", _encode_time, lambda data: _parsed("an ISO time", time.fromisoformat, data)),
    Decimal: Codec("string", _encode_decimal, _decode_decimal),
    UUID: Codec("string", _encode_uuid, lambda data: _parsed("a UUID", UUID, data)),
    timedelta: Codec("f64", _encode_timedelta, _decode_timedelta),
}
"""Codecs of the classes that stand for themselves; ``int`` has sizes."""


def int_codec(mark: IntMark) -> Codec:
    """Return the codec of an integer type."""
    low, high = mark.low, mark.high
    is_plain = mark.wit == "int"
    expected = "int" if is_plain else f"{mark.wit} ({low} to {high})"

    def encode(value: object) -> int:
        if type(value) is int and low <= value <= high:
            return value
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return int(value)
        if is_plain and type(value) is int:
            raise Mismatch(f"expected int of 64 bits ({low} to {high}), got {shown(value)}")
        raise Mismatch(f"expected {expected}, got {shown(value)}")

    return Codec("s64" if is_plain else mark.wit, encode, int)


def list_codec(element: Codec, *, as_tuple: bool = False) -> Codec:
    """Return the codec of ``list[X]``, or of ``tuple[X, ...]``, which comes back as a tuple."""
    encode_one, decode_one = element.encode, element.decode
    kind: type = tuple if as_tuple else list

    def encode(value: object) -> list[Any]:
        if not isinstance(value, kind):
            raise Mismatch(f"expected {kind.__name__}, got {shown(value)}")
        encoded: list[Any] = []
        try:
            # A failing `extend` keeps what came before, so the length is the index of the culprit.
            encoded.extend(map(encode_one, value))  # type: ignore[call-overload]  # kind is a sequence
        except Mismatch as mismatch:
            mismatch.steps.append(f"[{len(encoded)}]")
            raise
        return encoded

    def decode(data: list[Any]) -> Any:
        return kind(map(decode_one, data))

    return Codec(f"list<{element.wit}>", encode, decode)


def tuple_codec(items: list[Codec]) -> Codec:
    """Return the codec of ``tuple[A, B]``."""
    encoders = [item.encode for item in items]
    decoders = [item.decode for item in items]

    def encode(value: object) -> list[Any]:
        if not isinstance(value, tuple) or len(value) != len(encoders):
            raise Mismatch(f"expected a tuple of {len(encoders)}, got {shown(value)}")
        encoded: list[Any] = []
        try:
            for encode_one, item in zip(encoders, value, strict=True):
                encoded.append(encode_one(item))
        except Mismatch as mismatch:
            mismatch.steps.append(f"[{len(encoded)}]")
            raise
        return encoded

    def decode(data: list[Any]) -> tuple[Any, ...]:
        return tuple(decode_one(item) for decode_one, item in zip(decoders, data, strict=True))

    return Codec(f"tuple<{', '.join(item.wit for item in items)}>", encode, decode)


def dict_codec(key: Codec, value: Codec) -> Codec:
    """Return the codec of ``dict[K, V]``: a list of pairs, in the dict's order."""
    encode_key, encode_value = key.encode, value.encode
    decode_key, decode_value = key.decode, value.decode

    def encode(mapping: object) -> list[Any]:
        if not isinstance(mapping, dict):
            raise Mismatch(f"expected dict, got {shown(mapping)}")
        pairs: list[Any] = []
        for name, item in mapping.items():
            try:
                pairs.append([encode_key(name), encode_value(item)])
            except Mismatch as mismatch:
                mismatch.steps.append(f"[{shown(name)}]")
                raise
        return pairs

    def decode(data: list[Any]) -> dict[Any, Any]:
        return {decode_key(name): decode_value(item) for name, item in data}

    return Codec(f"list<tuple<{key.wit}, {value.wit}>>", encode, decode)


def option_codec(some: Codec) -> Codec:
    """Return the codec of ``X | None``."""
    encode_some, decode_some = some.encode, some.decode

    def encode(value: object) -> Any:
        return None if value is None else encode_some(value)

    def decode(data: Any) -> Any:
        return None if data is None else decode_some(data)

    return Codec(f"option<{some.wit}>", encode, decode)
