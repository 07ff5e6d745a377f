from __future__ import annotations

import pytest

from engine.wit.grammar import parse_type
from engine.wit.options import JsonValue, may_need_wrapping, unwrap_some, wrap_some


@pytest.mark.parametrize(
    ("payload", "some"),
    [
        (None, {"some": None}),
        ({"some": 1}, {"some": {"some": 1}}),
        ({"some": 1, "other": 2}, {"some": 1, "other": 2}),
        ({"other": 1}, {"other": 1}),
        ("some", "some"),
        (5, 5),
        ([], []),
    ],
)
def test_only_payloads_that_would_be_mistaken_are_wrapped_and_unwrapped(payload: JsonValue, some: JsonValue) -> None:
    assert wrap_some(payload) == some
    assert unwrap_some(some) == payload


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("option<u8>", True),
        ("record { some: u8 }", True),
        ("record { some: u8, other: u8 }", False),
        ("record { something: u8 }", False),
        ("variant { some(u8), other }", True),
        ("variant { some, other(u8) }", False),
        ("enum { some }", False),
        ("list<option<u8>>", False),
        ("result<option<u8>>", False),
        ("u8", False),
    ],
)
def test_types_say_whether_their_values_may_be_mistaken(payload: str, expected: bool) -> None:
    assert may_need_wrapping(parse_type(payload)) is expected
