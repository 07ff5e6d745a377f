"""Readers: one closure per type that checks JSON data and makes the canonical value of it.

A reader is compiled once per type and kept. It accepts what the table at the top of ``json_values`` says, and raises
``MismatchError`` otherwise; every container on the way out adds its step to the path, so the good case pays nothing
for the exactness of errors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import call
from typing import assert_never

from engine.wit.grammar import format_type
from engine.wit.json_scalars import INTEGER_RANGES, MismatchError, Reader, describe, primitive_reader
from engine.wit.names import snake_name
from engine.wit.options import JsonValue, is_wrapped, may_need_wrapping, wrap_some
from engine.wit.types import (
    STRING,
    BorrowType,
    Case,
    EnumType,
    FlagsType,
    ListType,
    OptionType,
    OwnType,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)

_LISTED_NAMES = 20


@lru_cache(maxsize=4096)
def reader_of(wit_type: WitType) -> Reader:
    """Return the reader of a type, compiled on first use."""
    match wit_type:
        case PrimitiveType(kind=kind):
            return primitive_reader(kind)
        case ListType(element=element):
            return _list_reader(element)
        case OptionType(some=some):
            return _option_reader(some)
        case ResultType(ok=ok, err=err):
            return _result_reader(ok, err)
        case TupleType(items=items):
            return _tuple_reader(items)
        case RecordType():
            return _record_reader(wit_type)
        case VariantType(cases=cases):
            return _variant_reader(cases)
        case EnumType(names=names):
            return _enum_reader(names)
        case FlagsType(names=names):
            return _flags_reader(names)
        case OwnType() | BorrowType():
            return _resource_reader(wit_type)
        case _:
            assert_never(wit_type)


def _list_reader(element: WitType) -> Reader:
    read_element = reader_of(element)
    is_map = isinstance(element, TupleType) and len(element.items) == 2 and element.items[0] == STRING
    bounds = INTEGER_RANGES.get(element.kind) if isinstance(element, PrimitiveType) else None

    def read(data: object) -> JsonValue:
        if is_map and type(data) is dict:
            data = [[key, value] for key, value in data.items()]
        if type(data) is not list:
            raise MismatchError(f"expected an array ({format_type(element)} each), got {describe(data)}")
        # Bytes come as arrays of numbers: three passes in C are ten times faster than a call per number.
        if bounds and set(map(type, data)) == {int} and bounds[0] <= min(data) and max(data) <= bounds[1]:
            return data.copy()
        values: list[JsonValue] = []
        try:
            # A failing `extend` keeps what came before, so the length is the index of the culprit.
            values.extend(map(read_element, data))
        except MismatchError as mismatch:
            mismatch.steps.append(f"[{len(values)}]")
            raise
        return values

    return read


def _tuple_reader(items: tuple[WitType, ...]) -> Reader:
    readers = tuple(map(reader_of, items))
    count = len(readers)

    def read(data: object) -> JsonValue:
        if type(data) is not list:
            raise MismatchError(f"expected an array of {count} (a tuple), got {describe(data)}")
        if len(data) != count:
            raise MismatchError(f"expected an array of {count} (a tuple), got {len(data)}")
        values: list[JsonValue] = []
        try:
            values.extend(map(call, readers, data))
        except MismatchError as mismatch:
            mismatch.steps.append(f"[{len(values)}]")
            raise
        return values

    return read


def _record_reader(record: RecordType) -> Reader:
    readers = tuple((snake_name(field.name), reader_of(field.type)) for field in record.fields)
    keys = {name for name, _ in readers}
    complete = _record_completer(record)
    has_defaults = any(field.may_be_missing for field in record.fields)

    def read(data: object) -> JsonValue:
        if type(data) is not dict:
            raise MismatchError(
                f"expected an object with {_listed([name for name, _ in readers])}, got {describe(data)}"
            )
        present = readers
        if data.keys() != keys:
            data = complete(data)
            if has_defaults:
                present = tuple(item for item in readers if item[0] in data)
        values: dict[str, JsonValue] = {}
        name = ""
        try:
            for name, read_field in present:
                values[name] = read_field(data[name])
        except MismatchError as mismatch:
            mismatch.steps.append(f".{name}")
            raise
        return values

    return read


def _record_completer(record: RecordType) -> Callable[[dict[object, object]], dict[str, object]]:
    """Return what brings an object with kebab-case or missing keys into the form with all keys in snake_case.

    Fields with defaults stay missing: only whoever has the default can tell it.
    """
    names = [snake_name(field.name) for field in record.fields]
    defaults = {snake_name(field.name) for field in record.fields if field.may_be_missing}
    options = {snake_name(field.name) for field in record.fields if isinstance(field.type, OptionType)}
    spellings = _spellings(tuple(field.name for field in record.fields))

    def complete(data: dict[object, object]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, item in data.items():
            name = spellings.get(key)
            if name is None:
                raise MismatchError(f"unknown field {describe(key)}, expected {_listed(names)}")
            if name in found:
                raise MismatchError(f'field "{name}" is given twice, in snake_case and in kebab-case')
            found[name] = item
        for name in names:
            if name in found or name in defaults:
                continue
            if name not in options:
                raise MismatchError(f'missing field "{name}"')
            found[name] = None
        return found

    return complete


def _variant_reader(cases: tuple[Case, ...]) -> Reader:
    known: dict[object, tuple[str, Reader | None]] = {}
    for case in cases:
        name = snake_name(case.name)
        known[name] = known[case.name] = (name, None if case.type is None else reader_of(case.type))
    expected = [
        f'"{snake_name(case.name)}"' if case.type is None else f'{{"{snake_name(case.name)}": ...}}' for case in cases
    ]

    def read(data: object) -> JsonValue:
        if type(data) is str:
            found = known.get(data)
            if found is None:
                raise MismatchError(f"unknown case {describe(data)}, expected {_listed(expected)}")
            name, read_payload = found
            if read_payload is not None:
                raise MismatchError(f'case "{name}" has a payload: expected {{"{name}": ...}}, got {describe(data)}')
            return name
        if type(data) is not dict or len(data) != 1:
            what = f"an object with {len(data)} keys" if type(data) is dict else describe(data)
            raise MismatchError(f"expected one of {_listed(expected)}, got {what}")
        ((key, payload),) = data.items()
        found = known.get(key)
        if found is None:
            raise MismatchError(f"unknown case {describe(key)}, expected {_listed(expected)}")
        name, read_payload = found
        if read_payload is None:
            raise MismatchError(f'case "{name}" has no payload: expected "{name}", got an object')
        try:
            return {name: read_payload(payload)}
        except MismatchError as mismatch:
            mismatch.steps.append(f".{name}")
            raise

    return read


def _enum_reader(names: tuple[str, ...]) -> Reader:
    spellings = _spellings(names)

    def read(data: object) -> JsonValue:
        name = spellings.get(data) if type(data) is str else None
        if name is None:
            raise MismatchError(f"expected one of {_listed(_quoted(names))}, got {describe(data)}")
        return name

    return read


def _flags_reader(names: tuple[str, ...]) -> Reader:
    spellings = _spellings(names)
    order = tuple(map(snake_name, names))

    def read(data: object) -> JsonValue:
        if type(data) is not list:
            raise MismatchError(f"expected an array of flags ({_listed(_quoted(names))}), got {describe(data)}")
        found: set[str] = set()
        for index, item in enumerate(data):
            name = spellings.get(item) if type(item) is str else None
            if name is None or name in found:
                problem = "given twice" if name is not None else f"unknown, expected {_listed(_quoted(names))}"
                mismatch = MismatchError(f"flag {describe(item)} is {problem}")
                mismatch.steps.append(f"[{index}]")
                raise mismatch
            found.add(name)
        return [name for name in order if name in found]

    return read


def _option_reader(some: WitType) -> Reader:
    read_some = reader_of(some)
    if not may_need_wrapping(some):
        return lambda data: None if data is None else read_some(data)
    is_nested = isinstance(some, OptionType)

    def read(data: object) -> JsonValue:
        if data is None:
            return None
        # Only what `wrap_some` would have wrapped is taken for a wrapper; so `{"some": 5}` is still read as the
        # record that has a field `some`, as Obelisk's clients write it.
        if type(data) is dict and is_wrapped(data):
            payload = data["some"]
            if is_wrapped(payload) or (payload is None and is_nested):
                try:
                    return wrap_some(read_some(payload))
                except MismatchError as mismatch:
                    mismatch.steps.append(".some")
                    raise
        return wrap_some(read_some(data))

    return read


def _result_reader(ok: WitType | None, err: WitType | None) -> Reader:
    readers = {
        "ok": _read_unit if ok is None else reader_of(ok),
        "err": _read_unit if err is None else reader_of(err),
    }

    def read(data: object) -> JsonValue:
        if type(data) is dict and len(data) == 1:
            ((key, payload),) = data.items()
            read_payload = readers.get(key)
            if read_payload is not None:
                try:
                    return {key: read_payload(payload)}
                except MismatchError as mismatch:
                    mismatch.steps.append(f".{key}")
                    raise
        keys = f" with {_listed(list(map(describe, data)))}" if type(data) is dict and data else ""
        raise MismatchError(f'expected {{"ok": ...}} or {{"err": ...}}, got {describe(data)}{keys}')

    return read


def _read_unit(data: object) -> JsonValue:
    if data is None:
        return None
    raise MismatchError(f"expected null, as there is no payload, got {describe(data)}")


def _resource_reader(wit_type: OwnType | BorrowType) -> Reader:
    def read(data: object) -> JsonValue:
        raise MismatchError(f"{format_type(wit_type)} is a handle, which has no JSON form")

    return read


def _spellings(names: tuple[str, ...]) -> dict[object, str]:
    return {spelling: snake_name(name) for name in names for spelling in (name, snake_name(name))}


def _quoted(names: tuple[str, ...]) -> list[str]:
    return [f'"{snake_name(name)}"' for name in names]


def _listed(names: list[str]) -> str:
    more = len(names) - _LISTED_NAMES
    return ", ".join(names[:_LISTED_NAMES]) + (f" and {more} more" if more > 0 else "")
