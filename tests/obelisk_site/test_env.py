from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from obelisk_site.env import EnvError, env_bool, env_choice, env_int, env_list, env_path, env_seconds, env_str

NAME = "OBELISK_TEST_VALUE"


@pytest.mark.parametrize("unset", [None, "", "  "], ids=["unset", "empty", "blank"])
def test_a_variable_that_is_not_set_gives_the_default(monkeypatch: pytest.MonkeyPatch, unset: str | None) -> None:
    if unset is None:
        monkeypatch.delenv(NAME, raising=False)
    else:
        monkeypatch.setenv(NAME, unset)

    assert env_str(NAME, "a") == "a"
    assert env_choice(NAME, "a", choices=("a", "b")) == "a"
    assert env_list(NAME, ["a"]) == ["a"]
    assert env_bool(NAME, default=True) is True
    assert env_int(NAME, 3) == 3
    assert env_seconds(NAME, 1.5) == timedelta(seconds=1.5)
    assert env_path(NAME, Path("/srv/data")) == Path("/srv/data")


def test_text_loses_its_surrounding_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, " text \n")

    assert env_str(NAME, "") == "text"


def test_a_choice_is_given_back_as_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "debug")

    assert env_choice(NAME, "INFO", choices=("DEBUG", "INFO")) == "DEBUG"


def test_a_list_drops_blanks_and_empty_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "a, b,,c ,")

    assert env_list(NAME, []) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("raw", "value"), [("1", True), ("TRUE", True), ("yes", True), ("0", False), ("off", False), ("No", False)]
)
def test_words_for_yes_and_no(monkeypatch: pytest.MonkeyPatch, raw: str, value: bool) -> None:
    monkeypatch.setenv(NAME, raw)

    assert env_bool(NAME, default=not value) is value


@pytest.mark.parametrize("raw", ["1", "65535"])
def test_a_number_at_its_bound_is_taken(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv(NAME, raw)

    assert env_int(NAME, 8000, minimum=1, maximum=65535) == int(raw)


def test_seconds_may_be_fractions_and_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "0.25")
    assert env_seconds(NAME, 1) == timedelta(milliseconds=250)

    monkeypatch.setenv(NAME, "0")
    assert env_seconds(NAME, 1) == timedelta(0)


def test_a_relative_path_counts_from_the_current_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(NAME, "some/../data")

    assert env_path(NAME, Path("/srv")) == tmp_path.resolve() / "data"


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(NAME, "~/data")

    assert env_path(NAME, Path("/srv")) == tmp_path.resolve() / "data"


@pytest.mark.parametrize(
    ("read", "raw", "problem"),
    [
        (lambda: env_choice(NAME, "a", choices=("a", "b")), "c", "expected one of a, b, got 'c'"),
        (lambda: env_bool(NAME, default=False), "maybe", "got 'maybe'"),
        (lambda: env_int(NAME, 1), "1.5", "expected a whole number, got '1.5'"),
        (lambda: env_int(NAME, 1, minimum=1), "0", "expected at least 1, got 0"),
        (lambda: env_int(NAME, 1, maximum=9), "10", "expected at most 9, got 10"),
        (lambda: env_seconds(NAME, 1), "soon", "expected a number of seconds, got 'soon'"),
        (lambda: env_seconds(NAME, 1), "-1", "zero or more"),
        (lambda: env_seconds(NAME, 1), "nan", "zero or more"),
        (lambda: env_seconds(NAME, 1), "inf", "zero or more"),
        (lambda: env_seconds(NAME, 1), "1e300", "too many"),
    ],
)
def test_an_unusable_value_is_refused_naming_the_variable(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], raw: str, problem: str
) -> None:
    monkeypatch.setenv(NAME, raw)

    with pytest.raises(EnvError) as caught:
        read()

    assert caught.value.name == NAME
    assert problem in caught.value.problem
    assert str(caught.value).startswith(f"environment variable {NAME}: ")


def test_a_home_that_nobody_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "~nobody-has-this-name/data")

    with pytest.raises(EnvError, match="not a usable path"):
        env_path(NAME, Path("/srv"))
