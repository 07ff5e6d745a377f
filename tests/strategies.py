"""Hypothesis strategies for the engine's vocabulary."""

from __future__ import annotations

from typing import assert_never

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from engine.wit.json_scalars import INTEGER_RANGES, NAN
from engine.wit.options import JsonValue
from engine.wit.types import (
    BorrowType,
    Case,
    EnumType,
    Field,
    FlagsType,
    FunctionType,
    ListType,
    OptionType,
    OwnType,
    Param,
    Primitive,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)

NAMES = (
    *("a", "b", "c1", "my-field", "my-other-field", "x1-y2-z3", "v-2", "HTTP", "get-HTTP-2"),
    *("some", "none", "ok", "err", "execution-failed", "permanent", "type", "value"),  # mean something in JSON
    *("list", "result", "record", "use", "from", "join-set"),  # mean something in WIT
)


def names() -> SearchStrategy[str]:
    """Kebab-case names, among them those that mean something elsewhere."""
    return st.sampled_from(NAMES)


def distinct_names(*, max_size: int) -> SearchStrategy[list[str]]:
    """Names as the members of one record, variant, enum or flags."""
    return st.lists(names(), min_size=1, max_size=max_size, unique_by=str.lower)


def wit_types(*, resources: bool = False) -> SearchStrategy[WitType]:
    """Types of all kinds, nested; ``resources`` adds handles, which have no values."""
    leaves: SearchStrategy[WitType] = st.sampled_from(list(Primitive)).map(PrimitiveType)
    leaves |= distinct_names(max_size=5).map(lambda chosen: EnumType(tuple(chosen)))
    leaves |= distinct_names(max_size=5).map(lambda chosen: FlagsType(tuple(chosen)))
    if resources:
        leaves |= names().map(OwnType) | names().map(BorrowType)
    return st.recursive(leaves, _composites, max_leaves=8)


def function_types() -> SearchStrategy[FunctionType]:
    """Functions without handles, of up to four parameters."""
    no_names: list[str] = []
    params = distinct_names(max_size=4) | st.just(no_names)
    return st.builds(
        FunctionType,
        params.flatmap(lambda chosen: st.tuples(*(st.builds(Param, st.just(name), wit_types()) for name in chosen))),
        st.none() | wit_types(),
    )


def values_of(wit_type: WitType) -> SearchStrategy[JsonValue]:
    """Canonical values of a type, in the form that every codec must produce."""
    match wit_type:
        case PrimitiveType(kind=kind):
            return _primitives(kind)
        case ListType(element=element):
            return st.lists(values_of(element), max_size=4)
        case OptionType(some=some):
            return st.none() | values_of(some).map(_some)
        case ResultType(ok=ok, err=err):
            return _payload("ok", ok) | _payload("err", err)
        case TupleType(items=items):
            return st.tuples(*map(values_of, items)).map(list)
        case RecordType(fields=fields):
            # No fixed_dictionaries: it shuffles the keys, whose order is part of a canonical value.
            keys = [_snake(field.name) for field in fields]
            members = st.tuples(*(values_of(field.type) for field in fields))
            return members.map(lambda drawn: dict(zip(keys, drawn, strict=True)))
        case VariantType(cases=cases):
            return st.one_of([_case(case) for case in cases])
        case EnumType(names=chosen):
            return st.sampled_from(list(map(_snake, chosen)))
        case FlagsType(names=chosen):
            order = list(map(_snake, chosen))
            return st.sets(st.sampled_from(order)).map(lambda found: [name for name in order if name in found])
        case OwnType() | BorrowType():
            return st.nothing()
        case _:
            assert_never(wit_type)


def json_data() -> SearchStrategy[object]:
    """What a JSON parser may return, made of pieces that types find familiar."""
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(min_value=-(2**64), max_value=2**65)
        | st.floats()
        | st.sampled_from(["", "a", "some", "my-field", "my_field", "NaN", "execution_failed", "\ud800", "é"])
    )
    keys = st.sampled_from(["a", "b", "some", "ok", "err", "my-field", "my_field"])
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
    )


def _composites(inner: SearchStrategy[WitType]) -> SearchStrategy[WitType]:
    payload = st.none() | inner
    records = distinct_names(max_size=4).flatmap(
        lambda chosen: st.tuples(*(st.builds(Field, st.just(name), inner) for name in chosen)).map(RecordType)
    )
    variants = distinct_names(max_size=4).flatmap(
        lambda chosen: st.tuples(*(st.builds(Case, st.just(name), payload) for name in chosen)).map(VariantType)
    )
    return (
        inner.map(ListType)
        | inner.map(OptionType)
        | st.builds(ResultType, payload, payload)
        | st.lists(inner, min_size=1, max_size=4).map(lambda items: TupleType(tuple(items)))
        | records
        | variants
    )


def _primitives(kind: Primitive) -> SearchStrategy[JsonValue]:
    match kind:
        case Primitive.BOOL:
            return st.booleans()
        case Primitive.CHAR:
            return st.characters(codec="utf-8")
        case Primitive.STRING:
            return st.text(max_size=8)
        case Primitive.F32:
            return st.floats(width=32).map(_canonical_float)
        case Primitive.F64:
            return st.floats().map(_canonical_float)
        case _:
            low, high = INTEGER_RANGES[kind]
            return st.integers(low, high)


def _canonical_float(number: float) -> float:
    return NAN if number != number else number


def _case(case: Case) -> SearchStrategy[JsonValue]:
    return st.just(_snake(case.name)) if case.type is None else _payload(_snake(case.name), case.type)


def _payload(key: str, payload: WitType | None) -> SearchStrategy[JsonValue]:
    values = st.none() if payload is None else values_of(payload)
    return values.map(lambda value: {key: value})


def _some(payload: JsonValue) -> JsonValue:
    # Written out once more, so that the laws do not check the rule against itself.
    is_ambiguous = payload is None or (isinstance(payload, dict) and list(payload) == ["some"])
    return {"some": payload} if is_ambiguous else payload


def _snake(name: str) -> str:
    return name.replace("-", "_")
