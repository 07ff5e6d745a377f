"""The codec between JSON and canonical values, strict and with the place of every mistake.

============  ==================================  =========================================================
WIT type      canonical value, and its JSON       also accepted
============  ==================================  =========================================================
bool          true, false
integers      number                              a float without fraction, up to 2^53-1 in size
f32, f64      number; "NaN", "Infinity",          an integer that the type can hold exactly; for f32 only
              "-Infinity"                         floats that are exactly an f32
char          string of one character
string        string
list          array                               an object for a list of pairs of a string and anything
tuple         array of the right length
record        object, snake_case keys in order    kebab-case keys, any order; options may be missing, and so
                                                  may fields with defaults, which the value then lacks
variant       "case", or {"case": payload}        kebab-case
enum          "name"                              kebab-case
flags         array of the names that are set     kebab-case, any order
option        payload or null                     see ``engine.wit.options`` for options of options
result        {"ok": payload} or {"err": payload}
              with null for no payload
own, borrow   none
============  ==================================  =========================================================

Source:
    Obelisk 0.41, reference section 2.3; where it loses values (char, NaN, nested options) we do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from operator import call

import orjson

from engine.errors import ValueMismatch
from engine.wit.json_readers import reader_of
from engine.wit.json_scalars import MismatchError, describe
from engine.wit.options import JsonValue
from engine.wit.types import FunctionType, Primitive, PrimitiveType, WitType, child_types

__all__ = [
    "MAX_JSON_BYTES",
    "JsonValue",
    "dump_json",
    "dump_value",
    "load_json",
    "params_reader",
    "read_params",
    "read_value",
    "same_value",
]

MAX_JSON_BYTES = 64 * 1024 * 1024
"""How long one JSON text may be. Written and read text have the same limit: what was stored can be read back."""


def read_value(wit_type: WitType, data: object, *, path: str = "value") -> JsonValue:
    """Check JSON data against a type and return the canonical value.

    Reading a canonical value of the same type returns an equal value. The result shares no list or dict with
    ``data``.

    Args:
        wit_type: The type that the value must be of.
        data: What a JSON parser returns; other Python objects are refused.
        path: What errors call the whole value.

    Raises:
        ValueMismatch: If the data is not of the type; its ``path`` tells which part is not.
    """
    try:
        return reader_of(wit_type)(data)
    except MismatchError as mismatch:
        raise ValueMismatch(mismatch.path(path), mismatch.problem) from None


def read_params(function: FunctionType, data: object, *, optional: int = 0) -> list[JsonValue]:
    """Check the parameters of a call, a JSON array in the order of declaration, and return the canonical values.

    Args:
        function: What is called.
        data: The array.
        optional: How many of the last parameters may be left out; they are left out of the values too.

    Raises:
        ValueMismatch: If there are too few or too many, or one is not of its type.

    Source:
        The wording is Obelisk's, which clients know: "parameter cardinality mismatch, expected: 2, specified: 1",
        "cannot parse 2-th parameter - params[1].items[3]: expected u8, got 300".
    """
    return params_reader(function, optional)(data)


@lru_cache(maxsize=4096)
def params_reader(function: FunctionType, optional: int = 0) -> Callable[[object], list[JsonValue]]:
    """Return ``read_params`` for one function, for callers that keep it."""
    readers = tuple(reader_of(param.type) for param in function.params)
    most = len(readers)
    least = max(most - optional, 0)
    expected = f"{most}" if least == most else f"{least} to {most}"

    def read(data: object) -> list[JsonValue]:
        if type(data) is not list:
            raise ValueMismatch("params", f"expected an array of {expected} parameters, got {describe(data)}")
        if not least <= len(data) <= most:
            raise _worded(
                "params", f"parameter cardinality mismatch, expected: {expected}, specified: {len(data)}", prefix=None
            )
        values: list[JsonValue] = []
        try:
            # A failing `extend` keeps what came before, so the length is the index of the culprit.
            values.extend(map(call, readers, data))
        except MismatchError as mismatch:
            index = len(values)
            raise _worded(
                mismatch.path(f"params[{index}]"), mismatch.problem, prefix=f"cannot parse {index + 1}-th parameter - "
            ) from None
        return values

    return read


def dump_value(wit_type: WitType, value: JsonValue) -> str:
    """Return a canonical value as compact JSON text, which ``load_json`` and ``read_value`` turn back into it.

    Raises:
        ValueMismatch: If the text would be longer than ``MAX_JSON_BYTES``.
    """
    text = _dump(value)
    if b"null" in text and _contains_float(wit_type):
        text = _dump(_spell_non_finite(value))
    return text.decode()


def dump_json(value: JsonValue) -> str:
    """Return JSON data of any shape as compact text; floats that JSON lacks become strings, as in canonical values.

    Raises:
        ValueMismatch: If the data is not JSON data, nests deeper than 254 levels or has an integer beyond 64 bits, or
            the text would be longer than ``MAX_JSON_BYTES``.
    """
    text = _dump(value)
    # orjson writes NaN and infinities as null, so text without it needs no second look.
    if b"null" in text:
        text = _dump(_spell_non_finite(value))
    return text.decode()


def load_json(text: str | bytes, *, max_bytes: int = MAX_JSON_BYTES) -> object:
    """Parse JSON text.

    An integer beyond 64 bits is read as the nearest float, as by most JSON parsers, so no integer type takes it.

    Args:
        text: The text, if bytes then in UTF-8.
        max_bytes: Longest text to accept; a ``str`` is measured in characters.

    Raises:
        ValueMismatch: If the text is too long, nests deeper than about a thousand levels, or is not JSON; the message
            tells line and column.
    """
    if len(text) > max_bytes:
        raise ValueMismatch("", f"JSON text of {len(text)} bytes is longer than the allowed {max_bytes}")
    try:
        parsed: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise ValueMismatch("", problem) from None
    return parsed


def same_value(a: JsonValue, b: JsonValue) -> bool:
    """Tell whether two canonical values of one type are the same.

    Stricter than ``==`` where Python is lenient: records have one order of keys and +0 differs from -0; and NaN is the
    same as NaN.
    """
    if type(a) is not type(b):
        return False
    if type(a) is float and type(b) is float:
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)
    if type(a) is list and type(b) is list:
        return len(a) == len(b) and all(map(same_value, a, b))
    if type(a) is dict and type(b) is dict:
        return list(a) == list(b) and all(map(same_value, a.values(), b.values()))
    return a == b


def _worded(path: str, problem: str, *, prefix: str | None) -> ValueMismatch:
    """Return a mismatch whose text clients know by heart; path and problem remain fields."""
    error = ValueMismatch(path, problem)
    error.args = (problem if prefix is None else f"{prefix}{error}",)
    return error


def _dump(value: JsonValue) -> bytes:
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValueMismatch("value", f"cannot be written as JSON: {error}") from None
    if len(text) > MAX_JSON_BYTES:
        raise ValueMismatch("value", f"takes {len(text)} bytes as JSON, more than the allowed {MAX_JSON_BYTES}")
    return text


def _spell_non_finite(value: JsonValue) -> JsonValue:
    if type(value) is float:
        if math.isfinite(value):
            return value
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if type(value) is list:
        return [_spell_non_finite(item) for item in value]
    if type(value) is dict:
        return {key: _spell_non_finite(item) for key, item in value.items()}
    return value


@lru_cache(maxsize=4096)
def _contains_float(wit_type: WitType) -> bool:
    if isinstance(wit_type, PrimitiveType):
        return wit_type.kind in (Primitive.F32, Primitive.F64)
    return any(map(_contains_float, child_types(wit_type)))
