from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import WasmError
from engine.wasm import fork_guard
from engine.wasm.compile_cache import CompileCache
from engine.wasm.component import compile_component
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wasm.linking import link
from tests.engine.wasm.guests import CALLER, GUEST, SPIN, compiled, leaf, linked, wasm

ANSWER = leaf("(result i32) (i32.const 42)")


def in_child(work: Callable[[], None]) -> None:
    """Run something in a forked process, and fail if it fails or hangs."""
    child = os.fork()
    if child == 0:
        # A hang is answered by the kernel, since the interpreter may be the one that hangs.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # the child must not go on as a second test run
            os.write(2, repr(error).encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0


@pytest.fixture(autouse=True)
def _this_process_has_compiled(engine: WasmEngine) -> Iterator[None]:
    compiled(engine, ANSWER)
    yield
    fork_guard.may_compile_before_fork()


def test_a_child_of_a_process_that_has_compiled_compiles_with_an_engine_of_its_own(engine: WasmEngine) -> None:
    def work() -> None:
        own = WasmEngine.for_process(engine.settings)
        assert own is not engine
        assert linked(own, ANSWER).call(GUEST, "run", []) == 42

    in_child(work)


def test_an_inherited_engine_refuses_to_compile_instead_of_hanging(engine: WasmEngine) -> None:
    def work() -> None:
        with pytest.raises(WasmError, match="would hang"):
            compile_component(engine, wasm(CALLER))

    in_child(work)


def test_a_child_loads_what_was_compiled_ahead_of_time(engine: WasmEngine, tmp_path: Path) -> None:
    digest = CompileCache(tmp_path / "cache").compile(engine, wasm(ANSWER)).digest

    def work() -> None:
        own = WasmEngine.for_process(engine.settings)
        component = CompileCache(tmp_path / "cache").load(own, digest)
        assert component is not None
        assert link(own, component, {}).call(GUEST, "run", []) == 42

    in_child(work)


def test_a_component_linked_before_the_fork_runs_in_the_child(engine: WasmEngine) -> None:
    answer = linked(engine, ANSWER)
    assert answer.call(GUEST, "run", []) == 42

    in_child(lambda: None if answer.call(GUEST, "run", []) == 42 else os._exit(2))


def test_deadlines_work_in_the_child(engine: WasmEngine) -> None:
    spin = linked(engine, SPIN)
    # The clock's thread is alive here, and does not exist in the child.
    engine.clock.ensure_ticking()

    def work() -> None:
        with pytest.raises(WasmError, match="interrupt"):
            spin.call(GUEST, "run", [], deadline=0.05)

    in_child(work)


def test_a_process_may_be_told_not_to_compile(engine: WasmEngine) -> None:
    fork_guard.must_not_compile_before_fork("it forks workers")

    with pytest.raises(WasmError, match="must not compile WebAssembly: it forks workers"):
        compile_component(engine, wasm(CALLER))


def test_the_children_of_a_process_that_must_not_compile_may(engine: WasmEngine) -> None:
    fork_guard.must_not_compile_before_fork("it forks workers")

    def work() -> None:
        compiled(WasmEngine(WasmSettings(pool_slots=2)), CALLER)

    in_child(work)


def test_an_engine_that_compiles_on_one_thread_is_safe_in_children() -> None:
    serial = WasmEngine(WasmSettings(is_parallel_compilation=False, pool_slots=2))

    in_child(lambda: None if linked(serial, ANSWER).call(GUEST, "run", []) == 42 else os._exit(2))
