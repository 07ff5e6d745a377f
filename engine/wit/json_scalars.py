"""Readers of the types without parts, and how a reader says no.

A reader is a closure that checks JSON data and returns the canonical value of it, or raises ``MismatchError``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeAlias

from engine.wit.options import JsonValue
from engine.wit.types import Primitive

Reader: TypeAlias = Callable[[object], JsonValue]

NAN = float("nan")
"""The one NaN of canonical values: being one object, it makes lists and records that hold it compare equal."""

NON_FINITE: dict[str, float] = {"NaN": NAN, "Infinity": float("inf"), "-Infinity": float("-inf")}
"""How the numbers that JSON lacks are spelt."""

INTEGER_RANGES: dict[Primitive, tuple[int, int]] = {
    Primitive.S8: (-(2**7), 2**7 - 1),
    Primitive.U8: (0, 2**8 - 1),
    Primitive.S16: (-(2**15), 2**15 - 1),
    Primitive.U16: (0, 2**16 - 1),
    Primitive.S32: (-(2**31), 2**31 - 1),
    Primitive.U32: (0, 2**32 - 1),
    Primitive.S64: (-(2**63), 2**63 - 1),
    Primitive.U64: (0, 2**64 - 1),
}

_LARGEST_EXACT = 2.0**53 - 1
_SINGLE = struct.Struct("<f")


class MismatchError(Exception):
    """A value that is not of its type, on its way out to where the path is known in full."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.steps: list[str] = []

    def path(self, root: str) -> str:
        """Return where the offending part stands, seen from ``root``."""
        return root + "".join(reversed(self.steps))


def describe(data: object) -> str:
    """Return how a message calls a piece of JSON data, in a few words."""
    match data:
        case None:
            return "null"
        case bool():
            return "true" if data else "false"
        case int():
            # Python refuses to print integers of thousands of digits.
            return str(data) if data.bit_length() <= 256 else f"an integer of {data.bit_length()} bits"
        case float():
            return repr(data)
        case str():
            return f'"{data}"' if len(data) <= 40 else f'"{data[:40]}..."'
        case list():
            return f"an array of {len(data)}"
        case dict():
            return "an object"
        case _:
            return f"a Python {type(data).__name__}"


def primitive_reader(kind: Primitive) -> Reader:
    """Return the reader of a type without parts."""
    match kind:
        case Primitive.BOOL:
            return _read_bool
        case Primitive.F32:
            return _read_f32
        case Primitive.F64:
            return _read_f64
        case Primitive.CHAR:
            return _read_char
        case Primitive.STRING:
            return _read_string
        case _:
            return _integer_reader(kind)


def _read_bool(data: object) -> JsonValue:
    if data is True or data is False:
        return data
    raise MismatchError(f"expected bool, got {describe(data)}")


def _integer_reader(kind: Primitive) -> Reader:
    name = kind.value
    low, high = INTEGER_RANGES[kind]

    def read(data: object) -> JsonValue:
        if type(data) is int:
            if low <= data <= high:
                return data
        elif type(data) is float and data.is_integer():
            if abs(data) > _LARGEST_EXACT:
                raise MismatchError(f"expected {name}, got {data!r}: floats beyond 2^53-1 are not exact")
            if low <= data <= high:
                return int(data)
        raise MismatchError(f"expected {name}, got {describe(data)}")

    return read


def _read_f64(data: object) -> JsonValue:
    if type(data) is float:
        return data if data == data else NAN
    return _float_of("f64", data)


def _read_f32(data: object) -> JsonValue:
    number = data if type(data) is float else _float_of("f32", data)
    if number != number:
        return NAN
    try:
        nearest: float = _SINGLE.unpack(_SINGLE.pack(number))[0]
    except OverflowError:
        raise MismatchError(f"expected f32, got {describe(data)}, which is too large for f32") from None
    if nearest != number:
        raise MismatchError(f"expected f32, got {describe(data)}, which f32 cannot hold exactly (nearest: {nearest!r})")
    return number


def _float_of(name: str, data: object) -> float:
    if type(data) is int:
        try:
            number = float(data)
        except OverflowError:
            number = NAN
        if number == data:
            return number
        raise MismatchError(f"expected {name}, got {describe(data)}, which {name} cannot hold exactly")
    if type(data) is str and data in NON_FINITE:
        return NON_FINITE[data]
    raise MismatchError(f"expected {name}, got {describe(data)}")


def _read_string(data: object) -> JsonValue:
    if type(data) is not str:
        raise MismatchError(f"expected string, got {describe(data)}")
    if not data.isascii():
        _check_scalars(data, "string")
    return data


def _read_char(data: object) -> JsonValue:
    if type(data) is not str:
        raise MismatchError(f"expected char (a string of one character), got {describe(data)}")
    if len(data) != 1:
        raise MismatchError(f"expected char (a string of one character), got {len(data)} characters")
    _check_scalars(data, "char")
    return data


def _check_scalars(text: str, name: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MismatchError(f"expected {name}, got a lone surrogate at index {error.start}") from None
