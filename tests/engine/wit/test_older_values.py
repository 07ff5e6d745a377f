from __future__ import annotations

from engine.wit.grammar import format_type, parse_type
from engine.wit.json_values import read_value
from engine.wit.older_values import older_values
from engine.wit.types import FunctionType, Param, same_shape, without_defaults

TRIP = parse_type("record { city: string, nights?: s64, pets?: option<list<string>> }")


def test_a_default_is_part_of_the_text_of_a_type() -> None:
    assert format_type(TRIP) == "record { city: string, nights?: s64, pets?: option<list<string>> }"
    assert parse_type(format_type(TRIP)) == TRIP


def test_a_field_with_a_default_may_be_missing_and_stays_so() -> None:
    assert read_value(TRIP, {"city": "Rome"}) == {"city": "Rome"}
    assert read_value(TRIP, {"pets": None, "city": "Rome"}) == {"city": "Rome", "pets": None}


def test_compiled_code_knows_nothing_of_defaults() -> None:
    bare = parse_type("record { city: string, nights: s64, pets: option<list<string>> }")

    assert without_defaults(TRIP) == bare
    functions = [FunctionType((Param("trip", each),), each) for each in (TRIP, bare)]
    assert same_shape(*functions)


def test_older_values_lack_the_last_fields() -> None:
    value = read_value(TRIP, {"city": "Rome", "nights": 1, "pets": ["cat"]})

    assert list(older_values([TRIP], [value])) == [
        [{"city": "Rome", "nights": 1, "pets": ["cat"]}],
        [{"city": "Rome", "nights": 1}],
        [{"city": "Rome"}],
    ]


def test_older_values_are_found_wherever_a_record_is() -> None:
    wit_type = parse_type(
        "tuple<list<record { a?: bool }>, option<variant { x(record { b?: bool }), y }>, result<record { a?: bool }>>"
    )
    value = read_value(wit_type, [[{"a": True}], {"x": {"b": True}}, {"ok": {"a": False}}])

    assert list(older_values([wit_type], [value])) == [
        [[[{"a": True}], {"x": {"b": True}}, {"ok": {"a": False}}]],
        [[[{"a": True}], {"x": {}}, {"ok": {"a": False}}]],
        [[[{}], {"x": {"b": True}}, {"ok": {}}]],
        [[[{}], {"x": {}}, {"ok": {}}]],
    ]
