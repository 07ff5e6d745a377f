from __future__ import annotations

import json
from typing import Any

import pytest

from engine.guests.call_stacks import read_stack


def _frames(text: str) -> Any:
    return json.loads(read_stack(text))["frames"]


@pytest.mark.parametrize(
    ("line", "module", "function", "symbol"),
    [
        ("order trips.py:42", "trips", "order", ("trips.py", 42, None)),
        ("order a/b c/trips.js:42:7", "trips", "order", ("a/b c/trips.js", 42, 7)),
        ("get\u00a0total C:trips.js:42:7", "C:trips", "get\u00a0total", ("C:trips.js", 42, 7)),
        ("<anonymous> 1:2:3", "1", "<anonymous>", ("1", 2, 3)),
    ],
)
def test_a_line_is_a_frame(line: str, module: str, function: str, symbol: tuple[str, int, int | None]) -> None:
    file, number, column = symbol

    assert _frames(line) == [
        {
            "module": module,
            "func_name": function,
            "symbols": [{"func_name": function, "file": file, "line": number, "col": column}],
        }
    ]


@pytest.mark.parametrize("line", ["", "order", "order trips.py", "order trips.py:x", "order :42", "f a.py:9999999999"])
def test_what_is_no_frame_is_left_out(line: str) -> None:
    assert [frame["func_name"] for frame in _frames(f"a x.py:1\n{line}\nb y.py:2\n")] == ["a", "b"]
