"""Making a form of types and of what its inputs hold, anew each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, assert_never

from console.forms.instants import PARTS
from console.forms.names import (
    Fields,
    case_name,
    count_name,
    first,
    given_name,
    is_part,
    item_name,
    member_name,
    mode_name,
    parts_of,
    some_name,
)
from console.forms.nodes import (
    NO_MOVES,
    ChoiceNode,
    FlagsNode,
    GroupNode,
    Head,
    ListNode,
    Mode,
    Moves,
    Node,
    Option,
    TextNode,
)
from console.forms.reading import AS_JSON, MOST_ITEMS, Problem
from console.forms.scalars import ESCAPED, HEX, TEXT, nearest_single
from console.forms.short_types import short_type
from console.forms.slots import Slot
from console.forms.writing import MOST_INPUTS, FormTooLargeError
from engine.wit.json_scalars import INTEGER_RANGES
from engine.wit.names import snake_name
from engine.wit.obelisk_types import DATETIME
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

_MOST_RADIOS: Final = 5
"""More choices than these are a list to choose from."""


def form_nodes(slots: Sequence[Slot], fields: Fields, problems: Sequence[Problem]) -> list[Node]:
    """Return a form.

    Args:
        slots: What it asks for.
        fields: What its inputs hold.
        problems: What is wrong with that.

    Raises:
        FormTooLargeError: If it had too many inputs.
    """
    maker = _Maker(fields, {problem.name: problem.text for problem in reversed(problems)})
    return [maker.node(slot.type, slot.label, slot.name, has_default=slot.may_be_left_out) for slot in slots]


class _Maker:
    def __init__(self, fields: Fields, problems: Mapping[str, str]) -> None:
        self._fields = fields
        self._problems = problems
        self._inputs = 0

    def node(
        self,
        wit_type: WitType,
        label: str,
        name: str,
        *,
        depth: int = 0,
        has_default: bool = False,
        moves: Moves = NO_MOVES,
    ) -> Node:
        self._count(1)
        if has_default:
            made: Node = self._switch(wit_type, label, name, given_name(name), ("default", "given"), depth=0)
        else:
            made = self._of_type(wit_type, label, name, depth, moves)
        self._count(_more_inputs(made))
        return made

    def _count(self, inputs: int) -> None:
        self._inputs += inputs
        if self._inputs > MOST_INPUTS:
            raise FormTooLargeError

    def _of_type(self, wit_type: WitType, label: str, name: str, depth: int, moves: Moves) -> Node:
        match wit_type:
            case PrimitiveType(kind=Primitive.BOOL):
                return self._choice(wit_type, label, name, name, ("false", "true"), moves)
            case PrimitiveType(kind=kind):
                return self._text(wit_type, kind, label, name, moves)
            case ListType(element=element):
                return self._list(wit_type, element, label, name, moves)
            case OptionType(some=some):
                mark = some_name(name, depth)
                return self._switch(
                    wit_type, label, name, mark, ("none", "some"), depth=depth + 1, payload=some, moves=moves
                )
            case ResultType(ok=ok, err=err):
                return self._cases(wit_type, label, name, (Case("ok", ok), Case("err", err)), moves)
            case TupleType(items=items):
                parts = [self.node(each, str(index), item_name(name, index)) for index, each in enumerate(items)]
                return GroupNode(head=self._head(wit_type, label, name, moves), parts=tuple(parts))
            case RecordType() if wit_type == DATETIME and first(self._fields, mode_name(name)) != PARTS:
                return TextNode(
                    head=self._head(wit_type, label, name, moves),
                    value=first(self._fields, name),
                    hint="2026-01-31T12:00:00Z",
                    modes=(Mode("parts", f"parts:{name}"),),
                )
            case RecordType(fields=members):
                parts = [
                    self.node(part.type, part.name, member_name(name, part.name), has_default=part.may_be_missing)
                    for part in members
                ]
                is_instant = wit_type == DATETIME
                return GroupNode(
                    head=self._head(wit_type, label, name, moves),
                    parts=tuple(parts),
                    marks=((mode_name(name), PARTS),) if is_instant else (),
                    modes=(Mode("date and time", f"instant:{name}"),) if is_instant else (),
                )
            case VariantType(cases=cases):
                return self._cases(wit_type, label, name, cases, moves)
            case EnumType(names=names):
                return self._choice(wit_type, label, name, name, names, moves)
            case FlagsType(names=names):
                chosen = set(self._fields.get(name, []))
                options = tuple(Option(snake_name(each), each, snake_name(each) in chosen) for each in names)
                return FlagsNode(head=self._head(wit_type, label, name, moves), options=options)
            case OwnType() | BorrowType():
                return GroupNode(head=self._head(wit_type, label, name, moves), parts=())
            case _:
                assert_never(wit_type)

    def _head(self, wit_type: WitType, label: str, name: str, moves: Moves) -> Head:
        problem = self._problems.get(name, "")
        return Head(label=label, type=short_type(wit_type), name=name, problem=problem, moves=moves)

    def _text(self, wit_type: WitType, kind: Primitive, label: str, name: str, moves: Moves) -> Node:
        head, value = self._head(wit_type, label, name, moves), first(self._fields, name)
        if kind not in (Primitive.STRING, Primitive.CHAR):
            nearest = nearest_single(value) if kind is Primitive.F32 else None
            modes = () if nearest is None else (Mode(f"use {nearest}", f"nearest:{name}"),)
            return TextNode(head=head, value=value, hint=_number_hint(kind), is_number=True, modes=modes)
        if first(self._fields, mode_name(name)) == ESCAPED:
            mode = Mode("plain", f"plain:{name}")
            marks = ((mode_name(name), ESCAPED),)
            return TextNode(head=head, value=value, hint="a JSON string", is_area=True, marks=marks, modes=(mode,))
        mode = Mode("escapes", f"escaped:{name}")
        return TextNode(head=head, value=value, is_area=kind is Primitive.STRING, modes=(mode,))

    def _list(self, wit_type: ListType, element: WitType, label: str, name: str, moves: Moves) -> Node:
        head, value = self._head(wit_type, label, name, moves), first(self._fields, name)
        count = first(self._fields, count_name(name))
        if count == AS_JSON:
            back = Mode("fields", f"fields:{name}")
            marks = ((count_name(name), AS_JSON),)
            return TextNode(head=head, value=value, hint="a JSON array", is_area=True, marks=marks, modes=(back,))
        if element == U8:
            is_text = first(self._fields, mode_name(name)) == TEXT
            other = Mode("hex", f"hex:{name}") if is_text else Mode("text", f"text:{name}")
            return TextNode(
                head=head,
                value=value,
                hint="text, as UTF-8" if is_text else "hex digits, such as 00ff 1a",
                is_area=True,
                marks=((mode_name(name), TEXT if is_text else HEX),),
                modes=(other, Mode("JSON", f"json:{name}")),
                takes_file=True,
            )
        total = min(int(count), MOST_ITEMS) if count.isascii() and count.isdigit() and len(count) < 4 else 0
        items = tuple(self._item(element, item_name(name, index), index, total) for index in range(total))
        return ListNode(head=head, count_name=count_name(name), items=items)

    def _item(self, element: WitType, name: str, index: int, total: int) -> Node:
        moves = Moves(
            remove=f"remove:{name}",
            up=f"up:{name}" if index > 0 else "",
            down=f"down:{name}" if index < total - 1 else "",
        )
        return self.node(element, str(index), name, moves=moves)

    def _choice(
        self, wit_type: WitType, label: str, name: str, mark: str, names: Sequence[str], moves: Moves
    ) -> ChoiceNode:
        chosen = first(self._fields, mark)
        options = tuple(Option(snake_name(each), each, snake_name(each) == chosen) for each in names)
        head = self._head(wit_type, label, mark, moves)
        return ChoiceNode(head=head, options=options, is_select=len(options) > _MOST_RADIOS)

    def _switch(
        self,
        wit_type: WitType,
        label: str,
        name: str,
        mark: str,
        states: tuple[str, str],
        *,
        depth: int,
        payload: WitType | None = None,
        moves: Moves = NO_MOVES,
    ) -> ChoiceNode:
        """Return a choice between nothing and something; the first state is that of an empty form."""
        off, on = states
        is_on = first(self._fields, mark) == on
        body = self.node(payload or wit_type, "", name, depth=depth) if is_on else None
        head = self._head(wit_type, label, mark, moves)
        kept = () if is_on else _kept(parts_of(self._fields, name, depth=depth))
        return ChoiceNode(head=head, options=(Option(off, off, not is_on), Option(on, on, is_on)), body=body, kept=kept)

    def _cases(self, wit_type: WitType, label: str, name: str, cases: Sequence[Case], moves: Moves) -> ChoiceNode:
        mark = case_name(name)
        chosen = first(self._fields, mark)
        shown = self._choice(wit_type, label, name, mark, [case.name for case in cases], moves)
        case = next((case for case in cases if snake_name(case.name) == chosen), None)
        payload_name = "" if case is None else member_name(name, case.name)
        body = None
        if case is not None and case.type is not None:
            body = self.node(case.type, "", payload_name)
        others = (
            (each, values)
            for each, values in parts_of(self._fields, name)
            if each not in (name, mark) and each.startswith(f"{name}.") and not is_part(each, payload_name or mark)
        )
        return ChoiceNode(
            head=shown.head, options=shown.options, is_select=shown.is_select, body=body, kept=_kept(others)
        )


def _more_inputs(node: Node) -> int:
    """Return how many inputs a node has besides its first one and those of its parts."""
    match node:
        case TextNode(marks=marks) | GroupNode(marks=marks):
            return len(marks)
        case ChoiceNode(kept=kept):
            return len(kept)
        case FlagsNode(options=options):
            return len(options)
        case ListNode():
            return 0
        case _:
            assert_never(node)


def _number_hint(kind: Primitive) -> str:
    match kind:
        case Primitive.U64:
            return "0 to 2^64-1"
        case Primitive.S64:
            return "-2^63 to 2^63-1"
        case Primitive.F32 | Primitive.F64:
            return "a number, NaN, Infinity or -Infinity"
        case _:
            low, high = INTEGER_RANGES[kind]
            return f"{low} to {high}"


def _kept(inputs: Iterable[tuple[str, list[str]]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, values in inputs for value in values)
