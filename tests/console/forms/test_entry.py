"""Entries through rendered pages: what is shown comes back, whatever the types and values."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from console.forms.editing import edit_form
from console.forms.entry import Entry, EntryForm
from console.forms.names import given_name
from console.forms.reading import AS_JSON, FormReader
from console.forms.slots import Slot, param_slots, result_slot
from console.forms.writing import FormTooLargeError, write_slots
from engine.wit.grammar import format_type, parse_type
from engine.wit.json_values import read_params, same_value
from engine.wit.obelisk_types import DATETIME
from engine.wit.options import JsonValue
from engine.wit.types import FunctionType, Param, ResultType, WitType
from tests.console.forms.browser import sent_by_browser
from tests.strategies import function_types, values_of, wit_types

INSTANT = format_type(DATETIME)
NUMBERS = {"value.seconds": "60", "value.nanoseconds": "0"}
NO_INSTANT = {"value~": "parts", "value.seconds": "x"}
AS_PARTS = {"value~": "parts", **NUMBERS}


def call_form(*types: str, optional: int = 0) -> EntryForm:
    function = FunctionType(tuple(Param(f"p{index}", parse_type(text)) for index, text in enumerate(types)))
    return form_of(function, optional=optional)


def form_of(function: FunctionType, *, optional: int = 0) -> EntryForm:
    slots = param_slots(function, optional=optional)
    return EntryForm(slots, lambda data: read_params(function, data, optional=optional), as_whole=lambda values: values)


def slot_of(text: str) -> Slot:
    return Slot("value", "value", parse_type(text))


@settings(max_examples=60)
@given(st.data())
def test_a_call_that_is_shown_and_not_touched_comes_back_as_it_was(data: st.DataObject) -> None:
    function = data.draw(function_types())
    values = [data.draw(values_of(param.type)) for param in function.params]
    form = form_of(function)
    try:
        entry = Entry(fields=write_slots(form.slots, values))
    except FormTooLargeError:
        assume(condition=False)

    sent = sent_by_browser(form, entry)

    back = FormReader(sent)
    assert same_value(back.read_slots(form.slots), values)
    assert back.problems == []


@settings(max_examples=60)
@given(st.data())
def test_form_to_json_to_form_is_the_same_call(data: st.DataObject) -> None:
    function = data.draw(function_types())
    values = [data.draw(values_of(param.type)) for param in function.params]
    form = form_of(function)
    try:
        entry = Entry(fields=write_slots(form.slots, values))
    except FormTooLargeError:
        assume(condition=False)

    as_json = form.changed(entry, "tab:json")
    back = form.changed(as_json, "tab:form")

    assert (as_json.tab, back.tab, form.problems) == ("json", "form", [])
    assert same_value(FormReader(back.fields).read_slots(form.slots), values)


@settings(max_examples=60)
@given(wit_types())
def test_an_empty_form_of_any_type_can_be_shown_and_becomes_json(wit_type: WitType) -> None:
    form = form_of(FunctionType((Param("p", wit_type),)))

    sent_by_browser(form, Entry())
    as_json = form.changed(Entry(), "tab:json")

    assert as_json.tab == "json"
    assert form.problems == []


def test_an_incomplete_form_becomes_json_with_what_was_typed() -> None:
    form = call_form("u8", "bool", "record { a: u64, b: string }")
    fields = {"params[0]": ["300"], "params[2].a": ["18446744073709551615"]}

    entry = form.changed(Entry(fields=fields), "tab:json")

    assert "".join(entry.json.split()) == '[300,null,{"a":18446744073709551615,"b":""}]'


def test_what_a_variant_had_is_there_again_when_its_case_is_chosen_again() -> None:
    form = call_form("variant { none, card(record { number: string }), cards(u8) }")
    fields = {"params[0]@": ["card"], "params[0].card.number": ["4242"]}

    elsewhere = sent_by_browser(form, Entry(fields={**fields, "params[0]@": ["cards"]}))
    back = {**elsewhere, "params[0]@": ["card"]}

    assert FormReader(back).read_slots(form.slots) == [{"card": {"number": "4242"}}]


def test_what_an_option_had_is_there_again() -> None:
    form = call_form("option<option<list<string>>>")
    fields = {"params[0]?": ["some"], "params[0]??": ["some"], "params[0]#": ["1"], "params[0][0]": ["x"]}

    elsewhere = sent_by_browser(form, Entry(fields={**fields, "params[0]?": ["none"]}))

    assert FormReader(elsewhere).read_slots(form.slots) == [None]
    assert FormReader({**elsewhere, "params[0]?": ["some"]}).read_slots(form.slots) == [["x"]]


def test_what_is_left_out_is_kept_while_it_is() -> None:
    form = call_form("string", optional=1)

    sent = sent_by_browser(form, Entry(fields={"params[0]": ["typed"]}))

    assert FormReader(sent).read_slots(form.slots) == []
    assert FormReader({**sent, given_name("params[0]"): ["given"]}).read_slots(form.slots) == ["typed"]


@pytest.mark.parametrize(
    ("wit_type", "typed", "problem"),
    [
        ("u8", "256", "expected u8, got 256"),
        ("u8", "1.5", 'expected u8, got "1.5"'),
        ("u8", " ", "a number is missing (u8, 0 to 255)"),
        ("u8", "9" * 500, f'expected u8, got "{"9" * 40}..."'),
        ("s64", "9223372036854775808", "expected s64, got 9223372036854775808"),
        ("f32", "0.1", "expected f32, got 0.1, which f32 cannot hold exactly (nearest: 0.10000000149011612)"),
        ("f64", "9007199254740993", "expected f64, got 9007199254740993, which f64 cannot hold exactly"),
        ("f64", "1e999", 'expected f64, got "1e999"'),
        ("char", "ab", "expected char (a string of one character), got 2 characters"),
        ("char", "", "a character is missing"),
        ("bool", "", "choose false or true"),
        ("bool", "maybe", 'expected bool, got "maybe"'),
        ("enum { a, b }", "", "choose one"),
        ("enum { a, b }", "c", 'expected one of "a", "b", got "c"'),
        (INSTANT, "", "a date and a time are missing"),
        (INSTANT, "2026-02-30T00:00Z", "expected a date and a time, such as 2026-01-31T12:00:00.5Z"),
        (INSTANT, "1969-12-31T00:00Z", ".seconds: expected u64, got -86400"),
        ("list<u8>", "0g", "expected two hex digits for each byte, such as 00 ff 1a"),
    ],
)
def test_a_problem_is_told_in_the_codecs_words(wit_type: str, typed: str, problem: str) -> None:
    slot = slot_of(wit_type)
    reader = FormReader({"value": [typed]})

    reader.read(slot.type, "value")

    assert [(each.name, each.text) for each in reader.problems] == [("value", problem)]


@pytest.mark.parametrize(
    ("wit_type", "typed", "value"),
    [
        ("f64", "+1.5e3", 1500.0),
        ("f64", ".5", 0.5),
        ("f64", "5", 5.0),
        ("f64", "nan", "NaN"),
        ("f32", "-infinity", "-Infinity"),
        ("s8", " -7 ", -7),
        ("string", "a\r\nb", "a\nb"),
        (INSTANT, "1970-01-02 00:00", {"seconds": 86400, "nanoseconds": 0}),
        (INSTANT, "1970-01-02T00:00:00.25+02:00", {"seconds": 79200, "nanoseconds": 250_000_000}),
        ("list<u8>", "00FF 1a", [0, 255, 26]),
    ],
)
def test_numbers_and_texts_are_read_as_people_type_them(wit_type: str, typed: str, value: JsonValue) -> None:
    reader = FormReader({"value": [typed]})

    read = reader.read(slot_of(wit_type).type, "value")

    assert reader.problems == []
    assert read == value or str(read) in ("nan", "-inf")


def test_all_problems_are_found_at_once() -> None:
    slot = slot_of("record { a: u8, b: list<u8>, c: variant { x, y(bool) } }")
    reader = FormReader({"value.a": ["-1"], "value.b": ["x"], "value.c@": ["y"]})

    reader.read(slot.type, "value")

    assert [problem.name for problem in reader.problems] == ["value.a", "value.b", "value.c.y"]


def test_a_problem_within_a_list_that_is_json_is_told_with_its_place() -> None:
    slot = slot_of("list<record { a: u8 }>")
    reader = FormReader({"value#": [AS_JSON], "value": ['[{"a": 1}, {"a": 300}]']})

    reader.read(slot.type, "value")

    assert [(each.name, each.text) for each in reader.problems] == [("value", "[1].a: expected u8, got 300")]


@pytest.mark.parametrize(
    ("wit_type", "before", "action", "after"),
    [
        ("list<string>", {"value#": "1", "value[0]": "a"}, "json:value", {"value#": "json", "value": '["a"]'}),
        ("list<string>", {"value#": "json", "value": '["a"]'}, "fields:value", {"value#": "1", "value[0]": "a"}),
        ("list<string>", {"value#": "json", "value": "[1]"}, "fields:value", {"value#": "json", "value": "[1]"}),
        ("list<u8>", {"value": "4142", "value~": "hex"}, "text:value", {"value": "AB", "value~": "text"}),
        ("list<u8>", {"value": "AB", "value~": "text"}, "hex:value", {"value": "4142", "value~": "hex"}),
        ("list<u8>", {"value": "ff00", "value~": "hex"}, "text:value", {"value": "ff00", "value~": "hex"}),
        ("string", {"value": "a\r\nb"}, "escaped:value", {"value": '"a\\nb"', "value~": "escaped"}),
        ("string", {"value": '"a\\nb"', "value~": "escaped"}, "plain:value", {"value": "a\nb"}),
        ("string", {"value": "\\u0000", "value~": "escaped"}, "plain:value", {"value": "\\u0000", "value~": "escaped"}),
        ("string", {"value": "\\q", "value~": "escaped"}, "plain:value", {"value": "\\q", "value~": "escaped"}),
        (INSTANT, {"value": "1970-01-01T00:01Z"}, "parts:value", AS_PARTS),
        (INSTANT, AS_PARTS, "instant:value", {**NUMBERS, "value": "1970-01-01T00:01:00Z"}),
        (INSTANT, {"value~": "parts", "value.seconds": ""}, "instant:value", {"value.seconds": "", "value": ""}),
        (INSTANT, NO_INSTANT, "instant:value", NO_INSTANT),
        ("f32", {"value": "0.1"}, "nearest:value", {"value": "0.10000000149011612"}),
        ("f32", {"value": "1e99"}, "nearest:value", {"value": "1e99"}),
        ("f64", {"value": "0.1"}, "nearest:value", {"value": "0.1"}),
        (
            "option<variant { a(tuple<u8, list<string>>) }>",
            {"value?": "some", "value@": "a", "value.a[0]": "1", "value.a[1]#": "1", "value.a[1][0]": "x"},
            "json:value.a[1]",
            {"value?": "some", "value@": "a", "value.a[0]": "1", "value.a[1]#": "json", "value.a[1]": '["x"]'},
        ),
    ],
)
def test_parts_are_written_another_way(
    wit_type: str, before: dict[str, str], action: str, after: dict[str, str]
) -> None:
    fields = {name: [value] for name, value in before.items()}

    changed = edit_form([slot_of(wit_type)], fields, action)

    assert changed == {name: [value] for name, value in after.items()}


def test_flags_are_set_all_and_none() -> None:
    slot = slot_of("flags { read, write-all }")

    assert edit_form([slot], {}, "all:value") == {"value": ["read", "write_all"]}
    assert edit_form([slot], {"value": ["read"]}, "none:value") == {}


def test_items_with_all_their_parts_move() -> None:
    slot = slot_of("list<record { a: list<u8>, b: option<string> }>")
    values: list[JsonValue] = [[{"a": [number], "b": None if number % 2 else "x"} for number in range(11)]]
    fields = write_slots([slot], values)

    def moved(*actions: str) -> list[int]:
        changed: dict[str, list[str]] = dict(fields)
        for action in actions:
            changed = edit_form([slot], changed, action)
        (items,) = FormReader(changed).read_slots([slot])
        assert isinstance(items, list)
        return [item["a"][0] for item in items if isinstance(item, dict)]  # type: ignore[index,misc]  # as above

    assert moved("up:value[10]") == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 9]
    assert moved("down:value[0]", "down:value[1]") == [1, 2, 0, 3, 4, 5, 6, 7, 8, 9, 10]
    assert moved("remove:value[1]", "remove:value[9]") == [0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert moved("up:value[0]", "down:value[10]", "remove:value[11]") == list(range(11))


def test_a_list_takes_no_more_items_than_a_form_may_have() -> None:
    slot = slot_of("list<u16>")

    assert edit_form([slot], {"value#": ["100"]}, "add:value") == {"value#": ["100"]}
    assert edit_form([slot], {"value#": ["99"]}, "add:value") == {"value#": ["100"]}


def test_a_form_with_too_many_parts_is_shown_as_json() -> None:
    form = call_form("list<list<u16>>")
    fields = {"params[0]#": ["100"], **{f"params[0][{index}]#": ["100"] for index in range(100)}}

    entry, nodes = form.nodes(Entry(fields=fields))

    assert (entry.tab, nodes) == ("json", [])
    assert "more parts than the 800" in form.problems[0].text


def test_a_value_with_too_many_parts_stays_json() -> None:
    form = call_form("list<list<u16>>")
    text = str([[0] * 90] * 90)

    entry = form.filled_from(text)

    assert (entry.tab, entry.json) == ("json", text)


def test_a_result_without_payloads_is_asked_for() -> None:
    result = ResultType()
    slot = result_slot(result)

    assert FormReader({"result@": ["ok"]}).read_slots([slot]) == [{"ok": None}]
    assert FormReader({"result@": ["err"]}).read_slots([slot]) == [{"err": None}]
