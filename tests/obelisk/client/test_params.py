from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from obelisk.client.api import ClientError
from obelisk.client.params import read_params


@pytest.mark.parametrize(
    ("values", "are_separate", "expected"),
    [
        ([], False, []),
        (["[1, 2]"], False, [1, 2]),
        (["[1, 2]"], True, [[1, 2]]),
        (["1", '"a"'], False, [1, "a"]),
        (["1", "null"], True, [1, None]),
    ],
)
def test_parameters_are_one_array_or_a_value_each(values: list[str], are_separate: bool, expected: list[Any]) -> None:
    assert read_params(values, are_separate=are_separate) == expected


def test_a_file_holds_a_value(tmp_path: Path) -> None:
    file = tmp_path / "params.json"
    file.write_text('["Größe", 1]')

    assert read_params([f"@{file}"], are_separate=False) == ["Größe", 1]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["7"], r"one JSON array, such as '\[7\]', or several values after --"),
        (["Ada"], "Ada is not JSON: .* \\(a string is written '\"Ada\"'\\)"),
        (["@/nowhere/params.json"], "/nowhere/params.json: No such file or directory"),
    ],
)
def test_what_is_no_parameter_is_refused_in_a_sentence(values: list[str], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        read_params(values, are_separate=False)


def test_only_what_may_be_a_string_is_taken_for_one() -> None:
    with pytest.raises(ClientError) as caught:
        read_params(['{"ok"'], are_separate=True)

    assert "a string is written" not in str(caught.value)
