from __future__ import annotations

import json

import pytest

from obelisk.client.output import Output


def test_what_a_terminal_would_obey_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=False)

    out.line("one\n two\x1b[2J\x9b2J")
    out.note("\x1b]0;mine\x07")
    out.fail("\x1bc")

    shown = capsys.readouterr()
    assert shown.out == "one\n two\\x1b[2J\\x9b2J\n"
    assert shown.err == "\\x1b]0;mine\\x07\nerror: \\x1bc\n"


def test_json_stays_json_and_holds_nothing_that_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"a": "\x1b[2J\x9b2J\x7f", "b": "Größe"}

    Output(as_json=True).document(value)

    shown = capsys.readouterr().out
    assert shown == '{"a": "\\u001b[2J\\u009b2J\\u007f", "b": "Größe"}\n'
    assert json.loads(shown) == value


def test_a_cell_cannot_make_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).table(["A", "B"], [["1", "a\nb\tc\x1b"]])

    assert capsys.readouterr().out == "1\ta\\x0ab\\x09c\\x1b\n"
