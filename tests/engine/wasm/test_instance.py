from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.errors import LinkError, Trap, TrapKind, ValueMismatch, WasmError
from engine.wasm.component import compile_component
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wasm.instance import Instance, InstanceLimits, nesting_depth
from engine.wasm.linking import LinkedComponent, link
from tests.engine.wasm.guests import API, CALLER, GUEST, MEMORY, OPTIONS, SPIN, leaf, linked, resident_bytes
from tests.harness.eventually import PATIENCE_S

PROBE = "test:probe/activity"
PROBE_WASM = Path(__file__).parents[2] / "components" / "probe" / "probe.wasm"


def run(engine: WasmEngine, text: str, *args: Any, **options: Any) -> Any:
    return linked(engine, text).call(GUEST, "run", args, **options)


def trap_of(engine: WasmEngine, text: str, **options: Any) -> Trap:
    with pytest.raises(Trap) as caught:
        run(engine, text, **options)
    return caught.value


@pytest.fixture(scope="module")
def probe(engine: WasmEngine) -> LinkedComponent:
    log = {
        level: HostFunction(call=lambda context, line, level=level: context.append((level, line)))
        for level in ("trace", "debug", "info", "warn", "error")
    }
    component = compile_component(engine, PROBE_WASM.read_bytes())
    return link(engine, component, {"obelisk:log/log@1.0.0": HostInterface(functions=log)})


PERSON = {"first_name": "Ada", "age": 36, "nick_name": None}


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("bool", True),
        ("u8", 255),
        ("u16", 65535),
        ("u32", (1 << 32) - 1),
        ("u64", (1 << 64) - 1),
        ("s8", -128),
        ("s16", -32768),
        ("s32", -(1 << 31)),
        ("s64", -(1 << 63)),
        ("f32", 0.5),
        ("f64", 0.1),
        ("f64", float("-inf")),
        ("char", "\U0001f600"),
        ("string", "a\0é\U0001f600" * 100),
        ("bytes", [0, 255] * 1000),
        ("strings", ["", "b", "c" * 10_000]),
        ("matrix", [[1.5, -0.0], [], [2.5]]),
        ("option", None),
        ("option", 0),
        ("nested-option", None),
        ("nested-option", {"some": None}),
        ("nested-option", 7),
        ("tuple", [1, "two", False]),
        ("record", PERSON),
        ("records", [PERSON, {**PERSON, "nick_name": "A"}]),
        ("variant", "nothing_at_all"),
        ("variant", {"circle": 1.5}),
        ("variant", {"poly_line": [{"x": 1, "y": -1}]}),
        ("variant", {"named": PERSON}),
        ("enum", "dark_amber"),
        ("flags", []),
        ("flags", ["read", "run_as_root"]),
        ("two-byte-flags", ["january", "december"]),
        ("four-byte-flags", ["b0", "b19"]),
        ("result", {"ok": 1}),
        ("result", {"err": "no"}),
        ("unit-result", {"ok": None}),
        ("unit-result", {"err": None}),
    ],
)
def test_every_kind_of_value_goes_through_a_component(probe: LinkedComponent, function: str, value: Any) -> None:
    found = probe.call(PROBE, f"echo-{function}", [value])

    assert repr(found) == repr({"ok": value})


def test_many_parameters_go_through_memory(probe: LinkedComponent) -> None:
    texts = [f"text {number}" for number in range(9)]

    assert probe.call(PROBE, "echo-nine-strings", texts) == {"ok": texts}


def test_the_context_of_the_call_reaches_host_functions(probe: LinkedComponent) -> None:
    lines: list[tuple[str, str]] = []

    probe.call(PROBE, "log-lines", ["hello"], context=lines)

    assert lines == [(level, "hello") for level in ("trace", "debug", "info", "warn", "error")]


def test_every_call_has_a_fresh_instance(probe: LinkedComponent) -> None:
    assert [probe.call(PROBE, "count-calls", []) for _ in range(2)] == [{"ok": 1}, {"ok": 1}]


def test_calls_of_one_instance_share_its_state(probe: LinkedComponent) -> None:
    with probe.instantiate() as instance:
        assert [instance.call(PROBE, "count-calls", []) for _ in range(2)] == [{"ok": 1}, {"ok": 2}]


def test_a_closed_instance_cannot_be_called(probe: LinkedComponent) -> None:
    instance = probe.instantiate()
    instance.close()
    instance.close()

    with pytest.raises(WasmError, match="closed"):
        instance.call(PROBE, "count-calls", [])


def test_a_running_instance_can_neither_be_closed_nor_entered(engine: WasmEngine) -> None:
    refusals: list[str] = []

    def step(context: list[Instance], x: int) -> dict[str, int]:
        with pytest.raises(WasmError) as caught:
            context[0].close()
        refusals.append(str(caught.value))
        with pytest.raises(WasmError) as caught:
            context[0].call(GUEST, "sum", [1])
        refusals.append(str(caught.value))
        return {"ok": x}

    context: list[Instance] = []
    with linked(engine, CALLER, step=step).instantiate(context=context) as instance:
        context.append(instance)
        assert instance.call(GUEST, "sum", [1]) == 1
        assert instance.call(GUEST, "sum", [1]) == 1

    assert refusals == ["this instance runs and cannot be closed", "this instance runs already"] * 2


def test_a_function_of_no_interface_is_called_with_an_empty_interface_name(engine: WasmEngine) -> None:
    bare = leaf("(result i32) (i32.const 7)").replace(
        f'(export "{GUEST}" (instance $guest))', '(export "f" (func $run))'
    )

    assert linked(engine, bare).call("", "f", []) == 7


def test_a_function_without_result_returns_none(engine: WasmEngine) -> None:
    assert run(engine, leaf("(param i32)", signature='(param "x" u8)'), 1) is None


@pytest.mark.parametrize(("export", "function"), [(GUEST, "walk"), ("test:guest/walk", "run"), ("", "run")])
def test_calling_what_is_not_exported_is_refused(engine: WasmEngine, export: str, function: str) -> None:
    with pytest.raises(LinkError, match="exports no function"):
        linked(engine, leaf("(result i32) (i32.const 7)")).call(export, function, [])


def test_an_ill_typed_argument_is_refused_with_its_path(probe: LinkedComponent) -> None:
    with pytest.raises(ValueMismatch) as caught:
        probe.call(PROBE, "echo-records", [[PERSON, {**PERSON, "age": 300}]])

    assert caught.value.path == "params[0][1].age"


def test_a_wrong_number_of_arguments_is_refused(probe: LinkedComponent) -> None:
    with pytest.raises(ValueMismatch, match="parameter cardinality mismatch, expected: 2, specified: 1"):
        probe.call(PROBE, "add", [1])


def test_post_return_runs_by_itself(engine: WasmEngine) -> None:
    text = f"""(component {MEMORY}
      (core module $m
        (import "memory" "memory" (memory 1))
        (global $freed (mut i32) (i32.const 0))
        (func (export "run") (result i32)
          (i32.store (i32.const 32) (i32.const 48)) (i32.store (i32.const 36) (i32.const 1))
          (i32.store8 (i32.const 48) (i32.add (i32.const 48) (global.get $freed)))
          (i32.const 32))
        (func (export "free") (param i32) (global.set $freed (i32.add (global.get $freed) (i32.const 1)))))
      (core instance $i (instantiate $m (with "memory" (instance $memory))))
      (func $run (result string) (canon lift (core func $i "run") {OPTIONS} (post-return (core func $i "free"))))
      (instance $guest (export "run" (func $run)))
      (export "{GUEST}" (instance $guest)))"""

    with linked(engine, text).instantiate() as instance:
        assert [instance.call(GUEST, "run", []) for _ in range(3)] == ["0", "1", "2"]


def test_unreachable_traps(engine: WasmEngine) -> None:
    trap = trap_of(engine, leaf("(result i32) unreachable"))

    assert trap.kind is TrapKind.UNREACHABLE
    assert trap.message.splitlines()[0] == "wasm trap: wasm `unreachable` instruction executed"
    assert "run" in trap.message


def test_deep_recursion_traps(engine: WasmEngine) -> None:
    assert trap_of(engine, leaf("(result i32) (call $run)")).kind is TrapKind.STACK_OVERFLOW


def test_an_endless_loop_is_interrupted_at_its_deadline(engine: WasmEngine) -> None:
    started = time.monotonic()

    trap = trap_of(engine, SPIN, deadline=0.1)

    assert trap.kind is TrapKind.INTERRUPTED
    # Some 10 ms late where a core is free; the rest is for machines that have none.
    assert 0.1 <= time.monotonic() - started < PATIENCE_S


def test_a_deadline_in_the_past_interrupts_at_once(engine: WasmEngine) -> None:
    assert trap_of(engine, SPIN, deadline=0.0).kind is TrapKind.INTERRUPTED


def test_an_endless_start_function_is_interrupted(engine: WasmEngine) -> None:
    text = leaf("(result i32) unreachable", declarations="(func $s (loop $again (br $again))) (start $s)")

    assert trap_of(engine, text, deadline=0.05).kind is TrapKind.INTERRUPTED


def test_a_long_run_within_its_deadline_is_left_alone(engine: WasmEngine) -> None:
    # Longer than several looks at the deadline.
    text = leaf(
        """(result i32) (local $n i64)
        (loop $again
          (local.set $n (i64.add (local.get $n) (i64.const 1)))
          (br_if $again (i64.lt_u (local.get $n) (i64.const 300000000))))
        (i32.const 1)"""
    )

    assert run(engine, text, deadline=60.0) == 1


def test_a_host_function_can_extend_the_deadline(engine: WasmEngine) -> None:
    def step(context: list[Instance], x: int) -> dict[str, int]:
        if x == 255:
            context[0].set_deadline(30.0)
            threading.Event().wait(0.1)
        return {"ok": x}

    context: list[Instance] = []
    with linked(engine, CALLER, step=step).instantiate(context=context, deadline=0.05) as instance:
        context.append(instance)
        found = instance.call(GUEST, "sum", [255])

    assert found == sum(range(256))


def test_time_spent_in_host_functions_counts(engine: WasmEngine) -> None:
    def step(context: object, x: int) -> dict[str, int]:
        threading.Event().wait(0.1)
        return {"ok": x}

    with pytest.raises(Trap) as caught:
        linked(engine, CALLER, step=step).call(GUEST, "sum", [255], deadline=0.05)

    assert caught.value.kind is TrapKind.INTERRUPTED


def test_a_run_can_be_interrupted_from_another_thread(engine: WasmEngine) -> None:
    with linked(engine, SPIN).instantiate() as instance:
        timer = threading.Timer(0.05, instance.interrupt)
        timer.start()

        with pytest.raises(Trap) as caught:
            instance.call(GUEST, "run", [])
        timer.join()

    assert caught.value.kind is TrapKind.INTERRUPTED


def test_a_guest_that_asks_for_too_much_memory_is_told_so(engine: WasmEngine) -> None:
    text = leaf("(result i32) (memory.grow (i32.const 100))", declarations="(memory 1)")

    assert run(engine, text, limits=InstanceLimits(memory_bytes=1 << 20)) == (1 << 32) - 1
    assert run(engine, text, limits=InstanceLimits(memory_bytes=10 << 20)) == 1


def test_a_rust_guest_is_told_that_its_memory_is_used_up(probe: LinkedComponent) -> None:
    limits = InstanceLimits(memory_bytes=16 << 20)

    assert probe.call(PROBE, "eat-memory", [8], limits=limits) == {"ok": 8}
    assert probe.call(PROBE, "eat-memory", [64], limits=limits) == {"err": None}


@pytest.mark.parametrize("declarations", ["(memory 100)", "(table 100 funcref)"])
def test_a_guest_that_needs_too_much_from_the_start_cannot_start(engine: WasmEngine, declarations: str) -> None:
    text = leaf("(result i32) (i32.const 1)", declarations=declarations)

    trap = trap_of(engine, text, limits=InstanceLimits(memory_bytes=1 << 20, table_elements=10))

    assert trap.kind is TrapKind.OUT_OF_MEMORY


def test_memory_of_one_instance_is_not_seen_by_the_next(engine: WasmEngine) -> None:
    text = leaf(
        """(result i32) (local $before i32)
        (local.set $before (i32.load (i32.const 60000)))
        (i32.store (i32.const 60000) (i32.const 7))
        (drop (memory.grow (i32.const 10)))
        (i32.store (i32.const 600000) (i32.const 7))
        (local.get $before)""",
        declarations="(memory 1)",
    )
    caller = linked(engine, text)

    assert [caller.call(GUEST, "run", []) for _ in range(5)] == [0] * 5


def test_fuel_runs_out() -> None:
    engine = WasmEngine.for_process(WasmSettings(consume_fuel=True, pool_slots=10))

    assert trap_of(engine, SPIN, limits=InstanceLimits(fuel=10_000)).kind is TrapKind.OUT_OF_FUEL
    assert run(engine, leaf("(result i32) (i32.const 1)")) == 1


def test_an_instance_that_serves_more_than_one_call_is_refuelled_between_them() -> None:
    engine = WasmEngine.for_process(WasmSettings(consume_fuel=True, pool_slots=10))
    work = """(result i32) (local $n i32) (local.set $n (i32.const 1000))
      (loop $next (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $n)"""
    component = linked(engine, leaf(work))

    with component.instantiate(limits=InstanceLimits(fuel=10_000)) as instance:
        for _ in range(5):
            instance.refuel(10_000)
            assert instance.call(GUEST, "run", []) == 0
        with pytest.raises(Trap) as caught:
            list(map(instance.call, [GUEST] * 5, ["run"] * 5, [[]] * 5))

    assert caught.value.kind is TrapKind.OUT_OF_FUEL


def test_limiting_fuel_that_is_not_counted_is_refused(engine: WasmEngine) -> None:
    with pytest.raises(WasmError, match="fuel"):
        run(engine, SPIN, limits=InstanceLimits(fuel=1))


def test_a_dead_instance_cannot_be_entered_again(engine: WasmEngine) -> None:
    with linked(engine, leaf("(result i32) unreachable")).instantiate() as instance:
        with pytest.raises(Trap):
            instance.call(GUEST, "run", [])

        with pytest.raises(Trap) as caught:
            instance.call(GUEST, "run", [])

    assert "cannot enter component instance" in caught.value.message


def test_calls_nest_up_to_a_limit(engine: WasmEngine) -> None:
    depths: list[int] = []

    def step(context: LinkedComponent, x: int) -> dict[str, Any]:
        depths.append(nesting_depth())
        return {"ok": context.call(GUEST, "sum", [1], context=context)}

    caller = linked(engine, CALLER, step=step)

    with pytest.raises(Trap) as caught:
        caller.call(GUEST, "sum", [1], context=caller)

    assert caught.value.kind is TrapKind.STACK_OVERFLOW
    assert depths == [1, 2, 3, 4, 5]
    assert nesting_depth() == 0


def test_wasm_stacks_nest_as_deep_as_allowed(engine: WasmEngine) -> None:
    # Uses its stack up to the limit, then calls the host, which calls the next one.
    text = f"""(component
      (import "{API}" (instance $api (export "step" (func (param "x" u8)))))
      (core func $step (canon lower (func $api "step")))
      (core module $m
        (import "api" "step" (func $step (param i32)))
        (func $run (export "run") (param $n i32) (result i32)
          (if (i32.eqz (local.get $n)) (then (call $step (i32.const 0)) (return (i32.const 0))))
          (i32.add (i32.const 1) (call $run (i32.sub (local.get $n) (i32.const 1))))))
      (core instance $i (instantiate $m (with "api" (instance (export "step" (func $step))))))
      (func $run (param "n" u32) (result u32) (canon lift (core func $i "run")))
      (instance $guest (export "run" (func $run)))
      (export "{GUEST}" (instance $guest)))"""
    deepest = 1

    def step(context: LinkedComponent, x: int) -> None:
        if nesting_depth() < engine.settings.max_nesting:
            context.call(GUEST, "run", [deepest], context=context)

    nested = linked(engine, text, step=step)

    def fits(depth: int) -> bool:
        try:
            linked(engine, text, step=lambda context, x: None).call(GUEST, "run", [depth])
        except Trap:
            return False
        return True

    while fits(2 * deepest):
        deepest *= 2
    result = ThreadPoolExecutor(1).submit(nested.call, GUEST, "run", [deepest], context=nested).result()

    assert result == deepest


def test_failing_calls_keep_no_memory(engine: WasmEngine) -> None:
    def step(context: Any, x: int) -> dict[str, Any]:
        raise LookupError("x" * 1000)

    caller = linked(engine, CALLER, step=step)

    def once() -> None:
        with pytest.raises(LookupError):
            caller.call(GUEST, "sum", [1])

    for _ in range(300):
        once()
    before = resident_bytes()
    for _ in range(3000):
        once()

    assert resident_bytes() - before < 3_000_000


def test_calls_with_large_values_keep_no_memory(probe: LinkedComponent) -> None:
    texts = ["x" * 1000] * 50

    def once() -> None:
        probe.call(PROBE, "echo-strings", [texts])

    for _ in range(100):
        once()
    before = resident_bytes()
    for _ in range(500):
        once()

    assert resident_bytes() - before < 5_000_000
