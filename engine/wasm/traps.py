"""The one place that tells wasmtime's errors apart, by their text: component calls carry no trap code."""

from __future__ import annotations

import re

from engine.errors import Trap, TrapKind

_KINDS = (
    ("wasm trap: wasm `unreachable` instruction executed", TrapKind.UNREACHABLE),
    ("wasm trap: interrupt", TrapKind.INTERRUPTED),
    ("wasm trap: all fuel consumed by WebAssembly", TrapKind.OUT_OF_FUEL),
    ("wasm trap: call stack exhausted", TrapKind.STACK_OVERFLOW),
    ("exceeds memory limits", TrapKind.OUT_OF_MEMORY),
    ("exceeds table limits", TrapKind.OUT_OF_MEMORY),
    ("wasm trap: allocation size too large", TrapKind.OUT_OF_MEMORY),
)

_BACKTRACE = "error while executing at wasm backtrace:"
_CAUSE_NUMBER = re.compile(r"^\s*\d+: ")


def trap_from(text: str) -> Trap:
    """Return the trap that an error of wasmtime's is about.

    Args:
        text: The error's text: a backtrace, then what caused it; or only the cause.

    Returns:
        A trap whose message begins with the cause, the backtrace after it.
    """
    outer, caused_by, causes = text.partition("\nCaused by:\n")
    if not caused_by:
        outer, causes = "", text
    outer = outer.strip()
    has_backtrace = outer.startswith(_BACKTRACE)
    lines = [_CAUSE_NUMBER.sub("", line).strip() for line in causes.strip().splitlines()]
    if outer and not has_backtrace:
        lines.insert(0, outer)
    # What happened first; then where, from the outside in.
    lines.sort(key=lambda line: not line.startswith("wasm trap: "))
    if has_backtrace:
        lines.append(outer.replace(_BACKTRACE, "wasm backtrace:"))
    kind = next((kind for part, kind in _KINDS if part in causes), TrapKind.OTHER)
    return Trap(kind, "\n".join(lines))
