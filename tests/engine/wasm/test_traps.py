from __future__ import annotations

import pytest

from engine.errors import Trap, TrapKind
from engine.wasm.engine import WasmEngine
from engine.wasm.traps import trap_from
from tests.engine.wasm.guests import GUEST, leaf, linked


@pytest.mark.parametrize(
    ("body", "declarations", "kind", "first_line"),
    [
        ("unreachable", "", TrapKind.UNREACHABLE, "wasm trap: wasm `unreachable` instruction executed"),
        ("(call $run)", "", TrapKind.STACK_OVERFLOW, "wasm trap: call stack exhausted"),
        ("(i32.div_u (i32.const 1) (i32.const 0))", "", TrapKind.OTHER, "wasm trap: integer divide by zero"),
        ("(i32.load (i32.const -8))", "(memory 1)", TrapKind.OTHER, "wasm trap: out of bounds memory access"),
        (
            "(call_indirect (result i32) (i32.const 0))",
            "(table 1 funcref)",
            TrapKind.OTHER,
            "wasm trap: uninitialized element",
        ),
    ],
)
def test_traps_are_told_apart(
    engine: WasmEngine, body: str, declarations: str, kind: TrapKind, first_line: str
) -> None:
    with pytest.raises(Trap) as caught:
        linked(engine, leaf(f"(result i32) {body}", declarations=declarations)).call(GUEST, "run", [])

    assert caught.value.kind is kind
    assert caught.value.message.splitlines()[0] == first_line
    assert "wasm backtrace:" in caught.value.message


def test_an_error_without_backtrace_is_its_own_message() -> None:
    trap = trap_from("wasm trap: cannot enter component instance\n")

    assert (trap.kind, trap.message) == (TrapKind.OTHER, "wasm trap: cannot enter component instance")


def test_what_stands_around_the_cause_comes_after_it() -> None:
    trap = trap_from("outer\n\nCaused by:\n    0: while doing so\n    1: wasm trap: interrupt\n")

    assert (trap.kind, trap.message) == (TrapKind.INTERRUPTED, "wasm trap: interrupt\nouter\nwhile doing so")


def test_an_empty_error_is_a_trap_nevertheless() -> None:
    assert trap_from("").kind is TrapKind.OTHER
