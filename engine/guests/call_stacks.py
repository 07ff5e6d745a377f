"""From a runtime's few words on where a call was made to the JSON that is stored."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath

from engine.log.return_values import JsonText
from engine.wit.json_values import JsonValue, dump_json

_MAX_CHARACTERS = 10_000
_FRAME = re.compile(
    r"(?P<function>[^ ]*) (?P<file>.+?):(?P<line>[0-9]{1,9})(:(?P<column>[0-9]{1,9}))?", re.ASCII | re.DOTALL
)


@lru_cache(maxsize=4096)
def read_stack(text: str) -> JsonText:
    """Return the stack of a call (`engine.log.backtraces`).

    Args:
        text: A line for each frame, the innermost first: ``order trips.py:42`` or ``order trips.js:42:7``, the function
            and where in its file it is. What reads otherwise is left out.
    """
    lines = text[:_MAX_CHARACTERS].split("\n")
    return JsonText(dump_json({"frames": [frame for line in lines if (frame := _frame(line)) is not None]}))


def _frame(line: str) -> JsonValue:
    found = _FRAME.fullmatch(line)
    if found is None:
        return None
    function, file, column = found["function"], found["file"], found["column"]
    symbol: JsonValue = {
        "func_name": function,
        "file": file,
        "line": int(found["line"]),
        "col": None if column is None else int(column),
    }
    return {"module": PurePosixPath(file).stem, "func_name": function, "symbols": [symbol]}
