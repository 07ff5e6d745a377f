"""What buttons within a form do to what its inputs hold: items come, go and move, texts are written another way.

The server does it, and renders the form anew: so there is one place that knows types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from console.forms.instants import PARTS, instant_text
from console.forms.names import Fields, count_name, first, is_part, item_name, member_name, mode_name
from console.forms.reading import AS_JSON, MOST_ITEMS, FormReader
from console.forms.scalars import (
    ESCAPED,
    HEX,
    TEXT,
    escaped_text,
    hex_text,
    nearest_single,
    needs_escapes,
    number_text,
    plain_text,
)
from console.forms.slots import Slot
from console.forms.writing import write_form
from engine.wit.json_values import dump_json
from engine.wit.names import snake_name
from engine.wit.obelisk_types import DATETIME
from engine.wit.types import (
    CHAR,
    F32,
    FlagsType,
    ListType,
    OptionType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)

_ITEM: Final = re.compile(r"(?P<list>.*)\[(?P<index>[0-9]{1,3})\]", re.DOTALL)
_INDEX: Final = re.compile(r"\[[0-9]{1,3}\]")


def edit_form(slots: Sequence[Slot], fields: Fields, action: str) -> dict[str, list[str]]:
    """Return what the inputs hold after an action; one that makes no sense changes nothing.

    Args:
        slots: What the form asks for.
        fields: What its inputs hold.
        action: ``VERB:NAME``, as the form's buttons have it.

    Raises:
        FormTooLargeError: If there were too many inputs.
    """
    changed = {name: list(values) for name, values in fields.items()}
    verb, _, name = action.partition(":")
    if verb == "add":
        _add(changed, name)
    elif verb in ("remove", "up", "down"):
        _move(changed, verb, name)
    elif (rewrite := _REWRITES.get(verb)) is not None:
        wit_type = next((found for slot in slots if (found := _type_at(slot.type, slot.name, name)) is not None), None)
        if wit_type is not None:
            rewrite(changed, wit_type, name)
    return changed


def _add(fields: dict[str, list[str]], name: str) -> None:
    count = _count(fields, name)
    if count is not None and count < MOST_ITEMS:
        fields[count_name(name)] = [str(count + 1)]


def _count(fields: Fields, name: str) -> int | None:
    text = first(fields, count_name(name)) or "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def _move(fields: dict[str, list[str]], verb: str, name: str) -> None:
    found = _ITEM.fullmatch(name)
    count = None if found is None else _count(fields, found["list"])
    if found is None or count is None or (index := int(found["index"])) >= count:
        return
    order = list(range(count))
    if verb == "remove":
        del order[index]
        fields[count_name(found["list"])] = [str(count - 1)]
    elif verb == "up" and index > 0:
        order[index - 1], order[index] = index, index - 1
    elif verb == "down" and index < count - 1:
        order[index], order[index + 1] = index + 1, index
    _reorder(fields, found["list"], order)


def _reorder(fields: dict[str, list[str]], name: str, order: Sequence[int]) -> None:
    """Give the inputs of a list's items the names of their new places; those of items that are gone go."""
    items: dict[int, dict[str, list[str]]] = {}
    for each in [each for each in fields if each.startswith(f"{name}[")]:
        index, _, rest = each[len(name) + 1 :].partition("]")
        if index.isdigit():
            items.setdefault(int(index), {})[rest] = fields.pop(each)
    for place, old in enumerate(order):
        for rest, values in items.get(old, {}).items():
            fields[item_name(name, place) + rest] = values


def _as_json(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    if isinstance(wit_type, ListType):
        text = dump_json(FormReader(dict(fields)).read(wit_type, name))
        _replace(fields, name, {name: [text], count_name(name): [AS_JSON]})


def _as_fields(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    if isinstance(wit_type, ListType):
        reader = FormReader(dict(fields))
        value = reader.read(wit_type, name)
        # What is wrong stays where it is, and is shown there.
        if not reader.problems:
            _replace(fields, name, write_form(wit_type, value, name))


def _as_hex(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    reader = FormReader(dict(fields))
    data = reader.read(wit_type, name)
    if not reader.problems:
        fields[name], fields[mode_name(name)] = [hex_text(bytes(data))], [HEX]  # type: ignore[arg-type]  # bytes


def _as_text(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    reader = FormReader(dict(fields))
    data = reader.read(wit_type, name)
    if reader.problems:
        return
    try:
        text = bytes(data).decode()  # type: ignore[arg-type]  # only bytes have the button
    except UnicodeDecodeError:
        return
    if not needs_escapes(text):
        fields[name], fields[mode_name(name)] = [text], [TEXT]


def _as_escaped(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    text = plain_text(first(fields, name))
    fields[name], fields[mode_name(name)] = [escaped_text(text)], [ESCAPED]


def _as_plain(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    reader = FormReader(dict(fields))
    text = reader.read(wit_type, name)
    if not reader.problems and not needs_escapes(str(text), one_line=wit_type == CHAR):
        fields[name] = [str(text)]
        fields.pop(mode_name(name), None)


def _as_parts(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    if wit_type == DATETIME:
        value = FormReader(dict(fields)).read(wit_type, name)
        fields.pop(name, None)
        fields[mode_name(name)] = [PARTS]
        if isinstance(value, dict):
            fields.update({member_name(name, key): [number_text(part)] for key, part in value.items()})


def _as_instant(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    if wit_type == DATETIME:
        text = instant_text(FormReader(dict(fields)).read(wit_type, name))
        # Numbers that are no instant stay as they are.
        if text is not None or not any(first(fields, member_name(name, part.name)) for part in DATETIME.fields):
            fields.pop(mode_name(name), None)
            fields[name] = [text or ""]


def _nearest(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    nearest = nearest_single(first(fields, name))
    if wit_type == F32 and nearest is not None:
        fields[name] = [nearest]


def _all(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    if isinstance(wit_type, FlagsType):
        fields[name] = [snake_name(each) for each in wit_type.names]


def _none(fields: dict[str, list[str]], wit_type: WitType, name: str) -> None:
    if isinstance(wit_type, FlagsType):
        fields.pop(name, None)


_REWRITES: Final[Mapping[str, Callable[[dict[str, list[str]], WitType, str], None]]] = {
    "json": _as_json,
    "fields": _as_fields,
    "hex": _as_hex,
    "text": _as_text,
    "escaped": _as_escaped,
    "plain": _as_plain,
    "parts": _as_parts,
    "instant": _as_instant,
    "nearest": _nearest,
    "all": _all,
    "none": _none,
}


def _replace(fields: dict[str, list[str]], name: str, new: Mapping[str, list[str]]) -> None:
    """Put the inputs of a list in place of those that were there."""
    items = f"{name}["
    for each in [
        each for each in fields if each in (name, count_name(name), mode_name(name)) or each.startswith(items)
    ]:
        del fields[each]
    fields.update(new)


def _type_at(wit_type: WitType, name: str, target: str) -> WitType | None:
    """Return the type of the part that a name means, below a part and its name."""
    if isinstance(wit_type, OptionType):
        return _type_at(wit_type.some, name, target)
    if name == target:
        return wit_type
    if not is_part(target, name):
        return None
    for child_type, child in _children(wit_type, name, target[len(name) :]):
        if (found := _type_at(child_type, child, target)) is not None:
            return found
    return None


def _children(wit_type: WitType, name: str, rest: str) -> list[tuple[WitType, str]]:
    match wit_type:
        case ListType(element=element):
            index = _INDEX.match(rest)
            return [] if index is None else [(element, name + index[0])]
        case TupleType(items=items):
            return [(each, item_name(name, index)) for index, each in enumerate(items)]
        case RecordType(fields=members):
            return [(part.type, member_name(name, part.name)) for part in members]
        case VariantType(cases=cases):
            return [(case.type, member_name(name, case.name)) for case in cases if case.type is not None]
        case ResultType(ok=ok, err=err):
            sides = (("ok", ok), ("err", err))
            return [(payload, member_name(name, side)) for side, payload in sides if payload is not None]
        case _:
            return []
