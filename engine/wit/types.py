"""The one description of a WIT type, whichever source it was read from.

Names stand in kebab-case, as in WIT. Equality and hash are structural, so a type serves as a key of caches.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias, assert_never

from engine.wit.structural import Structural

MAX_TYPE_DEPTH = 100
"""How deep types may nest: what wasmtime allows in a component, so that plain recursion over a type is safe."""


class Primitive(StrEnum):
    """The types without parts."""

    BOOL = "bool"
    S8 = "s8"
    U8 = "u8"
    S16 = "s16"
    U16 = "u16"
    S32 = "s32"
    U32 = "u32"
    S64 = "s64"
    U64 = "u64"
    F32 = "f32"
    F64 = "f64"
    CHAR = "char"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class PrimitiveType(Structural):
    """A boolean, number, character or string."""

    kind: Primitive

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class ListType(Structural):
    """``list<element>``."""

    element: WitType

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class OptionType(Structural):
    """``option<some>``."""

    some: WitType

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class ResultType(Structural):
    """``result<ok, err>``; ``None`` is a case without payload."""

    ok: WitType | None = None
    err: WitType | None = None

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class TupleType(Structural):
    """``tuple<items...>``."""

    items: tuple[WitType, ...]

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class Field(Structural):
    """One field of a record.

    Args:
        may_be_missing: Whether JSON data may lack it, as whoever takes the value has a default for it. WIT does not
            know of that: to compiled code the field is always there.
    """

    name: str
    type: WitType
    may_be_missing: bool = False

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class RecordType(Structural):
    """Named fields; their order is part of the type."""

    fields: tuple[Field, ...]

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class Case(Structural):
    """One case of a variant; ``type`` is its payload."""

    name: str
    type: WitType | None = None

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class VariantType(Structural):
    """Named cases; their order is part of the type."""

    cases: tuple[Case, ...]

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class EnumType(Structural):
    """Names of which exactly one holds."""

    names: tuple[str, ...]

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class FlagsType(Structural):
    """Names of which any number hold."""

    names: tuple[str, ...]

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class OwnType(Structural):
    """An owned handle of a resource."""

    resource: str

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class BorrowType(Structural):
    """A handle of a resource, lent for one call."""

    resource: str

    __hash__ = Structural.__hash__


WitType: TypeAlias = (
    PrimitiveType
    | ListType
    | OptionType
    | ResultType
    | TupleType
    | RecordType
    | VariantType
    | EnumType
    | FlagsType
    | OwnType
    | BorrowType
)

BOOL = PrimitiveType(Primitive.BOOL)
S8 = PrimitiveType(Primitive.S8)
U8 = PrimitiveType(Primitive.U8)
S16 = PrimitiveType(Primitive.S16)
U16 = PrimitiveType(Primitive.U16)
S32 = PrimitiveType(Primitive.S32)
U32 = PrimitiveType(Primitive.U32)
S64 = PrimitiveType(Primitive.S64)
U64 = PrimitiveType(Primitive.U64)
F32 = PrimitiveType(Primitive.F32)
F64 = PrimitiveType(Primitive.F64)
CHAR = PrimitiveType(Primitive.CHAR)
STRING = PrimitiveType(Primitive.STRING)


@dataclass(frozen=True, slots=True)
class Param(Structural):
    """One parameter of a function."""

    name: str
    type: WitType

    __hash__ = Structural.__hash__


@dataclass(frozen=True, slots=True)
class FunctionType(Structural):
    """Parameters and result of a function; ``None`` is a function that returns nothing."""

    params: tuple[Param, ...]
    result: WitType | None = None

    __hash__ = Structural.__hash__


def same_shape(a: FunctionType, b: FunctionType) -> bool:
    """Tell whether a caller compiled against ``a`` can be linked with ``b``.

    Neither the names of parameters matter, nor which fields have defaults.
    """
    return _bare(a.result) == _bare(b.result) and [_bare(p.type) for p in a.params] == [_bare(p.type) for p in b.params]


def _bare(payload: WitType | None) -> WitType | None:
    return None if payload is None else without_defaults(payload)


@lru_cache(maxsize=4096)
def without_defaults(wit_type: WitType) -> WitType:
    """Return a type as compiled code knows it: every field of every record is there."""
    match wit_type:
        case ListType(element=element):
            return ListType(without_defaults(element))
        case OptionType(some=some):
            return OptionType(without_defaults(some))
        case ResultType(ok=ok, err=err):
            return ResultType(_bare(ok), _bare(err))
        case TupleType(items=items):
            return TupleType(tuple(map(without_defaults, items)))
        case RecordType(fields=parts):
            return RecordType(tuple(Field(part.name, without_defaults(part.type)) for part in parts))
        case VariantType(cases=cases):
            return VariantType(tuple(Case(case.name, _bare(case.type)) for case in cases))
        case PrimitiveType() | EnumType() | FlagsType() | OwnType() | BorrowType():
            return wit_type
        case _:
            assert_never(wit_type)


def child_types(parent: WitType) -> tuple[WitType, ...]:
    """Return the types that a type is directly made of, in the order of declaration."""
    match parent:
        case ListType(element=child) | OptionType(some=child):
            return (child,)
        case ResultType(ok=ok, err=err):
            return tuple(payload for payload in (ok, err) if payload is not None)
        case TupleType(items=items):
            return items
        case RecordType(fields=parts):
            return tuple(part.type for part in parts)
        case VariantType(cases=cases):
            return tuple(case.type for case in cases if case.type is not None)
        case PrimitiveType() | EnumType() | FlagsType() | OwnType() | BorrowType():
            return ()
