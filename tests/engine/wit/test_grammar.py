from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import TypeSyntaxError
from engine.wit.grammar import format_type, identifier, parse_type
from engine.wit.types import (
    BOOL,
    CHAR,
    F64,
    MAX_TYPE_DEPTH,
    STRING,
    U8,
    U32,
    U64,
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
from tests.strategies import wit_types


@given(wit_types(resources=True))
def test_a_printed_type_reads_back_equal(wit_type: WitType) -> None:
    assert parse_type(format_type(wit_type)) == wit_type


@pytest.mark.parametrize("kind", list(Primitive))
def test_every_primitive_has_its_name(kind: Primitive) -> None:
    assert parse_type(kind.value) == PrimitiveType(kind)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("list<u8>", ListType(U8)),
        ("option<list<char>>", OptionType(ListType(CHAR))),
        ("result", ResultType()),
        ("result<u64>", ResultType(U64)),
        ("result<_, string>", ResultType(None, STRING)),
        (
            "result<list<tuple<string,u32>>, string>",
            ResultType(ListType(TupleType((STRING, U32))), STRING),
        ),
        ("tuple<u8,>", TupleType((U8,))),
        ("record { a: u8, my-field: bool, }", RecordType((Field("a", U8), Field("my-field", BOOL)))),
        ("variant{a,b(f64),}", VariantType((Case("a"), Case("b", F64)))),
        ("enum { a, b }", EnumType(("a", "b"))),
        ("flags { read, write }", FlagsType(("read", "write"))),
        ("record { %record: u8, list: u8 }", RecordType((Field("record", U8), Field("list", U8)))),
        ("own<join-set>", OwnType("join-set")),
        ("borrow<join-set>", BorrowType("join-set")),
        ("\n  list<\n    u8\n  >\n", ListType(U8)),
    ],
)
def test_type_expressions_are_read(text: str, expected: WitType) -> None:
    assert parse_type(text) == expected


@pytest.mark.parametrize(
    ("wit_type", "text"),
    [
        (ResultType(), "result"),
        (ResultType(U64), "result<u64>"),
        (ResultType(None, STRING), "result<_, string>"),
        (RecordType((Field("use", U8), Field("b", U8))), "record { %use: u8, b: u8 }"),
        (VariantType((Case("a"), Case("b", U8))), "variant { a, b(u8) }"),
    ],
)
def test_types_are_printed_in_one_form(wit_type: WitType, text: str) -> None:
    assert format_type(wit_type) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: expected a type, found the end of the text"),
        ("int", "column 1: unknown type `int`; write s32 or s64"),
        ("list<str>", "column 6: unknown type `str`; write string"),
        ("float64", "column 1: unknown type `float64`; write f64"),
        ("my-type", "column 1: unknown type `my-type`; expected one of bool, "),
        ("list", "column 5: expected `<` after `list`, as in list<string>, found the end of the text"),
        ("list<u8", "column 8: expected `>` to close `list<`, found the end of the text"),
        ("list<u8, 4>", "column 8: lists of fixed length are not supported"),
        ("option<u8, u8>", "column 10: expected `>` to close `option<`, found `,`"),
        ("result<_>", "column 9: expected `,` after `_`"),
        ("result<u8, _>", "column 12: expected a type, found `_`"),
        ("result<u8, u8, u8>", "column 14: expected `>` to close `result<`, found `,`"),
        ("u8 u8", "column 4: expected the end of the type, found `u8`"),
        ("tuple<>", "column 7: expected at least a type"),
        ("record {}", "column 9: expected at least a name"),
        ("record { a u8 }", "column 12: expected `:` and a type after the field name `a`, found `u8`"),
        ("record { a: u8 b: u8 }", "column 16: expected `}` or `,`, found `b`"),
        ("record { my_field: u8 }", "column 10: the name `my_field` is not kebab-case; write `my-field`"),
        ("record { myField: u8 }", "column 10: the name `myField` is not kebab-case"),
        ("record { a: u8, A: u8 }", "column 17: the name `A` occurs twice in this record"),
        ("enum { a, b, a }", "column 14: the name `a` occurs twice in this enum"),
        ("variant { a(u8 }", "column 16: expected `)` after the payload of case `a`, found `}`"),
        ("variant { 1 }", "column 11: expected a name, found `1`"),
        ("stream<u8>", "column 1: the type `stream` is not supported"),
        ("list<\n  u9\n>", "line 2, column 3: unknown type `u9`"),
        ("list<u8>>", "column 9: expected the end of the type, found `>`"),
        ("flags { " + ", ".join(f"f{n}" for n in range(33)) + " }", "at most 32 flags are allowed, not 33"),
    ],
)
def test_a_bad_expression_is_refused_with_its_column_and_a_remedy(text: str, message: str) -> None:
    with pytest.raises(TypeSyntaxError) as caught:
        parse_type(text)

    assert message in str(caught.value)


@pytest.mark.parametrize("opening", ["list<", "tuple<u8, ", "record { a: ", "variant { a(", "result<_, "])
def test_nesting_without_end_is_refused_before_the_stack_is_exhausted(opening: str) -> None:
    with pytest.raises(TypeSyntaxError, match=f"nest deeper than {MAX_TYPE_DEPTH} levels"):
        parse_type(opening * 100_000)


def test_the_deepest_type_allowed_is_read_and_printed() -> None:
    depth = MAX_TYPE_DEPTH - 1
    text = "record { a: " * depth + "u8" + " }" * depth

    assert format_type(parse_type(text)) == text


@given(st.text(alphabet="aulist<>{}(),:_%- 8recod\n", max_size=40))
def test_any_text_is_a_type_or_refused(text: str) -> None:
    with contextlib.suppress(TypeSyntaxError):
        parsed = parse_type(text)

        assert parse_type(format_type(parsed)) == parsed


def test_only_keywords_are_escaped() -> None:
    assert identifier("record") == "%record"
    assert identifier("my-record") == "my-record"
