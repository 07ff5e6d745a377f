from __future__ import annotations

import ctypes
import json
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ValueMismatch, WasmError
from engine.wasm import native
from engine.wasm.value_lifting import make_lifter, make_sequence_lifter
from engine.wasm.value_lowering import make_lowerer
from engine.wasm.value_memory import VALUE_SIZE
from engine.wit.grammar import parse_type
from engine.wit.options import JsonValue
from engine.wit.types import F32, F64, STRING, U8, U16, U64, ListType, OwnType, WitType
from tests.engine.wasm.guests import resident_bytes
from tests.strategies import values_of, wit_types


@contextmanager
def lowered(wit_type: WitType, value: Any) -> Iterator[int]:
    memory = ctypes.create_string_buffer(VALUE_SIZE)
    address = ctypes.addressof(memory)
    try:
        make_lowerer(wit_type)(0, value, address)
        yield address
    finally:
        native.value_delete(address)


def round_trip(wit_type: WitType, value: Any, *, octets: bool = False) -> Any:
    with lowered(wit_type, value) as address:
        return make_lifter(wit_type, octets=octets)(0, address)


def text(value: JsonValue) -> str:
    """Tell values apart as JSON does, and -0 from 0, but not by the order of a record's fields."""
    return json.dumps(value, sort_keys=True)


TYPES = wit_types()
TYPED_VALUES = TYPES.flatmap(lambda wit_type: st.tuples(st.just(wit_type), values_of(wit_type)))


@given(TYPED_VALUES)
def test_every_canonical_value_comes_back_as_it_was(typed: tuple[WitType, JsonValue]) -> None:
    wit_type, value = typed

    assert text(round_trip(wit_type, value)) == text(value)


@given(TYPES, TYPED_VALUES)
def test_a_value_of_another_type_is_refused_or_comes_back_as_it_was(
    wit_type: WitType, other: tuple[WitType, JsonValue]
) -> None:
    _, value = other

    try:
        found = round_trip(wit_type, value)
    except ValueMismatch:
        return
    assert text(found) == text(value)


@pytest.mark.parametrize(
    ("expression", "value", "path"),
    [
        ("u8", 256, ""),
        ("u8", -1, ""),
        ("u8", True, ""),
        ("u8", 1.0, ""),
        ("s64", 1 << 63, ""),
        ("bool", 1, ""),
        ("f64", 1, ""),
        ("f32", 1e300, ""),
        ("f32", 0.1, ""),
        ("list<f32>", [0.5, 0.1], "[1]"),
        ("char", "ab", ""),
        ("char", "\ud800", ""),
        ("string", b"a", ""),
        ("string", "\udfff", ""),
        ("list<u16>", [1, 2, 65536], "[2]"),
        ("list<u16>", b"12", ""),
        ("list<bool>", [True, 0], "[1]"),
        ("list<f64>", [0.5, 1], "[1]"),
        ("list<char>", ["a", ""], "[1]"),
        ("list<string>", ["a", 1], "[1]"),
        ("tuple<u8, list<string>>", [1, ["a", None]], "[1][1]"),
        ("tuple<u8, u8>", [1], ""),
        ("record { a-b: u8, c: u8 }", {"a_b": 1, "c": 300}, ".c"),
        ("record { a-b: u8, c: u8 }", {"a_b": 1, "d": 1}, ""),
        ("record { a-b: u8 }", {"a_b": 1, "c": 1}, ""),
        ("variant { a, b(u8) }", "b", ""),
        ("variant { a, b(u8) }", {"a": 1}, ""),
        ("variant { a, b(u8) }", {"b": "1"}, ".b"),
        ("variant { a, b(u8) }", {"c": 1}, ""),
        ("variant { a, b(u8) }", {"b": 1, "a": 1}, ""),
        ("enum { a-b }", "a-b", ""),
        ("enum { a-b }", ["a_b"], ""),
        ("flags { a, b }", ["a", "a"], ""),
        ("flags { a, b }", ["c"], ""),
        ("option<u8>", {"some": 1}, ""),
        ("option<option<u8>>", {"some": "x"}, ""),
        ("result<u8>", {"ok": -1}, ".ok"),
        ("result<u8>", {"err": 1}, ""),
        ("result<u8>", {"okay": 1}, ""),
        ("result<u8>", 1, ""),
    ],
)
def test_a_mismatch_says_where_it_is(expression: str, value: Any, path: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        round_trip(parse_type(expression), value)

    assert caught.value.path == path


@pytest.mark.parametrize("octets", [b"", b"\x00\xff", bytes(range(256)) * 10])
def test_octets_go_in_and_come_out_as_bytes(octets: bytes) -> None:
    assert round_trip(ListType(U8), octets, octets=True) == octets
    assert round_trip(ListType(U8), bytearray(octets)) == list(octets)


def test_octets_are_bytes_at_any_depth() -> None:
    wit_type = parse_type("list<tuple<option<list<u8>>, u8>>")

    assert round_trip(wit_type, [[b"ab", 1], [None, 2]], octets=True) == [[b"ab", 1], [None, 2]]


@pytest.mark.parametrize("wit_type", [F32, F64, ListType(F32), ListType(F64)])
def test_a_nan_loses_its_payload(wit_type: WitType) -> None:
    (odd_nan,) = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0001))
    is_list = isinstance(wit_type, ListType)

    found = round_trip(wit_type, [odd_nan] if is_list else odd_nan)

    assert struct.pack("<d", found[0] if is_list else found) == struct.pack("<d", math.nan)


def test_neighbouring_numbers_are_read_at_once() -> None:
    memory = (ctypes.c_char * (3 * VALUE_SIZE))()
    address = ctypes.addressof(memory)
    for index, (wit_type, value) in enumerate([(U8, 200), (U64, 1 << 63), (U16, 65535)]):
        make_lowerer(wit_type)(0, value, address + VALUE_SIZE * index)

    assert tuple(make_sequence_lifter([U8, U64, U16])(0, address)) == (200, 1 << 63, 65535)


def test_a_resource_that_the_host_does_not_define_cannot_be_handed_over() -> None:
    with pytest.raises(WasmError, match="resource thing is not defined by the host"):
        make_lowerer(OwnType("thing"))(0, 1, 0)


BIG = parse_type(
    "list<record { name: string, tags: list<string>, kind: variant { none, some(string) }, mood: enum { good, bad }, "
    "flags: flags { x, y }, numbers: list<u64>, maybe: option<result<string, tuple<u8, char>>> }>"
)


def big_value() -> list[dict[str, Any]]:
    person: dict[str, Any] = {
        "name": "n" * 1000,
        "tags": ["t" * 500] * 5,
        "kind": {"some": "k" * 1000},
        "mood": "bad",
        "flags": ["x", "y"],
        "numbers": list(range(200)),
        "maybe": {"ok": "o" * 1000},
    }
    return [person, {**person, "maybe": {"err": [1, "c"]}}, {**person, "kind": "none", "maybe": None}]


@pytest.mark.parametrize("is_wrong", [False, True], ids=["well-typed", "ill-typed"])
def test_memory_is_freed(is_wrong: bool) -> None:
    value = big_value()
    if is_wrong:
        value[2]["maybe"] = {"err": [1, "two"]}
    lower, lift = make_lowerer(BIG), make_lifter(BIG)
    memory = ctypes.create_string_buffer(VALUE_SIZE)
    address = ctypes.addressof(memory)

    def once() -> None:
        ctypes.memset(address, 0, VALUE_SIZE)
        try:
            lower(0, value, address)
            lift(0, address)
        except ValueMismatch:
            assert is_wrong
        native.value_delete(address)

    for _ in range(200):
        once()
    before = resident_bytes()
    for _ in range(1000):
        once()

    # A round takes some 35 kB, so keeping any part of it would show.
    assert resident_bytes() - before < 4_000_000


def test_building_a_codec_keeps_no_memory() -> None:
    def build() -> None:
        make_lowerer(BIG)
        make_lifter(BIG)

    for _ in range(200):
        build()
    before = resident_bytes()
    for _ in range(3000):
        build()

    assert resident_bytes() - before < 4_000_000


def test_a_string_may_contain_nul_and_any_plane() -> None:
    assert round_trip(STRING, "a\0b\U0001f600é") == "a\0b\U0001f600é"
