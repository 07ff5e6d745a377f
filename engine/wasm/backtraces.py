"""Reading wasmtime's backtraces: for components its C interface has them in the text of errors only."""

from __future__ import annotations

import re

from engine.wit.options import JsonValue

_MAX_CHARACTERS = 50_000
_MAX_FRAMES = 50
_FRAME = re.compile(r"\s*\d+:\s+(0x[0-9a-f]+ - )?(?P<function>.+)")
_INLINED = re.compile(r"\s+- (?P<function>.+)")
_PLACE = re.compile(r"\s+at (?P<file>.+?)(:(?P<line>\d{1,9})(:(?P<column>\d{1,9}))?)?")
_UNKNOWN = "<unknown>"


def read_backtrace(text: str, *, module: str) -> JsonValue:
    """Return the frames of an error, as ``wasm-backtrace`` of ``obelisk:types/backtrace``, innermost first.

    Args:
        text: The error's text. Where it has source lines, what was inlined into a frame's function comes before that.
        module: Stands in for the names of modules that have none, or are not told.
    """
    frames: list[list[str]] = []
    for line in text[:_MAX_CHARACTERS].splitlines():
        if (begun := _FRAME.fullmatch(line)) is not None:
            frames.append([begun["function"]])
        elif frames and (_INLINED.fullmatch(line) or _PLACE.fullmatch(line)):
            frames[-1].append(line)
        elif frames:
            break
    return {"frames": [_frame(function, places, module) for function, *places in frames[:_MAX_FRAMES]]}


def _frame(function: str, places: list[str], module: str) -> JsonValue:
    if places:
        # wasmtime names no module where it knows the lines.
        names, symbols = _symbols(function, places)
        return {"module": module, "func_name": names[-1], "symbols": symbols}
    name, _, behind = function.partition("!")
    if not behind:
        return {"module": module, "func_name": function, "symbols": []}
    return {"module": module if name == _UNKNOWN else name, "func_name": behind, "symbols": []}


def _symbols(function: str, places: list[str]) -> tuple[list[str], list[JsonValue]]:
    """Return the names of functions, and where each is; ``places`` are lines below the first one's name."""
    names = [function]
    files: list[re.Match[str] | None] = [None]
    for line in places:
        if (inlined := _INLINED.fullmatch(line)) is not None:
            names.append(inlined["function"])
            files.append(None)
        else:
            files[-1] = _PLACE.fullmatch(line)
    return names, [_symbol(name, file) for name, file in zip(names, files, strict=True)]


def _symbol(name: str, place: re.Match[str] | None) -> JsonValue:
    if place is None:
        return {"func_name": name, "file": None, "line": None, "col": None}
    return {
        "func_name": name,
        "file": place["file"],
        "line": _number(place["line"]),
        "col": _number(place["column"]),
    }


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)
