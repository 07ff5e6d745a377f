"""Who keeps the interpreter lock while a guest runs, and that nobody starves by it."""

from __future__ import annotations

import threading
import time

import pytest

from engine.errors import Trap, TrapKind
from engine.wasm.engine import WasmEngine
from engine.wasm.gil_choice import GilChoice
from engine.wasm.linking import LinkedComponent
from tests.engine.wasm.guests import GUEST, SPIN, leaf, linked
from tests.harness.eventually import PATIENCE_S

ANSWER = leaf("(result i32) (i32.const 42)")


def known_for_short_calls(program: LinkedComponent) -> GilChoice:
    """Let a function look as if its calls had always been short."""
    choice = program.target(GUEST, "run").choice
    for _ in range(100):
        choice.note(0.00005)
    return choice


def test_the_lock_is_given_up_until_a_call_was_short() -> None:
    choice = GilChoice()
    seen = []
    for stretch_s in (0.002, 0.001, 0.00005, 0.0001):
        seen.append(choice.keeps_gil())
        choice.note(stretch_s)

    assert seen == [False] * 3 + [True]


def test_the_lock_is_given_up_soon_where_only_the_first_call_was_short() -> None:
    choice = GilChoice()
    choice.note(0.00005)
    choice.note(0.01)

    assert not choice.keeps_gil()


def test_a_slow_first_call_says_nothing_of_the_others() -> None:
    choice = GilChoice()
    for stretch_s in (0.2, 0.00005, 0.0001, 0.00005, 0.0001):
        choice.note(stretch_s)

    assert choice.keeps_gil()


def test_a_thread_that_was_put_aside_is_no_guest_that_computes() -> None:
    choice = GilChoice()
    for number in range(1000):
        choice.note(0.004 if number % 100 == 99 else 0.00005)
        assert number < 10 or choice.keeps_gil()


def test_the_lock_is_given_up_once_guests_compute_and_kept_again_when_they_do_not() -> None:
    choice = GilChoice()
    for _ in range(100):
        choice.note(0.00005)
    for _ in range(20):
        choice.note(0.01)
    assert not choice.keeps_gil()

    for _ in range(300):
        choice.note(0.00005)
    assert choice.keeps_gil()


def test_short_calls_come_to_keep_the_lock(engine: WasmEngine) -> None:
    program = linked(engine, ANSWER)

    for _ in range(10):
        assert program.call(GUEST, "run", []) == 42

    assert program.target(GUEST, "run").choice.keeps_gil()


def test_a_guest_that_loops_with_the_lock_is_stopped_in_time(engine: WasmEngine) -> None:
    program = linked(engine, SPIN)
    known_for_short_calls(program)
    started = time.monotonic()

    with pytest.raises(Trap) as caught:
        program.call(GUEST, "run", [], deadline=0.2)

    assert caught.value.kind is TrapKind.INTERRUPTED
    assert 0.15 < time.monotonic() - started < PATIENCE_S


def test_other_threads_go_on_beside_a_guest_that_loops_with_the_lock(engine: WasmEngine) -> None:
    program = linked(engine, SPIN)
    known_for_short_calls(program)
    turns = 0
    is_over = threading.Event()

    def take_turns() -> None:
        nonlocal turns
        while not is_over.wait(0.001):
            turns += 1

    neighbour = threading.Thread(target=take_turns)
    neighbour.start()
    with pytest.raises(Trap):
        program.call(GUEST, "run", [], deadline=0.5)
    is_over.set()
    neighbour.join()

    # One turn an epoch is what it gets at least; a guest that never gave the lock up would leave it none.
    assert turns >= 10


def test_a_guest_that_was_caught_computing_gives_the_lock_up_next_time(engine: WasmEngine) -> None:
    program = linked(engine, SPIN)
    choice = known_for_short_calls(program)

    with pytest.raises(Trap):
        program.call(GUEST, "run", [], deadline=0.2)

    assert not choice.keeps_gil()
