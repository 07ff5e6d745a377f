from __future__ import annotations

import pytest

from engine.errors import Trap
from engine.host.wasi.http_fields import MAX_BYTES, Fields, HeaderError, fields_from


def test_names_are_compared_without_case_and_kept_as_they_are_spelt() -> None:
    fields = fields_from([("X-A", b"1"), ("b", b"2"), ("x-a", b"3")])

    assert fields.get("x-A") == [b"1", b"3"]
    assert fields.entries == [("X-A", b"1"), ("b", b"2"), ("x-a", b"3")]

    fields.set("x-a", [b"4", b"5"])
    assert fields.entries == [("b", b"2"), ("x-a", b"4"), ("x-a", b"5")]

    fields.delete("X-A")
    assert fields.entries == [("b", b"2")]


@pytest.mark.parametrize(
    ("name", "value", "case"),
    [
        ("Connection", b"close", "forbidden"),
        ("transfer-encoding", b"chunked", "forbidden"),
        ("HOST", b"a", "forbidden"),
        ("a b", b"x", "invalid_syntax"),
        ("", b"x", "invalid_syntax"),
        ("a:", b"x", "invalid_syntax"),
        ("a", b"x\r\ny: z", "invalid_syntax"),
        ("a", b"\0", "invalid_syntax"),
    ],
)
def test_what_no_guest_may_set_is_an_error(name: str, value: bytes, case: str) -> None:
    with pytest.raises(HeaderError) as appended:
        Fields().append(name, value)
    with pytest.raises(HeaderError) as replaced:
        Fields().set(name, [value])

    assert (appended.value.case, replaced.value.case) == (case, case)


def test_frozen_fields_do_not_change_and_their_origin_does_not_change_them() -> None:
    fields = fields_from([("a", b"1")])
    frozen = fields.freeze()
    fields.append("b", b"2")

    with pytest.raises(HeaderError, match="immutable"):
        frozen.append("c", b"")
    with pytest.raises(HeaderError, match="immutable"):
        frozen.delete("a")
    with pytest.raises(HeaderError, match="immutable"):
        frozen.set("a", [])
    assert frozen.entries == [("a", b"1")]


def test_there_is_a_largest_size() -> None:
    fields = Fields()
    fields.append("a", b"x" * (MAX_BYTES - 100))

    with pytest.raises(Trap, match="headers of a message"):
        fields.append("a", b"x" * 100)
