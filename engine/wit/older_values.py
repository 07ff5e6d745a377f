"""What values looked like before their records had all of today's fields.

A field with a default may be added to a record under running executions: their histories hold values without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from engine.wit.names import snake_name
from engine.wit.options import JsonValue, is_wrapped
from engine.wit.types import (
    ListType,
    OptionType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
    child_types,
)

Cuts = Mapping[RecordType, int]
"""How many of the fields with defaults a record lacks, the last ones first."""


def older_values(types: Sequence[WitType], values: Sequence[JsonValue]) -> Iterator[list[JsonValue]]:
    """Return the forms that canonical values may have had, today's first; fields came at the end.

    Args:
        types: One for each value.
        values: Canonical values.
    """
    records = {record: None for wit_type in types for record in _growing_records(wit_type)}
    choices = [range(len(_fields_with_defaults(record)) + 1) for record in records]
    for counts in product(*choices):
        cuts = dict(zip(records, counts, strict=True))
        yield [_cut(wit_type, value, cuts) for wit_type, value in zip(types, values, strict=True)]


def _growing_records(wit_type: WitType) -> Iterator[RecordType]:
    if isinstance(wit_type, RecordType) and _fields_with_defaults(wit_type):
        yield wit_type
    for child in child_types(wit_type):
        yield from _growing_records(child)


def _fields_with_defaults(record: RecordType) -> list[str]:
    return [snake_name(field.name) for field in record.fields if field.may_be_missing]


def _cut(wit_type: WitType, value: JsonValue, cuts: Cuts) -> JsonValue:
    match wit_type, value:
        case RecordType(fields=fields), dict():
            optional = _fields_with_defaults(wit_type)
            lacking = set(optional[len(optional) - cuts.get(wit_type, 0) :])
            keys = {snake_name(field.name): field.type for field in fields}
            return {key: _cut(keys[key], item, cuts) for key, item in value.items() if key not in lacking}
        case ListType(element=element), list():
            return [_cut(element, item, cuts) for item in value]
        case TupleType(items=items), list():
            return [_cut(item_type, item, cuts) for item_type, item in zip(items, value, strict=True)]
        case OptionType(some=some), _ if value is not None and not is_wrapped(value):
            return _cut(some, value, cuts)
        case VariantType(cases=cases), dict():
            payloads = {snake_name(case.name): case.type for case in cases}
            return {key: _cut_payload(payloads[key], payload, cuts) for key, payload in value.items()}
        case ResultType(ok=ok, err=err), dict():
            return {key: _cut_payload(ok if key == "ok" else err, payload, cuts) for key, payload in value.items()}
        case _:
            return value


def _cut_payload(wit_type: WitType | None, value: JsonValue, cuts: Cuts) -> JsonValue:
    return value if wit_type is None else _cut(wit_type, value, cuts)
