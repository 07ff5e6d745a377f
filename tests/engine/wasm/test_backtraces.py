"""Reading wasmtime's text on where a guest was."""

from __future__ import annotations

from typing import Any

import pytest

from engine.wasm.backtraces import read_backtrace

NAMED = """\
error while executing at wasm backtrace:
    0:   0x8971 - <unknown>!<wasm function 0>
    1:    0x5d6 - climber.wasm!test:climber/workflow#climb
note: using the `WASMTIME_BACKTRACE_DETAILS=1` environment variable may show more debugging information

Caused by:
    host function failed: CallReached
"""
LINES = """\
error while executing at wasm backtrace:
    0:   0x8971 - <unknown>!<wasm function 0>
    1:    0x5d6 - add
                    at climber/src/lib.rs:9:1
                - climber::steps::sum_up
                    at climber/src/steps.rs:9
                - no_place
    2:    0x666 - climb
                    at C:\\my code\\lib.rs

Caused by:
    0: 0x1 - not a frame
"""


def _frames(text: str) -> list[dict[str, Any]]:
    found: Any = read_backtrace(text, module="climber")
    assert list(found) == ["frames"]
    frames: list[dict[str, Any]] = found["frames"]
    return frames


def _symbol(name: str, file: str | None = None, line: int | None = None, column: int | None = None) -> dict[str, Any]:
    return {"func_name": name, "file": file, "line": line, "col": column}


def test_frames_have_names_where_the_module_has() -> None:
    assert _frames(NAMED) == [
        {"module": "climber", "func_name": "<wasm function 0>", "symbols": []},
        {"module": "climber.wasm", "func_name": "test:climber/workflow#climb", "symbols": []},
    ]


def test_frames_have_lines_where_the_module_has_them() -> None:
    first, second, third = _frames(LINES)

    assert first["symbols"] == []
    assert second == {
        "module": "climber",
        "func_name": "no_place",
        "symbols": [
            _symbol("add", "climber/src/lib.rs", 9, 1),
            _symbol("climber::steps::sum_up", "climber/src/steps.rs", 9),
            _symbol("no_place"),
        ],
    }
    assert third["symbols"] == [_symbol("climb", "C:\\my code\\lib.rs")]


@pytest.mark.parametrize("text", ["", "host function failed: CallReached", "    at nowhere:1\n  - nothing"])
def test_without_a_backtrace_there_are_no_frames(text: str) -> None:
    assert _frames(text) == []


def test_of_many_frames_the_innermost_are_kept() -> None:
    text = "".join(f"  {number}:   0x1 - m!f{number}\n" for number in range(80))

    assert [frame["func_name"] for frame in _frames(text)] == [f"f{number}" for number in range(50)]
