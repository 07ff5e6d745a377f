"""Type expressions: the text form of a type in deployment files and in the database.

Besides WIT's own type positions the grammar has anonymous ``record``, ``variant``, ``enum`` and ``flags``, which WIT
itself only knows as named declarations, and ``own<r>`` and ``borrow<r>`` for handles, so that every type has a text.
``name?: type`` is a field that JSON data may lack, as its taker has a default.

Source:
    Obelisk 0.41, reference section 2.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar, assert_never

from engine.errors import TypeSyntaxError
from engine.wit.names import is_kebab_name, kebab_name
from engine.wit.types import (
    MAX_TYPE_DEPTH,
    BorrowType,
    Case,
    EnumType,
    Field,
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

MAX_FLAGS = 32
"""How many flags one type may have; a rule of the component model."""

# fmt: off
KEYWORDS = frozenset({
    "as", "async", "bool", "borrow", "char", "constructor", "enum", "error-context", "export", "f32", "f64",
    "flags", "from", "func", "future", "import", "include", "interface", "list", "map", "option", "own",
    "package", "record", "resource", "result", "s16", "s32", "s64", "s8", "static", "stream", "string", "tuple",
    "type", "u16", "u32", "u64", "u8", "union", "use", "variant", "with", "world",
})
# fmt: on
"""Words that a name in WIT text must not be unless it is escaped with ``%``."""

_TOKEN = re.compile(r"\s*(?:(?P<name>%?[A-Za-z][A-Za-z0-9_-]*)|(?P<other>\S))")
_PRIMITIVES = {primitive.value: PrimitiveType(primitive) for primitive in Primitive}
_CONSTRUCTORS = ("list", "option", "result", "tuple", "record", "variant", "enum", "flags")
_REMEDIES = {
    "int": "s32 or s64",
    "i8": "s8",
    "i16": "s16",
    "i32": "s32",
    "i64": "s64",
    "integer": "s32 or s64",
    "usize": "u32 or u64",
    "float": "f64",
    "float32": "f32",
    "float64": "f64",
    "double": "f64",
    "number": "f64",
    "boolean": "bool",
    "str": "string",
    "bytes": "list<u8>",
    "vec": "list<...>",
    "array": "list<...>",
    "dict": "list<tuple<string, ...>> or a record",
    "struct": "record { name: type }",
    "none": "option<...>",
    "unit": "result, or leave the payload out",
}
_UNSUPPORTED = frozenset({"future", "stream", "error-context", "map"})

_Item = TypeVar("_Item")


def parse_type(text: str) -> WitType:
    """Read a type expression.

    Raises:
        TypeSyntaxError: If the text is no type; the message tells the column and what would be accepted.
    """
    return TypeParser(text).parse()


def identifier(name: str) -> str:
    """Return a name as it must stand in WIT text, escaped if it is a keyword."""
    return f"%{name}" if name in KEYWORDS else name


@lru_cache(maxsize=4096)
def format_type(wit_type: WitType) -> str:
    """Return the text of a type, which ``parse_type`` reads back to an equal type."""
    match wit_type:
        case PrimitiveType(kind=kind):
            return kind.value
        case ListType(element=element):
            return f"list<{format_type(element)}>"
        case OptionType(some=some):
            return f"option<{format_type(some)}>"
        case ResultType(ok=ok, err=err):
            return _format_result(ok, err)
        case TupleType(items=items):
            return f"tuple<{', '.join(format_type(item) for item in items)}>"
        case RecordType(fields=fields):
            return f"record {{ {', '.join(map(_format_field, fields))} }}"
        case VariantType(cases=cases):
            return f"variant {{ {', '.join(_format_case(case) for case in cases)} }}"
        case EnumType(names=names):
            return f"enum {{ {', '.join(map(identifier, names))} }}"
        case FlagsType(names=names):
            return f"flags {{ {', '.join(map(identifier, names))} }}"
        case OwnType(resource=resource):
            return f"own<{identifier(resource)}>"
        case BorrowType(resource=resource):
            return f"borrow<{identifier(resource)}>"
        case _:
            assert_never(wit_type)


def _format_result(ok: WitType | None, err: WitType | None) -> str:
    if err is not None:
        return f"result<{'_' if ok is None else format_type(ok)}, {format_type(err)}>"
    return "result" if ok is None else f"result<{format_type(ok)}>"


def _format_field(field: Field) -> str:
    return f"{identifier(field.name)}{'?' if field.may_be_missing else ''}: {format_type(field.type)}"


def _format_case(case: Case) -> str:
    return identifier(case.name) if case.type is None else f"{identifier(case.name)}({format_type(case.type)})"


class TypeParser:
    """Recursive descent over one text; ``word`` is the current token, empty at the end.

    Args:
        text: The text.
        at: Where in it to begin.
        depth: How deep what is read will be nested already.
    """

    def __init__(self, text: str, *, at: int = 0, depth: int = 0) -> None:
        self.text = text
        self.word, self.is_name, self.start, self.end = "", False, at, at
        self.depth = depth
        self.advance()

    def parse(self) -> WitType:
        """Read a type and the end of the text."""
        parsed = self.type()
        if self.word:
            raise self.refusal("expected the end of the type")
        return parsed

    def advance(self) -> str:
        """Move to the next token and return the one left behind."""
        left = self.word
        token = _TOKEN.match(self.text, self.end)
        if token is None:
            self.word, self.is_name, self.start = "", False, len(self.text.rstrip())
            return left
        self.is_name = token["name"] is not None
        self.word = token["name"] or token["other"]
        self.start = token.end() - len(self.word)
        self.end = token.end()
        return left

    def refusal(self, problem: str, *, found: bool = True) -> TypeSyntaxError:
        """Return the error that something is wrong at the current token."""
        before = self.text[: self.start]
        place = self.place(line=before.count("\n") + 1, column=self.start - before.rfind("\n"))
        shown = f"`{self.word[:60]}`" if self.word else "the end of the text"
        return TypeSyntaxError(f"{place}: {problem}{f', found {shown}' if found else ''}")

    def place(self, *, line: int, column: int) -> str:
        """Return what messages call a place in the text."""
        return f"column {column}" if "\n" not in self.text.strip() else f"line {line}, column {column}"

    def expect(self, mark: str, *, context: str) -> None:
        """Move over a mark that has to be there."""
        if self.word != mark:
            raise self.refusal(f"expected `{mark}` {context}")
        self.advance()

    def type(self) -> WitType:
        """Read a type."""
        self.depth += 1
        if self.depth > MAX_TYPE_DEPTH:
            raise self.refusal(f"types nest deeper than {MAX_TYPE_DEPTH} levels", found=False)
        parsed = self.type_here()
        self.depth -= 1
        return parsed

    def type_here(self) -> WitType:
        """Read a type whose depth is counted already."""
        word = self.word
        if primitive := _PRIMITIVES.get(word):
            self.advance()
            return primitive
        match word:
            case "list":
                return ListType(self.argument())
            case "option":
                return OptionType(self.argument())
            case "result":
                return self.result()
            case "tuple":
                self.advance()
                return TupleType(self.sequence("<", ">", self.type, what="a type", context="after `tuple`"))
            case "record" | "variant" | "enum" | "flags":
                return self.members_of(self.advance())
            case "own":
                return OwnType(self.resource())
            case "borrow":
                return BorrowType(self.resource())
            case _:
                return self.named_type()

    def argument(self) -> WitType:
        """Read the one type between angle brackets."""
        outer = self.advance()
        self.expect("<", context=f"after `{outer}`, as in {outer}<string>")
        parsed = self.type()
        if self.word == "," and outer == "list":
            raise self.refusal("lists of fixed length are not supported; write list<T>", found=False)
        self.expect(">", context=f"to close `{outer}<`")
        return parsed

    def result(self) -> ResultType:
        """Read a result."""
        self.advance()
        if self.word != "<":
            return ResultType()
        self.advance()
        if self.word == "_":
            self.advance()
            self.expect(",", context="after `_`, as in result<_, string>; a result without payloads is just `result`")
            err = self.type()
            self.expect(">", context="to close `result<`")
            return ResultType(None, err)
        ok = self.type()
        if self.word == ",":
            self.advance()
            err = self.type()
            self.expect(">", context="to close `result<`")
            return ResultType(ok, err)
        self.expect(">", context="or `,` in `result<`")
        return ResultType(ok)

    def members_of(self, kind: str) -> RecordType | VariantType | EnumType | FlagsType:
        """Read what stands in the braces of a record, variant, enum or flags."""
        match kind:
            case "record":
                return RecordType(self.members(kind, self.field, name=lambda field: field.name))
            case "variant":
                return VariantType(self.members(kind, self.case, name=lambda case: case.name))
            case "enum":
                return EnumType(self.members(kind, self.name, name=str))
            case _:
                parsed = FlagsType(self.members(kind, self.name, name=str))
                if len(parsed.names) > MAX_FLAGS:
                    raise self.refusal(f"at most {MAX_FLAGS} flags are allowed, not {len(parsed.names)}", found=False)
                return parsed

    def resource(self) -> str:
        """Read the resource that a handle is of."""
        outer = self.advance()
        self.expect("<", context=f"after `{outer}`")
        name = self.name()
        self.expect(">", context=f"to close `{outer}<`")
        return name

    def field(self) -> Field:
        """Read a name and its type."""
        name = self.name()
        may_be_missing = self.word == "?"
        if may_be_missing:
            self.advance()
        self.expect(":", context=f"and a type after the field name `{name}`")
        return Field(name, self.type(), may_be_missing)

    def case(self) -> Case:
        """Read a name, and its payload if it has one."""
        name = self.name()
        if self.word != "(":
            return Case(name)
        self.advance()
        payload = self.type()
        self.expect(")", context=f"after the payload of case `{name}`")
        return Case(name, payload)

    def name(self) -> str:
        """Read a name in kebab-case."""
        name = self.word.removeprefix("%")
        if not self.is_name:
            raise self.refusal("expected a name")
        if not is_kebab_name(name):
            remedy = kebab_name(name)
            hint = f"; write `{remedy}`" if is_kebab_name(remedy) else ""
            raise self.refusal(f"the name `{name[:60]}` is not kebab-case{hint}", found=False)
        self.advance()
        return name

    def members(self, outer: str, member: Callable[[], _Item], *, name: Callable[[_Item], str]) -> tuple[_Item, ...]:
        """Read ``{ member, ... }`` whose members' names differ, in more than upper and lower case."""
        seen: set[str] = set()

        def distinct_member() -> _Item:
            at = self.start
            parsed = member()
            folded = name(parsed).lower()
            if folded in seen:
                self.start = at
                raise self.refusal(f"the name `{name(parsed)}` occurs twice in this {outer}", found=False)
            seen.add(folded)
            return parsed

        return self.sequence("{", "}", distinct_member, what="a name", context=f"after `{outer}`")

    def sequence(
        self, opening: str, closing: str, item: Callable[[], _Item], *, what: str, context: str
    ) -> tuple[_Item, ...]:
        """Read items between two marks, with commas between them; there is at least one."""
        self.expect(opening, context=context)
        if self.word == closing:
            raise self.refusal(f"expected at least {what}: WIT has no empty {context.removeprefix('after ')}")
        items = [item()]
        while self.word == ",":
            self.advance()
            if self.word == closing:
                break
            items.append(item())
        self.expect(closing, context="or `,`")
        return tuple(items)

    def named_type(self) -> WitType:
        """Read a type by its name; an expression that stands alone has none."""
        raise self.unknown_type()

    def unknown_type(self) -> TypeSyntaxError:
        """Return the error that there is no type of the current name."""
        word = self.word
        if word in _UNSUPPORTED:
            return self.refusal(f"the type `{word}` is not supported", found=False)
        if not self.is_name:
            return self.refusal("expected a type")
        remedy = _REMEDIES.get(word.lower())
        accepted = f"write {remedy}" if remedy else f"expected one of {', '.join((*_PRIMITIVES, *_CONSTRUCTORS))}"
        return self.refusal(f"unknown type `{word[:60]}`; {accepted}", found=False)
