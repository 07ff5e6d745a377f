"""Answering questions about a workflow's state: its queries, and the local variables of its frames."""

from __future__ import annotations

import sys
from collections.abc import Collection
from types import FrameType
from typing import Any

from engine.guests.python.runtime.loading import Program
from engine.guests.python.runtime.tracebacks import format_error
from obelisk.backends import RefusingBackend, active
from obelisk.functions import Function
from obelisk.signatures import describe_error

_MOST_FRAMES = 50
_MOST_LOCALS = 200
_MOST_CHARACTERS = 200


class _LookingBackend(RefusingBackend):
    """A query only looks: whatever would write to the event log is refused."""

    def __init__(self) -> None:
        super().__init__(
            call=lambda function: f"a query only looks: {function.name}() would write to the event log",
            verb=lambda verb: f"a query only looks: {verb}() would write to the event log",
        )

    def call(self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Any) -> Any:
        if function.kind == "query":
            return function.fn(*args, **kwargs)
        return super().call(function, args, kwargs, options)


def answer_question(program: Program, question: dict[str, Any]) -> dict[str, Any]:
    """Answer ``{"ask": "locals"}`` or ``{"ask": "query", "name": .., "params": [..]}``."""
    if question["ask"] == "locals":
        return {"frames": _frames(sys._getframe(1), program.paths)}
    return answer_query(program, question["name"], question["params"])


def answer_query(program: Program, name: str, params: list[Any]) -> dict[str, Any]:
    """Call a query function and return ``{"ok": value}``, ``{"err": .., "trace": ..}`` or ``{"unknown": [names]}``."""
    queries = {function.name: function for function in program.functions if function.kind == "query"}
    function = queries.get(name) or next((each for each in queries.values() if each.wit == name), None)
    if function is None:
        return {"unknown": sorted(queries)}
    try:
        with active(_LookingBackend()):
            result = function.fn(*function.signature.decode_params(params))
        return {"ok": function.signature.encode_result(result)}
    except BaseException as error:  # noqa: BLE001  # whatever leaves the function is its answer
        program.show_sources()
        return {"err": describe_error(error), "trace": format_error(error, program.paths)}


def _frames(frame: FrameType | None, paths: Collection[str]) -> list[dict[str, Any]]:
    """Return the frames of the component's files that wait, the innermost first."""
    found: list[dict[str, Any]] = []
    while frame is not None and len(found) < _MOST_FRAMES:
        code = frame.f_code
        if code.co_filename in paths:
            variables = list(frame.f_locals.items())[:_MOST_LOCALS]
            found.append(
                {
                    "function": code.co_qualname,
                    "file": code.co_filename,
                    "line": frame.f_lineno,
                    "locals": {name: _shown(value) for name, value in variables},
                }
            )
        frame = frame.f_back
    return found


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except BaseException as error:  # noqa: BLE001  # the component's own code, which must not spoil the rest
        text = f"<{type(value).__name__}, whose repr fails with {type(error).__name__}>"
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
