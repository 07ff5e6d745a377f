from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.host.wasi.stdio import MAX_LINE_BYTES, GuestOutput


def lines_of(*pieces: bytes, max_bytes: int = 1 << 20) -> list[str]:
    lines: list[str] = []
    output = GuestOutput(lines.append, max_bytes=max_bytes)
    for piece in pieces:
        output.write(piece)
    output.close()
    output.close()
    return lines


def test_lines_are_put_together_from_pieces() -> None:
    assert lines_of(b"he", b"llo\nwor", b"ld\r\n", b"\nend") == ["hello", "world", "", "end"]


def test_what_no_text_can_hold_is_replaced() -> None:
    assert lines_of(b"a\0b\xff\n") == ["a\ufffdb\ufffd"]


def test_a_long_line_is_cut() -> None:
    lines = lines_of(b"x" * (2 * MAX_LINE_BYTES + 5), b"\nnext\n")

    assert [len(line) for line in lines] == [MAX_LINE_BYTES, MAX_LINE_BYTES, 5, 0, 4]


def test_there_is_an_end_to_it() -> None:
    lines = lines_of(b"0123456789\n", b"abc\ndefghijkl\nmno", b"more\n" * 100, max_bytes=20)

    assert lines == [
        "0123456789",
        "abc",
        "defgh",
        "[the limit limits.output_bytes = 20 is reached; the rest is dropped]",
    ]


@given(st.lists(st.binary(max_size=20)))
def test_no_line_depends_on_how_the_bytes_were_cut(pieces: list[bytes]) -> None:
    assert lines_of(*pieces) == lines_of(b"".join(pieces))
