from __future__ import annotations

import contextlib
import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ValueMismatch
from engine.wit import json_values
from engine.wit.grammar import parse_type
from engine.wit.json_values import (
    dump_json,
    dump_value,
    load_json,
    read_params,
    read_value,
    same_value,
)
from engine.wit.options import JsonValue
from engine.wit.types import F64, MAX_TYPE_DEPTH, STRING, U8, Field, FunctionType, Param, RecordType, WitType
from tests.strategies import function_types, json_data, values_of, wit_types

RECORD = "record { my-id: u8, name: option<string> }"
VARIANT = "variant { not-found, my-error(string), permanent(option<u8>) }"


def exact(value: object) -> str:
    """A value's text, in which 1 is not 1.0, -0.0 not 0.0, one order of keys not another, and NaN is NaN."""
    return repr(value)


def refuse_constant(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


# --- the table of the reference, row by row ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wit_type", "data", "value"),
    [
        ("bool", True, True),
        ("bool", False, False),
        # integers: in range, or a float without fraction that is surely exact
        ("u8", 255, 255),
        ("s8", -128, -128),
        ("u16", 65535, 65535),
        ("s16", -32768, -32768),
        ("u32", 4294967295, 4294967295),
        ("s32", -2147483648, -2147483648),
        ("u64", 18446744073709551615, 18446744073709551615),
        ("s64", -9223372036854775808, -9223372036854775808),
        ("u8", 5.0, 5),
        ("s8", -0.0, 0),
        ("u64", 9007199254740991.0, 9007199254740991),
        ("s64", -9007199254740991.0, -9007199254740991),
        # floats: any float; integers and f32 only if nothing is lost
        ("f64", 0.1, 0.1),
        ("f64", 3, 3.0),
        ("f64", -0.0, -0.0),
        ("f64", 1e308, 1e308),
        ("f64", 9007199254740994, 9007199254740994.0),
        ("f64", 18446744073709549568, 18446744073709549568.0),
        ("f32", 0.5, 0.5),
        ("f32", 0.10000000149011612, 0.10000000149011612),
        ("f32", 16777216, 16777216.0),
        ("f32", 3.4028234663852886e38, 3.4028234663852886e38),
        ("f32", -0.0, -0.0),
        ("f64", "NaN", math.nan),
        ("f64", math.nan, math.nan),
        ("f64", "Infinity", math.inf),
        ("f64", "-Infinity", -math.inf),
        ("f32", "NaN", math.nan),
        ("f32", "-Infinity", -math.inf),
        ("f32", math.inf, math.inf),
        ("char", "a", "a"),
        ("char", "😀", "😀"),
        ("char", "\0", "\0"),
        ("string", "", ""),
        ("string", "žluťoučký 😀", "žluťoučký 😀"),
        ("list<u8>", [], []),
        ("list<u8>", [0, 255], [0, 255]),
        ("list<u8>", [1, 2.0], [1, 2]),
        ("list<string>", ["a"], ["a"]),
        ("tuple<u8, string>", [1, "a"], [1, "a"]),
        # records: snake_case in the order of declaration; kebab-case, any order and missing options are accepted
        (RECORD, {"my_id": 1, "name": "a"}, {"my_id": 1, "name": "a"}),
        (RECORD, {"name": "a", "my_id": 1}, {"my_id": 1, "name": "a"}),
        (RECORD, {"my-id": 1, "name": None}, {"my_id": 1, "name": None}),
        (RECORD, {"my-id": 1}, {"my_id": 1, "name": None}),
        # variants
        (VARIANT, "not_found", "not_found"),
        (VARIANT, "not-found", "not_found"),
        (VARIANT, {"my_error": "x"}, {"my_error": "x"}),
        (VARIANT, {"my-error": "x"}, {"my_error": "x"}),
        (VARIANT, {"permanent": None}, {"permanent": None}),
        # enums and flags
        ("enum { a, b-c }", "b_c", "b_c"),
        ("enum { a, b-c }", "b-c", "b_c"),
        ("flags { a, b-c, d }", [], []),
        ("flags { a, b-c, d }", ["d", "b-c"], ["b_c", "d"]),
        # options
        ("option<u8>", None, None),
        ("option<u8>", 5, 5),
        ("option<list<option<u8>>>", [None, 1], [None, 1]),
        # results
        ("result", {"ok": None}, {"ok": None}),
        ("result", {"err": None}, {"err": None}),
        ("result<u64>", {"ok": 55}, {"ok": 55}),
        ("result<u64, string>", {"err": "x"}, {"err": "x"}),
        ("result<option<u8>>", {"ok": None}, {"ok": None}),
        ("result<_, string>", {"ok": None}, {"ok": None}),
    ],
)
def test_json_of_the_right_form_is_read_into_the_canonical_value(wit_type: str, data: object, value: JsonValue) -> None:
    read = read_value(parse_type(wit_type), data)

    assert exact(read) == exact(value)


@pytest.mark.parametrize(
    ("wit_type", "data", "problem"),
    [
        ("bool", 1, "value: expected bool, got 1"),
        ("bool", "true", 'value: expected bool, got "true"'),
        ("u8", 256, "value: expected u8, got 256"),
        ("u8", -1, "value: expected u8, got -1"),
        ("u8", True, "value: expected u8, got true"),
        ("u8", "1", 'value: expected u8, got "1"'),
        ("u8", None, "value: expected u8, got null"),
        ("u8", 1.5, "value: expected u8, got 1.5"),
        ("u8", 300.0, "value: expected u8, got 300.0"),
        ("u64", 9007199254740992.0, "floats beyond 2^53-1 are not exact"),
        ("u64", 18446744073709551616, "value: expected u64, got 18446744073709551616"),
        ("s64", 9223372036854775808, "value: expected s64, got 9223372036854775808"),
        pytest.param("u64", 10**5000, "value: expected u64, got an integer of 16610 bits", id="huge"),
        ("u64", math.inf, "value: expected u64, got inf"),
        ("s32", math.nan, "value: expected s32, got nan"),
        ("f64", 9007199254740993, "which f64 cannot hold exactly"),
        ("f64", 10**400, "which f64 cannot hold exactly"),
        ("f64", True, "value: expected f64, got true"),
        ("f64", "1.0", 'value: expected f64, got "1.0"'),
        ("f64", "nan", 'value: expected f64, got "nan"'),
        ("f64", None, "value: expected f64, got null"),
        ("f32", 0.1, "expected f32, got 0.1, which f32 cannot hold exactly (nearest: 0.10000000149011612)"),
        ("f32", 16777217, "which f32 cannot hold exactly"),
        ("f32", 1e39, "value: expected f32, got 1e+39, which is too large for f32"),
        ("f32", 1e-46, "which f32 cannot hold exactly (nearest: 0.0)"),
        ("char", "", "got 0 characters"),
        ("char", "ab", "got 2 characters"),
        ("char", "e\u0301", "got 2 characters"),
        ("char", 97, "value: expected char (a string of one character), got 97"),
        ("char", "\ud800", "value: expected char, got a lone surrogate at index 0"),
        ("string", 1, "value: expected string, got 1"),
        ("string", "a\udfff", "value: expected string, got a lone surrogate at index 1"),
        ("string", ["a" * 99], "value: expected string, got an array of 1"),
        ("list<u8>", "abc", 'value: expected an array (u8 each), got "abc"'),
        ("list<u8>", {"0": 1}, "value: expected an array (u8 each), got an object"),
        ("list<u8>", (1, 2), "value: expected an array (u8 each), got a Python tuple"),
        ("list<u8>", [1, 2, 300], "value[2]: expected u8, got 300"),
        ("list<u8>", [1, True], "value[1]: expected u8, got true"),
        ("list<list<u8>>", [[1], [2, 3, -1]], "value[1][2]: expected u8, got -1"),
        ("tuple<u8, u8>", [1], "value: expected an array of 2 (a tuple), got 1"),
        ("tuple<u8, u8>", [1, 2, 3], "value: expected an array of 2 (a tuple), got 3"),
        ("tuple<u8, u8>", [1, None], "value[1]: expected u8, got null"),
        (RECORD, [], "value: expected an object with my_id, name, got an array of 0"),
        (RECORD, {"name": "a"}, 'value: missing field "my_id"'),
        (RECORD, {"my_id": 1, "nam": "a"}, 'value: unknown field "nam", expected my_id, name'),
        (RECORD, {"my_id": 1, "my-id": 1}, 'field "my_id" is given twice'),
        (RECORD, {"my_id": 1, 5: 1}, "value: unknown field 5, expected my_id, name"),
        (RECORD, {"my_id": 300}, "value.my_id: expected u8, got 300"),
        (RECORD, {"my-id": 300}, "value.my_id: expected u8, got 300"),
        (VARIANT, "other", 'unknown case "other", expected "not_found", {"my_error": ...}, {"permanent": ...}'),
        (VARIANT, "my_error", 'case "my_error" has a payload: expected {"my_error": ...}, got "my_error"'),
        (VARIANT, {"not_found": None}, 'case "not_found" has no payload: expected "not_found", got an object'),
        (VARIANT, {"not-found": None}, 'case "not_found" has no payload'),
        (VARIANT, {"other": 1}, 'unknown case "other"'),
        (VARIANT, {}, "got an object with 0 keys"),
        (VARIANT, {"my_error": "a", "permanent": 1}, "got an object with 2 keys"),
        (VARIANT, 5, "value: expected one of "),
        (VARIANT, {"my_error": 1}, "value.my_error: expected string, got 1"),
        ("enum { a, b-c }", "d", 'value: expected one of "a", "b_c", got "d"'),
        ("enum { a, b-c }", {"a": None}, "got an object"),
        ("flags { a, b-c }", "a", 'value: expected an array of flags ("a", "b_c"), got "a"'),
        ("flags { a, b-c }", ["a", "d"], 'value[1]: flag "d" is unknown, expected "a", "b_c"'),
        ("flags { a, b-c }", ["b-c", "b_c"], 'value[1]: flag "b_c" is given twice'),
        ("flags { a, b-c }", [["a"]], "value[0]: flag an array of 1 is unknown"),
        ("option<u8>", "a", 'value: expected u8, got "a"'),
        ("option<u8>", {"some": 5}, "value: expected u8, got an object"),
        ("result", None, 'value: expected {"ok": ...} or {"err": ...}, got null'),
        ("result", {}, 'value: expected {"ok": ...} or {"err": ...}, got an object'),
        ("result", {"ok": None, "err": None}, 'got an object with "ok", "err"'),
        ("result", {"Ok": None}, 'got an object with "Ok"'),
        ("result", {"ok": 1}, "value.ok: expected null, as there is no payload, got 1"),
        ("result<u8>", {"ok": None}, "value.ok: expected u8, got null"),
        ("own<r>", 1, "value: own<r> is a handle, which has no JSON form"),
        ("list<borrow<r>>", [1], "value[0]: borrow<r> is a handle, which has no JSON form"),
    ],
)
def test_other_json_is_refused_with_place_and_reason(wit_type: str, data: object, problem: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        read_value(parse_type(wit_type), data)

    assert problem in str(caught.value)
    assert caught.value.path.startswith("value")


@pytest.mark.parametrize(
    ("wit_type", "data", "path"),
    [
        (
            "list<record { a-b: tuple<u8, option<result<u8, list<char>>>> }>",
            [{"a_b": [1, {"err": ["x", ""]}]}],
            "[0].a_b[1].err[1]",
        ),
        ("variant { a-b(option<option<u8>>) }", {"a-b": {"some": {"some": 1}}}, ".a_b.some"),
    ],
)
def test_the_path_names_every_step_to_the_offending_part(wit_type: str, data: object, path: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        read_value(parse_type(wit_type), data, path="it")

    assert caught.value.path == f"it{path}"


# --- laws -------------------------------------------------------------------------------------------------------------


@given(st.data())
def test_a_stored_value_reads_back_exactly(data: st.DataObject) -> None:
    wit_type = data.draw(wit_types())
    value = data.draw(values_of(wit_type))

    text = dump_value(wit_type, value)
    read = read_value(wit_type, load_json(text))

    assert exact(read) == exact(value)
    assert same_value(read, value)
    assert dump_json(value) == text
    json.loads(text, parse_constant=refuse_constant)


@given(st.data())
def test_a_canonical_value_is_read_as_itself(data: st.DataObject) -> None:
    wit_type = data.draw(wit_types())
    value = data.draw(values_of(wit_type))

    assert exact(read_value(wit_type, value)) == exact(value)


@given(st.data())
def test_whatever_is_accepted_has_become_canonical(data: st.DataObject) -> None:
    wit_type = data.draw(wit_types())
    anything = data.draw(json_data())

    with contextlib.suppress(ValueMismatch):
        value = read_value(wit_type, anything)

        assert exact(read_value(wit_type, value)) == exact(value)
        assert exact(read_value(wit_type, load_json(dump_value(wit_type, value)))) == exact(value)


@given(st.data())
def test_one_changed_value_is_not_the_same(data: st.DataObject) -> None:
    wit_type = data.draw(wit_types())
    one = data.draw(values_of(wit_type))
    other = data.draw(values_of(wit_type))

    assert same_value(one, other) == (exact(one) == exact(other))


@settings(max_examples=30)
@given(st.data())
def test_parameters_read_back_exactly(data: st.DataObject) -> None:
    function = data.draw(function_types())
    values: list[JsonValue] = [data.draw(values_of(param.type)) for param in function.params]

    assert exact(read_params(function, load_json(dump_json(values)))) == exact(values)


@pytest.mark.parametrize("kind", ["f32", "f64"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.5])
def test_special_floats_survive_storage_wherever_they_stand(kind: str, number: float) -> None:
    wit_type = parse_type(f"record {{ a: list<{kind}>, b: option<{kind}>, c: variant {{ x({kind}) }}, d: option<u8> }}")
    value: JsonValue = {"a": [number], "b": number, "c": {"x": number}, "d": None}

    read = read_value(wit_type, load_json(dump_value(wit_type, value)))

    assert exact(read) == exact(value)
    assert same_value(read, value)


def test_lists_that_hold_nan_compare_equal_once_read() -> None:
    wit_type = parse_type("list<f64>")

    assert read_value(wit_type, ["NaN"]) == read_value(wit_type, [float("nan")])


# --- options of options -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wit_type", "value"),
    [
        ("option<option<u8>>", None),
        ("option<option<u8>>", {"some": None}),
        ("option<option<u8>>", 5),
        ("option<option<option<u8>>>", {"some": {"some": None}}),
        ("option<option<option<u8>>>", {"some": None}),
        ("option<record { some: u8 }>", {"some": {"some": 5}}),
        ("option<record { some: option<u8> }>", {"some": {"some": None}}),
        ("option<option<record { some: u8 }>>", {"some": {"some": {"some": 5}}}),
        ("option<variant { some(u8), other(u8), some-more }>", {"some": {"some": 5}}),
        ("option<variant { some(u8), other(u8), some-more }>", {"other": 5}),
        ("option<variant { some(u8), other(u8), some-more }>", "some_more"),
        ("option<record { some: u8, other: u8 }>", {"some": 1, "other": 2}),
        ("option<enum { some }>", "some"),
    ],
)
def test_every_option_has_one_canonical_form(wit_type: str, value: JsonValue) -> None:
    assert exact(read_value(parse_type(wit_type), value)) == exact(value)


@pytest.mark.parametrize(
    ("wit_type", "data", "value"),
    [
        ("option<record { some: u8 }>", {"some": 5}, {"some": {"some": 5}}),
        ("option<record { some: option<u8> }>", {"some": None}, {"some": {"some": None}}),
        ("option<variant { some(string), none }>", {"some": "none"}, {"some": {"some": "none"}}),
        ("option<option<record { some: u8 }>>", {"some": 5}, {"some": {"some": {"some": 5}}}),
    ],
)
def test_a_payload_with_the_name_some_may_be_given_unwrapped_as_obelisks_clients_do(
    wit_type: str, data: object, value: JsonValue
) -> None:
    assert exact(read_value(parse_type(wit_type), data)) == exact(value)


def test_a_wrapper_chain_against_the_deepest_option_type_is_refused_quickly() -> None:
    wit_type = parse_type("option<" * (MAX_TYPE_DEPTH - 1) + "u8" + ">" * (MAX_TYPE_DEPTH - 1))
    data: object = "x"
    for _ in range(500):
        data = {"some": data}

    with pytest.raises(ValueMismatch):
        read_value(wit_type, data)


# --- parameters -------------------------------------------------------------------------------------------------------

TWO_PARAMS = FunctionType((Param("n", U8), Param("order", parse_type("record { items: list<u8> }"))), None)


def test_parameters_are_an_array_in_the_order_of_declaration() -> None:
    assert read_params(TWO_PARAMS, [5, {"items": [1]}]) == [5, {"items": [1]}]
    assert read_params(FunctionType(()), []) == []


@pytest.mark.parametrize(
    ("data", "message", "path"),
    [
        ([1], "parameter cardinality mismatch, expected: 2, specified: 1", "params"),
        ([1, {"items": []}, 3], "parameter cardinality mismatch, expected: 2, specified: 3", "params"),
        (
            [1, {"items": [1, 2, 3, 300]}],
            "cannot parse 2-th parameter - params[1].items[3]: expected u8, got 300",
            "params[1].items[3]",
        ),
        (["x", {"items": []}], 'cannot parse 1-th parameter - params[0]: expected u8, got "x"', "params[0]"),
        ({"n": 1}, "params: expected an array of 2 parameters, got an object", "params"),
        (None, "params: expected an array of 2 parameters, got null", "params"),
    ],
)
def test_bad_parameters_are_refused_in_obelisks_words(data: object, message: str, path: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        read_params(TWO_PARAMS, data)

    assert str(caught.value) == message
    assert caught.value.path == path
    assert caught.value.problem in message


def test_a_read_value_shares_no_container_with_its_input() -> None:
    numbers, items = [1, 2], {"items": [3]}
    function = FunctionType((Param("a", parse_type("list<u8>")), TWO_PARAMS.params[1]))

    values = read_params(function, [numbers, items])
    numbers.append(9)
    items["items"].append(9)

    assert values == [[1, 2], {"items": [3]}]


# --- text -------------------------------------------------------------------------------------------------------------


def test_text_is_compact_and_keeps_the_order_of_keys() -> None:
    assert dump_json({"b": [1, 2.0, None], "a": "é"}) == '{"b":[1,2.0,null],"a":"é"}'


def test_a_null_beside_floats_stays_null() -> None:
    wit_type = parse_type("list<option<f64>>")

    assert dump_value(wit_type, [None, math.nan, 1.0]) == '[null,"NaN",1.0]'
    assert dump_json([None, math.inf]) == '[null,"Infinity"]'


def test_the_largest_integers_survive_storage() -> None:
    wit_type = parse_type("tuple<u64, s64>")
    value: JsonValue = [2**64 - 1, -(2**63)]

    assert exact(read_value(wit_type, load_json(dump_value(wit_type, value)))) == exact(value)


def test_an_integer_too_large_for_64_bits_is_taken_by_no_integer_type() -> None:
    with pytest.raises(ValueMismatch, match="expected u64"):
        read_value(parse_type("u64"), load_json("18446744073709551616"))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line 1, column 1"),
        ('{"a":', "line 1, column 6"),
        ("[1,\n 2,\n x]", "line 3, column 2"),
        ("[1] 2", "line 1, column 5"),
        ("NaN", "line 1, column 1"),
        ("Infinity", "line 1, column 1"),
        ('"\\ud800"', "line 1"),
        ("\ud800", "line 1"),
        (b"\xff", "line 1"),
        ("{'a': 1}", "line 1, column 2"),
        ("[" * 100_000, "line 1"),
    ],
)
def test_text_that_is_not_json_is_refused_with_line_and_column(text: str | bytes, where: str) -> None:
    with pytest.raises(ValueMismatch, match="not valid JSON") as caught:
        load_json(text)

    assert where in str(caught.value)


def test_text_beyond_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(ValueMismatch, match="JSON text of 11 bytes is longer than the allowed 10"):
        load_json("[" * 11, max_bytes=10)


def test_a_value_beyond_the_limit_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "MAX_JSON_BYTES", 10)

    assert dump_value(STRING, "12345678") == '"12345678"'
    with pytest.raises(ValueMismatch, match="takes 11 bytes as JSON, more than the allowed 10"):
        dump_value(STRING, "123456789")


def test_data_that_json_cannot_hold_is_refused() -> None:
    deep: JsonValue = 1
    for _ in range(1000):
        deep = [deep]

    with pytest.raises(ValueMismatch, match="cannot be written as JSON"):
        dump_json(deep)
    with pytest.raises(ValueMismatch, match="cannot be written as JSON"):
        dump_json(2**64)
    with pytest.raises(ValueMismatch, match="cannot be written as JSON"):
        dump_json("\ud800")


def test_a_value_of_the_deepest_type_is_read_and_written() -> None:
    wit_type: WitType = F64
    value: JsonValue = math.nan
    for _ in range(MAX_TYPE_DEPTH - 1):
        wit_type = RecordType((Field("a", wit_type),))
        value = {"a": value}

    assert exact(read_value(wit_type, load_json(dump_value(wit_type, value)))) == exact(value)


# --- sameness ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (1, 1.0),
        (1, True),
        ([1], [1, 2]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 0.0}, {"a": -0.0}),
        (None, "x"),
        (math.nan, 1.0),
    ],
)
def test_values_that_differ_in_what_python_ignores_are_not_the_same(one: JsonValue, other: JsonValue) -> None:
    assert not same_value(one, other)


@pytest.mark.parametrize("value", [math.nan, [math.nan], {"a": float("nan")}, -0.0, None, "x", [1, {"a": True}]])
def test_a_value_is_the_same_as_a_copy_of_it(value: JsonValue) -> None:
    assert same_value(value, json.loads(json.dumps(value)))


def test_an_object_is_read_as_a_list_of_pairs_whose_first_part_is_a_string() -> None:
    pairs = parse_type("list<tuple<string, u8>>")

    assert read_value(pairs, {"b": 1, "a": 2}) == [["b", 1], ["a", 2]]
    assert read_value(pairs, {}) == []
    with pytest.raises(ValueMismatch, match=re.escape("value[1][1]: expected u8, got 300")):
        read_value(pairs, {"b": 1, "a": 300})
    with pytest.raises(ValueMismatch, match="expected an array"):
        read_value(parse_type("list<tuple<u8, u8>>"), {"1": 1})


def test_last_parameters_may_be_left_out_where_the_caller_says_so() -> None:
    function = FunctionType((Param("a", parse_type("u8")), Param("b", parse_type("string"))), None)

    assert read_params(function, [1], optional=1) == [1]
    assert read_params(function, [1, "x"], optional=1) == [1, "x"]
    with pytest.raises(ValueMismatch, match=r"^parameter cardinality mismatch, expected: 1 to 2, specified: 0$"):
        read_params(function, [], optional=1)
    with pytest.raises(ValueMismatch, match=r"^parameter cardinality mismatch, expected: 2, specified: 1$"):
        read_params(function, [1])
