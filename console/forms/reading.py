"""From what a form's inputs hold to JSON data: every part is checked by the codec's reader of its type.

All problems are found, not only the first. Where there are some, the data has what was typed in that place, or null, so
that it can still be shown as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from console.forms.instants import PARTS, parse_instant
from console.forms.names import (
    Fields,
    case_name,
    count_name,
    first,
    given_name,
    item_name,
    member_name,
    mode_name,
    part_name,
    some_name,
)
from console.forms.scalars import (
    ESCAPED,
    HEX,
    TEXT,
    parse_bytes,
    parse_integer,
    parse_number,
    plain_text,
    unescaped,
)
from console.forms.slots import Slot
from engine.errors import ValueMismatch
from engine.wit.json_scalars import INTEGER_RANGES
from engine.wit.json_values import load_json, read_value
from engine.wit.names import snake_name
from engine.wit.obelisk_types import DATETIME
from engine.wit.options import JsonValue, may_need_wrapping, wrap_some
from engine.wit.types import (
    U8,
    BorrowType,
    Case,
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

MOST_ITEMS: Final = 100
"""Of a list that has inputs for each; longer ones are written as JSON."""
AS_JSON: Final = "json"
"""In place of a list's number of items: it stands there as JSON text."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with what was typed.

    Args:
        name: Of the input.
        text: What is wrong, in the codec's words where it was the codec that refused.
        is_missing: Whether nothing was typed or chosen yet.
    """

    name: str
    text: str
    is_missing: bool = False

    @property
    def path(self) -> str:
        """The part of the value that the input belongs to."""
        return part_name(self.name)


@dataclass(slots=True)
class FormReader:
    """Reads what inputs hold; ``problems`` grows meanwhile.

    Args:
        fields: The inputs.
    """

    fields: Fields
    problems: list[Problem] = field(default_factory=list)

    def read(self, wit_type: WitType, name: str, *, depth: int = 0) -> JsonValue:
        """Return the canonical value of a part, if it has no problems.

        Args:
            wit_type: Its type.
            name: Its name.
            depth: How many options around it have this name.
        """
        match wit_type:
            case PrimitiveType(kind=kind):
                return self._primitive(wit_type, kind, name)
            case ListType(element=element):
                return self._list(wit_type, element, name)
            case OptionType(some=some):
                if first(self.fields, some_name(name, depth)) != "some":
                    return None
                payload = self.read(some, name, depth=depth + 1)
                return wrap_some(payload) if may_need_wrapping(some) else payload
            case ResultType(ok=ok, err=err):
                return self._case(name, {"ok": Case("ok", ok), "err": Case("err", err)}, unit=dict)
            case TupleType(items=items):
                return [self.read(each, item_name(name, index)) for index, each in enumerate(items)]
            case RecordType():
                is_instant = wit_type == DATETIME and first(self.fields, mode_name(name)) != PARTS
                return self._instant(name) if is_instant else self._record(wit_type, name)
            case VariantType(cases=cases):
                return self._case(name, {snake_name(case.name): case for case in cases}, unit=str)
            case EnumType():
                chosen = first(self.fields, name)
                return self._checked(wit_type, name, chosen) if chosen else self._missing(name, "choose one")
            case FlagsType():
                return self._checked(wit_type, name, list(self.fields.get(name, [])))
            case OwnType() | BorrowType():
                return self._checked(wit_type, name, None)
            case _:
                assert_never(wit_type)

    def read_slots(self, slots: Sequence[Slot]) -> list[JsonValue]:
        """Return the values that a form asks for, without those at the end that are left out."""
        values: list[JsonValue] = []
        for index, slot in enumerate(slots):
            if slot.may_be_left_out and not self._is_given(slot.name):
                continue
            if len(values) < index:
                problem = "give it too, or leave out those behind it"
                self.problems.append(Problem(given_name(slots[len(values)].name), problem))
                break
            values.append(self.read(slot.type, slot.name))
        return values

    def _is_given(self, name: str) -> bool:
        return first(self.fields, given_name(name)) == "given"

    def _primitive(self, wit_type: WitType, kind: Primitive, name: str) -> JsonValue:
        typed = first(self.fields, name)
        match kind:
            case Primitive.BOOL:
                if typed == "":
                    return self._missing(name, "choose false or true")
                return self._checked(wit_type, name, {"true": True, "false": False}.get(typed, typed))
            case Primitive.F32 | Primitive.F64:
                return self._number(wit_type, name, typed, parse_number, f"a number is missing ({kind.value})")
            case Primitive.CHAR | Primitive.STRING:
                return self._text(wit_type, name, typed)
            case _:
                low, high = INTEGER_RANGES[kind]
                missing = f"a number is missing ({kind.value}, {low} to {high})"
                return self._number(wit_type, name, typed, parse_integer, missing)

    def _number(
        self, wit_type: WitType, name: str, typed: str, parse: Callable[[str], JsonValue], missing: str
    ) -> JsonValue:
        return self._checked(wit_type, name, parse(typed)) if typed.strip() else self._missing(name, missing)

    def _text(self, wit_type: WitType, name: str, typed: str) -> JsonValue:
        if wit_type == PrimitiveType(Primitive.CHAR) and typed == "":
            return self._missing(name, "a character is missing")
        if first(self.fields, mode_name(name)) != ESCAPED:
            return self._checked(wit_type, name, plain_text(typed))
        try:
            return self._checked(wit_type, name, unescaped(typed))
        except ValueMismatch as mismatch:
            return self._refused(name, mismatch, typed)

    def _list(self, wit_type: WitType, element: WitType, name: str) -> JsonValue:
        count = first(self.fields, count_name(name))
        if count == AS_JSON:
            typed = first(self.fields, name)
            try:
                return read_value(wit_type, load_json(typed), path=name)
            except ValueMismatch as mismatch:
                return self._refused(name, mismatch, typed)
        if element == U8:
            return self._bytes(name)
        if not count:
            return []
        if not (count.isascii() and count.isdigit() and len(count) < 4 and int(count) <= MOST_ITEMS):
            self.problems.append(Problem(name, f"more than {MOST_ITEMS} items; write the list as JSON"))
            return []
        return [self.read(element, item_name(name, index)) for index in range(int(count))]

    def _bytes(self, name: str) -> JsonValue:
        typed = first(self.fields, name)
        try:
            return list(parse_bytes(typed, TEXT if first(self.fields, mode_name(name)) == TEXT else HEX))
        except ValueMismatch as mismatch:
            return self._refused(name, mismatch, typed)

    def _instant(self, name: str) -> JsonValue:
        typed = first(self.fields, name)
        if not typed.strip():
            return self._missing(name, "a date and a time are missing")
        try:
            return self._checked(DATETIME, name, parse_instant(typed))
        except ValueMismatch as mismatch:
            return self._refused(name, mismatch, typed)

    def _record(self, record: RecordType, name: str) -> JsonValue:
        values: dict[str, JsonValue] = {}
        for part in record.fields:
            part_name = member_name(name, part.name)
            if not part.may_be_missing or self._is_given(part_name):
                values[snake_name(part.name)] = self.read(part.type, part_name)
        return values

    def _case(self, name: str, cases: dict[str, Case], *, unit: type[dict[str, JsonValue]] | type[str]) -> JsonValue:
        chosen = first(self.fields, case_name(name))
        case = cases.get(chosen)
        if case is None:
            return self._missing(case_name(name), f"choose one of {', '.join(list(cases)[:20])}")
        if case.type is not None:
            return {chosen: self.read(case.type, member_name(name, case.name))}
        return {chosen: None} if unit is dict else chosen

    def _checked(self, wit_type: WitType, name: str, data: JsonValue) -> JsonValue:
        try:
            return read_value(wit_type, data, path=name)
        except ValueMismatch as mismatch:
            return self._refused(name, mismatch, data)

    def _refused(self, name: str, mismatch: ValueMismatch, data: JsonValue) -> JsonValue:
        where = mismatch.path.removeprefix(name)
        self.problems.append(Problem(name, f"{where}: {mismatch.problem}".removeprefix(": ")))
        return data

    def _missing(self, name: str, text: str) -> JsonValue:
        self.problems.append(Problem(name, text, is_missing=True))
        return None
