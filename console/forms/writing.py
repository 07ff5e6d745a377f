"""From canonical values to what a form's inputs hold, so that reading them gives the very same value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from console.forms.instants import PARTS, instant_text
from console.forms.names import (
    case_name,
    count_name,
    given_name,
    item_name,
    member_name,
    mode_name,
    some_name,
)
from console.forms.reading import AS_JSON, MOST_ITEMS
from console.forms.scalars import ESCAPED, bytes_text, escaped_text, needs_escapes, number_text
from console.forms.slots import Slot
from engine.errors import EngineError
from engine.wit.json_values import dump_value
from engine.wit.names import snake_name
from engine.wit.obelisk_types import DATETIME
from engine.wit.options import JsonValue, may_need_wrapping, unwrap_some
from engine.wit.types import (
    U8,
    BorrowType,
    EnumType,
    FlagsType,
    ListType,
    OptionType,
    OwnType,
    Primitive,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)

MOST_INPUTS: Final = 800
"""Of one form; Django takes a thousand."""


class FormTooLargeError(EngineError):
    """A value that has too many parts for a form."""

    def __init__(self) -> None:
        super().__init__(f"the value has more parts than the {MOST_INPUTS} that a form may have; edit it as JSON")


def write_form(wit_type: WitType, value: JsonValue, name: str) -> dict[str, list[str]]:
    """Return what the inputs of a part of the form hold for a canonical value.

    Raises:
        FormTooLargeError: If there were too many.
    """
    written: dict[str, list[str]] = {}
    _write(written, wit_type, value, name, depth=0)
    return written


def write_slots(slots: Sequence[Slot], values: Sequence[JsonValue]) -> dict[str, list[str]]:
    """Return what the inputs of a form hold for the values that it asks for; those at the end may be left out.

    Raises:
        FormTooLargeError: If there were too many.
    """
    written: dict[str, list[str]] = {}
    for slot, value in zip(slots, values, strict=False):
        if slot.may_be_left_out:
            written[given_name(slot.name)] = ["given"]
        _write(written, slot.type, value, slot.name, depth=0)
    return written


def _write(written: dict[str, list[str]], wit_type: WitType, value: JsonValue, name: str, *, depth: int) -> None:
    if len(written) > MOST_INPUTS:
        raise FormTooLargeError
    match wit_type:
        case PrimitiveType(kind=kind):
            _write_primitive(written, kind, value, name)
        case ListType(element=element):
            assert isinstance(value, list)
            _write_list(written, wit_type, element, value, name)
        case OptionType(some=some):
            if value is not None:
                written[some_name(name, depth)] = ["some"]
                payload = unwrap_some(value) if may_need_wrapping(some) else value
                _write(written, some, payload, name, depth=depth + 1)
        case ResultType(ok=ok, err=err):
            assert isinstance(value, dict)
            ((chosen, payload),) = value.items()
            written[case_name(name)] = [chosen]
            payload_type = ok if chosen == "ok" else err
            if payload_type is not None:
                _write(written, payload_type, payload, member_name(name, chosen), depth=0)
        case TupleType(items=items):
            assert isinstance(value, list)
            for index, (item_type, item) in enumerate(zip(items, value, strict=True)):
                _write(written, item_type, item, item_name(name, index), depth=0)
        case RecordType():
            assert isinstance(value, dict)
            if wit_type == DATETIME:
                text = instant_text(value)
                written.update({mode_name(name): [PARTS]} if text is None else {name: [text]})
                if text is not None:
                    return
            _write_record(written, wit_type, value, name)
        case VariantType(cases=cases):
            chosen, payload = next(iter(value.items())) if isinstance(value, dict) else (str(value), None)
            written[case_name(name)] = [chosen]
            case = next(case for case in cases if snake_name(case.name) == chosen)
            if case.type is not None:
                _write(written, case.type, payload, member_name(name, case.name), depth=0)
        case EnumType():
            written[name] = [str(value)]
        case FlagsType():
            assert isinstance(value, list)
            written[name] = [str(flag) for flag in value]
        case OwnType() | BorrowType():
            raise ValueError(f"there are no values of {wit_type}")
        case _:
            assert_never(wit_type)


def _write_primitive(written: dict[str, list[str]], kind: Primitive, value: JsonValue, name: str) -> None:
    match kind:
        case Primitive.BOOL:
            written[name] = ["true" if value else "false"]
        case Primitive.CHAR | Primitive.STRING:
            text = str(value)
            is_escaped = needs_escapes(text, one_line=kind is Primitive.CHAR)
            written[name] = [escaped_text(text) if is_escaped else text]
            if is_escaped:
                written[mode_name(name)] = [ESCAPED]
        case _:
            written[name] = [number_text(value)]


def _write_list(
    written: dict[str, list[str]], wit_type: WitType, element: WitType, value: list[JsonValue], name: str
) -> None:
    if element == U8:
        text, mode = bytes_text(bytes(value))  # type: ignore[arg-type]  # each is a number below 256
        written[name], written[mode_name(name)] = [text], [mode]
    elif len(value) > MOST_ITEMS:
        written[name], written[count_name(name)] = [dump_value(wit_type, value)], [AS_JSON]
    else:
        written[count_name(name)] = [str(len(value))]
        for index, item in enumerate(value):
            _write(written, element, item, item_name(name, index), depth=0)


def _write_record(written: dict[str, list[str]], record: RecordType, value: dict[str, JsonValue], name: str) -> None:
    for part in record.fields:
        key, part_name = snake_name(part.name), member_name(name, part.name)
        if key not in value:
            continue
        if part.may_be_missing:
            written[given_name(part_name)] = ["given"]
        _write(written, part.type, value[key], part_name, depth=0)
