from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given

from engine.wit.types import (
    BOOL,
    F32,
    STRING,
    U8,
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
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
    child_types,
    same_shape,
)
from tests.strategies import wit_types


@given(wit_types(resources=True))
def test_equal_types_built_apart_have_the_same_hash(wit_type: WitType) -> None:
    rebuilt = copy.deepcopy(wit_type)

    assert rebuilt == wit_type
    assert hash(rebuilt) == hash(wit_type)
    assert {wit_type: "found"}[rebuilt] == "found"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (EnumType(("a", "b")), FlagsType(("a", "b"))),
        (EnumType(("a", "b")), EnumType(("b", "a"))),
        (ListType(U8), OptionType(U8)),
        (OwnType("r"), BorrowType("r")),
        (ResultType(U8), ResultType(None, U8)),
        (TupleType((U8, BOOL)), TupleType((BOOL, U8))),
        (RecordType((Field("a", U8), Field("b", U8))), RecordType((Field("b", U8), Field("a", U8)))),
        (VariantType((Case("a"),)), EnumType(("a",))),
        (VariantType((Case("a"),)), VariantType((Case("a", U8),))),
    ],
)
def test_types_of_different_structure_differ(left: WitType, right: WitType) -> None:
    assert left != right
    assert len({left, right}) == 2


def test_types_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        ListType(U8).element = BOOL  # type: ignore[misc]  # that is the point


def test_a_hashed_type_can_be_pickled_and_hashes_the_same_afterwards() -> None:
    wit_type = RecordType((Field("a", ListType(F32)),))
    before = hash(wit_type)

    restored = pickle.loads(pickle.dumps(wit_type))

    assert restored == wit_type
    assert hash(restored) == before


def test_functions_have_the_same_shape_whatever_their_parameters_are_called() -> None:
    add = FunctionType((Param("a", U8), Param("b", STRING)), ResultType(U8))
    renamed = FunctionType((Param("x", U8), Param("y", STRING)), ResultType(U8))

    assert add != renamed
    assert same_shape(add, renamed)


@pytest.mark.parametrize(
    "other",
    [
        FunctionType((Param("a", U8),), ResultType(U8)),
        FunctionType((Param("b", STRING), Param("a", U8)), ResultType(U8)),
        FunctionType((Param("a", U8), Param("b", STRING)), ResultType(None, U8)),
        FunctionType((Param("a", U8), Param("b", STRING))),
    ],
)
def test_functions_of_other_types_have_another_shape(other: FunctionType) -> None:
    assert not same_shape(FunctionType((Param("a", U8), Param("b", STRING)), ResultType(U8)), other)


def test_child_types_are_those_a_type_is_directly_made_of() -> None:
    assert child_types(RecordType((Field("a", U8), Field("b", ListType(BOOL))))) == (U8, ListType(BOOL))
    assert child_types(VariantType((Case("a"), Case("b", STRING)))) == (STRING,)
    assert child_types(ResultType(None, STRING)) == (STRING,)
    assert child_types(EnumType(("a",))) == ()
