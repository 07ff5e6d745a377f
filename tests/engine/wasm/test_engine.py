from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from engine.errors import InvalidComponent
from engine.wasm.component import compile_component
from engine.wasm.engine import Allocation, WasmEngine, WasmSettings
from tests.engine.wasm.guests import CALLER, GUEST, leaf, linked, wasm


def test_a_process_has_one_engine_for_the_same_settings() -> None:
    settings = WasmSettings(pool_slots=3)
    found: list[WasmEngine] = []

    threads = [threading.Thread(target=lambda: found.append(WasmEngine.for_process(settings))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(map(id, found))) == 1
    assert WasmEngine.for_process(WasmSettings()) is not found[0]


@pytest.mark.parametrize("allocation", list(Allocation))
def test_both_ways_to_allocate_run_components(allocation: Allocation) -> None:
    engine = WasmEngine(WasmSettings(allocation=allocation, pool_slots=2))
    component = linked(engine, CALLER, step=lambda context, x: {"ok": x})

    assert [component.call(GUEST, "sum", [3]) for _ in range(5)] == [6] * 5


def test_more_instances_than_slots_are_refused_until_one_is_closed() -> None:
    engine = WasmEngine(WasmSettings(allocation=Allocation.POOLING, pool_slots=1))
    component = linked(engine, leaf("(result i32) (i32.const 1)", declarations="(memory 1)"))

    with component.instantiate(), pytest.raises(Exception, match="limit of 1"):
        component.instantiate()

    assert component.call(GUEST, "run", []) == 1


def test_the_pool_is_left_alone_where_the_address_space_is_limited() -> None:
    script = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (64 << 30, resource.RLIM_INFINITY))
from engine.wasm.engine import WasmEngine, WasmSettings
WasmEngine(WasmSettings())
print("alive")
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "alive\n"


@pytest.mark.parametrize(
    "wrong",
    [{"max_wasm_stack_bytes": 0}, {"max_wasm_stack_bytes": 1 << 40}, {"pool_slots": 0}, {"max_nesting": 0}],
    ids=repr,
)
def test_settings_that_wasmtime_would_die_of_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        WasmSettings(**wrong)  # type: ignore[arg-type]  # numbers alone


def test_a_large_wasm_stack_is_allowed() -> None:
    engine = WasmEngine(WasmSettings(max_wasm_stack_bytes=4 << 20, pool_slots=2))

    assert linked(engine, leaf("(result i32) (i32.const 1)")).call(GUEST, "run", []) == 1


def test_what_compiled_code_depends_on_shows_in_the_fingerprint() -> None:
    assert WasmSettings().fingerprint() == WasmSettings(pool_slots=5).fingerprint()
    assert WasmSettings().fingerprint() != WasmSettings(consume_fuel=True).fingerprint()
    assert WasmSettings().fingerprint() != WasmSettings(has_source_lines=True).fingerprint()


@pytest.mark.parametrize("before", [None, "0"])
def test_reading_source_lines_leaves_the_environment_as_it_was(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "WASMTIME_BACKTRACE_DETAILS"
    monkeypatch.delenv(name, raising=False)
    if before is not None:
        monkeypatch.setenv(name, before)

    WasmEngine(WasmSettings(allocation=Allocation.ON_DEMAND, has_source_lines=True))

    assert os.environ.get(name) == before


@pytest.mark.parametrize(
    "declarations",
    ["(memory 1 1 shared)", "(func (i32.atomic.store (i32.const 0) (i32.const 0))) (memory 1)"],
    ids=["shared memory", "atomics"],
)
def test_threads_are_refused(engine: WasmEngine, declarations: str) -> None:
    with pytest.raises(InvalidComponent, match="thread"):
        compile_component(engine, wasm(leaf("(result i32) (i32.const 1)", declarations=declarations)))


def test_a_nan_is_the_same_on_every_machine(engine: WasmEngine) -> None:
    # A machine's own NaN of 0/0 differs in its sign between processors.
    text = leaf("(result i32) (i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0)))")

    assert linked(engine, text).call(GUEST, "run", []) == 0x7FC00000


def test_many_threads_run_at_once(engine: WasmEngine) -> None:
    barrier = threading.Barrier(8)

    def step(context: Any, x: int) -> Any:
        # Passes only when eight guests are in it at once.
        barrier.wait(30)
        return {"ok": x}

    component = linked(engine, CALLER, step=step)
    sums: list[Any] = []
    threads = [threading.Thread(target=lambda: sums.append(component.call(GUEST, "sum", [2]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sums == [3] * 8
