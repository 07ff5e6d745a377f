"""From a runtime's few words on where a call was made to the JSON that is stored."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath

from engine.log.return_values import JsonText
from engine.wit.json_values import JsonValue, dump_json

_MAX_CHARACTERS = 10_000


@lru_cache(maxsize=4096)
def read_stack(text: str) -> JsonText:
    """Return the stack of a call (`engine.log.backtraces`).

    Args:
        text: A line for each frame, the innermost first: ``order trips.py:42``, the function and where in its file it
            is. What reads otherwise is left out.
    """
    lines = text[:_MAX_CHARACTERS].split("\n")
    return JsonText(dump_json({"frames": [frame for line in lines if (frame := _frame(line)) is not None]}))


def _frame(line: str) -> JsonValue:
    function, _, place = line.partition(" ")
    path, _, number = place.rpartition(":")
    if not path or not number.isascii() or not number.isdigit() or len(number) > 9:
        return None
    symbol: JsonValue = {"func_name": function, "file": path, "line": int(number), "col": None}
    return {"module": PurePosixPath(path).stem, "func_name": function, "symbols": [symbol]}
