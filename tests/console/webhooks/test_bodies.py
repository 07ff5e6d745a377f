from __future__ import annotations

import pytest

from console.webhooks.bodies import ShownBody, shown_body
from console.webhooks.masking import masked_headers, masked_target


def shown(content: bytes, size: int | None = None) -> ShownBody:
    return shown_body(content, len(content) if size is None else size)


def test_json_is_a_tree_with_numbers_to_the_last_digit() -> None:
    body = shown(b'{"id": 18446744073709551615, "text": "<script>"}')

    assert body.kind == "json"
    assert "18446744073709551615" in body.shown
    assert "&lt;script&gt;" in body.shown


@pytest.mark.parametrize("content", [b'{"cut', b"[" * 100_000, b"a=1&b=2", b"123"])
def test_what_is_no_json_that_means_well_is_text(content: bytes) -> None:
    assert shown(content).kind == "text"


def test_text_that_ends_within_a_character_is_text_and_other_bytes_are_not() -> None:
    cut = "aé".encode()[:-1]

    assert shown(cut, size=3) == ShownBody(kind="text", shown="a", size=3, kept=2)
    assert shown(cut).kind == "bytes"
    assert shown(b"\xff\xfe\x00abc").shown == "00000000  ff fe 00 61 62 63" + " " * 32 + "...abc"


def test_control_characters_are_written_out() -> None:
    assert shown(b"a\x00b\x1b[31m\r\nc\td").shown == "a\\x00b\\x1b[31m\nc\td"


def test_long_bodies_are_cut() -> None:
    text, blob = shown(b"x" * 100_000), shown(b"\xff" * 100_000)

    assert (text.is_cut, len(text.shown)) == (True, 64_000)
    assert blob.is_cut
    assert len(blob.shown) < 30_000
    assert shown(b"", size=7) == ShownBody(kind="empty", shown="", size=7, kept=0)


def test_what_may_be_secret_is_masked() -> None:
    assert masked_target("/a?token=abc&b=1&api_key=x&token") == "/a?token=•••&b=1&api_key=•••&token"
    assert masked_target("/a") == "/a"
    assert masked_headers([("Set-Cookie", "a=b"), ("X-Shown", "yes")]) == [("Set-Cookie", "•••"), ("X-Shown", "yes")]
