"""From JSON to a form and back: the same value, to the last bit, for values of every type."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hypothesis import assume, given
from hypothesis import strategies as st

from console.forms.names import given_name
from console.forms.reading import FormReader
from console.forms.slots import param_slots
from console.forms.writing import FormTooLargeError, write_form, write_slots
from engine.wit.json_values import dump_value, same_value
from engine.wit.obelisk_types import DATETIME
from engine.wit.options import JsonValue
from engine.wit.types import (
    CHAR,
    STRING,
    U64,
    Field,
    FunctionType,
    ListType,
    OptionType,
    Param,
    RecordType,
    TupleType,
    WitType,
)
from tests.strategies import values_of, wit_types

_LINE_BREAK = re.compile("\r\n|\r|\n")


def as_sent(fields: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What a browser sends of the inputs: NUL characters are lost in HTML, and every line break is CR LF."""
    return {
        name: [
            value.replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
            for value in values
        ]
        for name, values in fields.items()
    }


def through_a_form(wit_type: WitType, value: JsonValue) -> JsonValue:
    try:
        fields = as_sent(write_form(wit_type, value, "params[0]"))
    except FormTooLargeError:
        assume(condition=False)
    reader = FormReader(fields)
    back = reader.read(wit_type, "params[0]")
    assert reader.problems == []
    return back


@given(st.data())
def test_a_value_of_any_type_comes_back_from_a_form_as_it_was(data: st.DataObject) -> None:
    wit_type = data.draw(wit_types())
    value = data.draw(values_of(wit_type))

    back = through_a_form(wit_type, value)

    assert same_value(back, value), (value, back)
    assert dump_value(wit_type, back) == dump_value(wit_type, value)


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert through_a_form(STRING, text) == text


@given(st.characters(codec="utf-8"))
def test_any_character_comes_back(character: str) -> None:
    assert through_a_form(CHAR, character) == character


@given(values_of(DATETIME))
def test_any_instant_comes_back(value: JsonValue) -> None:
    assert through_a_form(DATETIME, value) == value


@given(st.integers(0, 253_402_300_799), st.integers(0, 10**9 - 1))
def test_an_instant_that_can_be_told_comes_back(seconds: int, nanoseconds: int) -> None:
    value: JsonValue = {"seconds": seconds, "nanoseconds": nanoseconds}

    assert list(write_form(DATETIME, value, "at")) == ["at"]
    assert through_a_form(DATETIME, value) == value


def test_the_largest_number_comes_back_to_the_digit() -> None:
    assert through_a_form(U64, 18446744073709551615) == 18446744073709551615


def test_a_long_list_comes_back() -> None:
    value: JsonValue = [[str(number), number] for number in range(1000)]

    assert through_a_form(ListType(TupleType((STRING, U64))), value) == value


def test_fields_with_defaults_come_back_missing_where_they_were() -> None:
    record = RecordType((Field("a", U64), Field("b", OptionType(U64), may_be_missing=True)))
    values: list[dict[str, JsonValue]] = [{"a": 1}, {"a": 1, "b": None}, {"a": 1, "b": 2}]

    assert [through_a_form(record, value) for value in values] == values


def test_parameters_that_are_left_out_stay_so() -> None:
    slots = param_slots(FunctionType((Param("a", U64), Param("b", U64), Param("c", STRING))), optional=2)
    calls: list[list[JsonValue]] = [[1], [1, 2], [1, 2, "x"]]

    for values in calls:
        fields = write_slots(slots, values)
        assert FormReader(as_sent(fields)).read_slots(slots) == values


def test_a_parameter_cannot_be_left_out_before_one_that_is_given() -> None:
    slots = param_slots(FunctionType((Param("a", U64), Param("b", U64))), optional=2)
    reader = FormReader({given_name("params[1]"): ["given"], "params[1]": ["5"]})

    reader.read_slots(slots)

    assert [problem.name for problem in reader.problems] == [given_name("params[0]")]
