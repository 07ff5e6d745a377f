from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import NotExtendable, TypeSyntaxError, ValueMismatch
from engine.wit.grammar import parse_type
from engine.wit.json_values import dump_json, load_json, same_value
from engine.wit.options import JsonValue
from engine.wit.return_values import (
    check_extendable,
    decode_return_value,
    encode_return_value,
    failure_projection,
    is_permanent,
)
from engine.wit.types import U8, FunctionType, Param, ResultType
from tests.strategies import values_of, wit_types


def result_type(text: str) -> ResultType:
    parsed = parse_type(text)
    assert isinstance(parsed, ResultType)
    return parsed


@pytest.mark.parametrize(
    ("text", "projection"),
    [
        ("result", {"err": None}),
        ("result<u64>", {"err": None}),
        ("result<u64, string>", {"err": "execution_failed"}),
        ("result<_, string>", {"err": "execution_failed"}),
        ("result<_, variant { other(u8), execution-failed }>", {"err": "execution_failed"}),
        ("result<u8, variant { execution-failed }>", {"err": "execution_failed"}),
    ],
)
def test_an_extendable_result_has_a_place_for_a_platform_failure(text: str, projection: JsonValue) -> None:
    function = FunctionType((Param("n", U8),), parse_type(text))

    assert check_extendable(function) == parse_type(text)
    assert failure_projection(result_type(text)) == projection


@pytest.mark.parametrize(
    ("result", "named"),
    [
        (None, "returns nothing"),
        ("u64", "returns u64"),
        ("option<u64>", "returns option<u64>"),
        ("result<u64, u32>", "returns result<u64, u32>"),
        ("result<_, list<string>>", "returns result<_, list<string>>"),
        ("result<_, variant { other }>", "returns result<_, variant { other }>"),
        ("result<_, variant { execution-failed(string) }>", "execution-failed(string)"),
        ("result<_, variant { execution-failure }>", "execution-failure"),
        ("result<_, enum { execution-failed }>", "enum { execution-failed }"),
    ],
)
def test_other_results_are_refused_naming_the_function_and_what_would_do(result: str | None, named: str) -> None:
    function = FunctionType((), None if result is None else parse_type(result))

    with pytest.raises(NotExtendable) as caught:
        check_extendable(function, name="testing:fibo/fibo.fibo")

    message = str(caught.value)
    assert message.startswith("testing:fibo/fibo.fibo ")
    assert named in message
    assert "expected result, result<T>, result<T, string>" in message


@pytest.mark.parametrize(
    ("param", "result", "named"),
    [
        ("borrow<thing>", "result", "parameter p has a handle (borrow<thing>)"),
        ("list<record { a: option<own<thing>> }>", "result", "parameter p has a handle (own<thing>)"),
        ("u8", "result<own<thing>>", "the result has a handle (own<thing>)"),
    ],
)
def test_handles_are_refused_because_they_cannot_be_persisted(param: str, result: str, named: str) -> None:
    with pytest.raises(NotExtendable) as caught:
        check_extendable(FunctionType((Param("p", parse_type(param)),), parse_type(result)))

    assert named in str(caught.value)


@pytest.mark.parametrize("text", ["result<_, u32>", "result<_, variant { other }>"])
def test_a_failure_is_not_projected_into_a_type_without_a_place_for_it(text: str) -> None:
    with pytest.raises(NotExtendable):
        failure_projection(result_type(text))


ERRORS = "variant { execution-failed, my-permanent-error(string), permanent-failure, transient(string) }"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        (f"result<_, {ERRORS}>", {"err": {"my_permanent_error": "x"}}, True),
        (f"result<_, {ERRORS}>", {"err": "permanent_failure"}, True),
        (f"result<_, {ERRORS}>", {"err": {"transient": "permanent"}}, False),
        (f"result<_, {ERRORS}>", {"err": "execution_failed"}, False),
        (f"result<{ERRORS}, {ERRORS}>", {"ok": "permanent_failure"}, False),
        ("result<_, string>", {"err": "permanent"}, False),
        ("result", {"err": None}, False),
    ],
)
def test_only_an_error_variant_whose_case_is_called_permanent_is_not_retried(
    text: str, value: JsonValue, expected: bool
) -> None:
    assert is_permanent(result_type(text), value) is expected


@pytest.mark.parametrize(
    ("text", "value", "stored"),
    [
        ("result<u64>", {"ok": 55}, {"ok": {"type": "u64", "value": 55}}),
        ("result<u64>", {"err": None}, {"err": None}),
        ("result", {"ok": None}, {"ok": None}),
        ("result<option<u8>>", {"ok": None}, {"ok": {"type": "option<u8>", "value": None}}),
        ("result<_, string>", {"err": "x"}, {"err": {"type": "string", "value": "x"}}),
    ],
)
def test_the_stored_form_has_the_type_before_the_value(text: str, value: JsonValue, stored: JsonValue) -> None:
    encoded = encode_return_value(result_type(text), value)

    assert dump_json(encoded) == dump_json(stored)
    assert decode_return_value(encoded) == value


@given(st.data())
def test_a_stored_return_value_reads_back_exactly(data: st.DataObject) -> None:
    declared = data.draw(st.builds(ResultType, st.none() | wit_types(), st.none() | wit_types()))
    value = data.draw(values_of(declared))

    stored = load_json(dump_json(encode_return_value(declared, value)))

    assert same_value(decode_return_value(stored), value)
    assert same_value(decode_return_value(stored, declared), value)


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        (None, 'expected an object with one key, "ok" or "err"'),
        ({"ok": None, "err": None}, 'expected an object with one key, "ok" or "err"'),
        ({"execution_failure": {}}, 'expected an object with one key, "ok" or "err"'),
        ({"ok": 55}, 'ok: expected null or an object with "type" and "value"'),
        ({"ok": {"type": "u64"}}, 'ok: expected null or an object with "type" and "value"'),
        ({"ok": {"type": 5, "value": 5}}, 'ok: expected null or an object with "type" and "value"'),
        ({"ok": {"type": "u8", "value": 300}}, "ok.value: expected u8, got 300"),
    ],
)
def test_a_stored_form_of_another_shape_is_refused(stored: object, problem: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        decode_return_value(stored)

    assert str(caught.value) == problem


def test_a_stored_type_that_does_not_parse_is_refused() -> None:
    with pytest.raises(TypeSyntaxError):
        decode_return_value({"ok": {"type": "u9", "value": 5}})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("result<u32>", "ok.type: expected u32, stored is u64"),
        ("result", "ok.type: expected no payload, stored is u64"),
    ],
)
def test_a_stored_value_of_another_type_than_expected_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        decode_return_value({"ok": {"type": "u64", "value": 5}}, result_type(text))

    assert str(caught.value) == problem


def test_only_a_result_has_a_stored_form() -> None:
    with pytest.raises(ValueMismatch):
        encode_return_value(ResultType(U8), 5)
