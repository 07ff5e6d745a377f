"""An execution's state and result in words.

Source:
    Obelisk reference, section 9.2: the JSON of ``pending_state`` and of return values.
"""

from __future__ import annotations

import json
from typing import Any


def kind_of(state: dict[str, Any]) -> str:
    """Return a state's kind in one word, for colours; a finished one's is how it ended."""
    status = str(state["status"])
    if status != "finished":
        return status
    return "ok" if state["result_kind"] == "ok" else "error"


def describe_state(state: dict[str, Any]) -> str:
    """Return one phrase that begins with the state's kind."""
    match state["status"]:
        case "locked":
            return "locked (running)"
        case "pending_at":
            return f"pending_at {state['scheduled_at']}"
        case "blocked_by_join_set":
            closing = ", closing" if state.get("closing") else ""
            return f"blocked_by_join_set {state['join_set_id']}{closing}"
        case "finished":
            return _describe_end(state["result_kind"])
        case other:
            return str(other)


def _describe_end(result_kind: Any) -> str:
    match result_kind:
        case "ok":
            return "ok"
        case {"err": {"execution_failure": kind}}:
            return f"error ({kind})"
        case _:
            return "error"


def is_ok(retval: Any) -> bool:
    """Tell whether a return value is a success."""
    return isinstance(retval, dict) and "ok" in retval


def describe_result(retval: Any) -> str:
    """Return a return value for people: a success alone, anything else with its name."""
    match retval:
        case {"ok": None}:
            return "ok"
        case {"ok": value}:
            return json.dumps(value, ensure_ascii=False)
        case {"err": value}:
            return f"error: {json.dumps(value, ensure_ascii=False)}"
        case {"execution_failed": {"kind": kind, **rest}}:
            details = [str(rest[key]) for key in ("reason", "detail") if rest.get(key)]
            return "\n".join([f"execution failed: {kind}", *details])
        case _:
            return json.dumps(retval, ensure_ascii=False)
