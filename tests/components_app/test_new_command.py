from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("new", "--help")

    shown = capsys.readouterr().out
    assert caught.value.code == 0
    assert "  js    an activity and a workflow, a file each. No build, no Node.\n" in shown
    assert "  manage.py new hello --lang py\n" in shown


def test_the_files_and_what_to_do_with_them_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    call_command("new", "acme:hello", "--lang", "js")

    shown = capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "hello").iterdir()) == [
        *("deployment.toml", "greet-all.js", "greet.js", "test_hello.py")
    ]
    assert shown.startswith("  hello/greet.js\n")
    assert "manage.py deploy hello/deployment.toml\n" in shown
    assert """ submit acme:hello/workflows.greet-all '[["Ada", "Alan"], 500]' --follow\n""" in shown


def test_a_second_time_it_refuses(tmp_path: Path) -> None:
    call_command("new", "hello", "--lang", "rust", "--dir", str(tmp_path), verbosity=0)

    with pytest.raises(CommandError, match="exists already, and nothing is overwritten; choose another --dir"):
        call_command("new", "hello", "--lang", "rust", "--dir", str(tmp_path))


def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match='"Hello" cannot be the name of a component: write lower-case words'):
        call_command("new", "Hello", "--lang", "py", "--dir", str(tmp_path))
