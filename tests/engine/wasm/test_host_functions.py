from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.errors import RunSuspended, Trap, TrapKind, ValueMismatch
from engine.wasm.engine import WasmEngine
from engine.wasm.host_functions import HostFunction, HostInterface, HostResource
from engine.wasm.linking import LinkedComponent, link
from tests.engine.wasm.guests import API, CALLER, GUEST, MEMORY, OPTIONS, compiled, leaf, linked


def test_arguments_and_results_pass_between_guest_and_host(engine: WasmEngine) -> None:
    caller = linked(engine, CALLER, step=lambda context, x: {"ok": x * (1 << 50)})

    assert caller.call(GUEST, "sum", [3]) == 6 << 50


@pytest.mark.parametrize("kind", [LookupError, KeyboardInterrupt, SystemExit, RunSuspended, StopIteration])
def test_whatever_a_host_function_raises_comes_out_of_the_call(engine: WasmEngine, kind: type[BaseException]) -> None:
    raised = kind("why")

    def step(context: object, x: int) -> None:
        raise raised

    with pytest.raises(kind) as caught:
        linked(engine, CALLER, step=step).call(GUEST, "sum", [3])

    assert caught.value is raised
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_run_forgets_what_was_raised(engine: WasmEngine) -> None:
    class Raised(Exception):
        pass

    def step(context: object, x: int) -> None:
        raise Raised

    references = []
    with linked(engine, CALLER, step=step).instantiate() as instance:
        try:
            instance.call(GUEST, "sum", [3])
        except Raised as error:
            references.append(weakref.ref(error))
        gc.collect()

        assert references[0]() is None


@pytest.mark.parametrize("result", [None, {"ok": -1}, {"ok": "1"}, {"err": 1}, 7])
def test_an_ill_typed_result_comes_out_of_the_call(engine: WasmEngine, result: Any) -> None:
    with pytest.raises(ValueMismatch):
        linked(engine, CALLER, step=lambda context, x: result).call(GUEST, "sum", [1])


def test_a_function_without_result_must_return_none(engine: WasmEngine) -> None:
    text = f"""(component
      (import "{API}" (instance $api (export "note" (func (param "x" u8)))))
      (core func $note (canon lower (func $api "note")))
      (core module $m (import "api" "note" (func $note (param i32))) (func (export "run") (call $note (i32.const 1))))
      (core instance $i (instantiate $m (with "api" (instance (export "note" (func $note))))))
      (func $run (canon lift (core func $i "run")))
      (instance $guest (export "run" (func $run)))
      (export "{GUEST}" (instance $guest)))"""

    with pytest.raises(ValueMismatch, match="expected no result, got 1"):
        linked(engine, text, note=lambda context, x: x).call(GUEST, "run", [])


def test_a_guest_may_trap_after_host_calls(engine: WasmEngine) -> None:
    with pytest.raises(Trap) as caught:
        linked(engine, CALLER, step=lambda context, x: {"err": None}).call(GUEST, "sum", [1])

    assert caught.value.kind is TrapKind.UNREACHABLE


BYTES_IN_AND_OUT = f"""(component
  (import "{API}" (instance $api (export "flip" (func (param "x" (list u8)) (result (list u8))))))
  {MEMORY}
  (core func $flip (canon lower (func $api "flip") {OPTIONS}))
  (core module $m
    (import "api" "flip" (func $flip (param i32 i32 i32)))
    (import "memory" "memory" (memory 1))
    (func (export "run") (param i32 i32) (result i32)
      (call $flip (local.get 0) (local.get 1) (i32.const 64))
      (i32.const 64)))
  (core instance $i (instantiate $m
    (with "api" (instance (export "flip" (func $flip)))) (with "memory" (instance $memory))))
  (func $run (param "x" (list u8)) (result (list u8)) (canon lift (core func $i "run") {OPTIONS}))
  (instance $guest (export "run" (func $run)))
  (export "{GUEST}" (instance $guest)))"""


@pytest.mark.parametrize(("octets", "kind"), [(False, list), (True, bytes)])
def test_octets_reach_host_functions_as_asked_for(engine: WasmEngine, octets: bool, kind: type) -> None:
    seen: list[Any] = []

    def flip(context: object, x: Any) -> Any:
        seen.append(x)
        return x[::-1]

    api = HostInterface(functions={"flip": HostFunction(call=flip, octets=octets)})
    component = link(engine, compiled(engine, BYTES_IN_AND_OUT), {API: api})

    assert component.call(GUEST, "run", [b"\x01\x02\xff"]) == [255, 2, 1]
    assert seen == [kind([1, 2, 255])]
    assert type(seen[0]) is kind


def test_a_component_may_be_called_from_a_host_function(engine: WasmEngine) -> None:
    def outer_step(context: list[str], x: int) -> Any:
        context.append(f"outer {x}")
        return {"ok": inner.call(GUEST, "sum", [x], context=context)}

    def inner_step(context: list[str], x: int) -> Any:
        context.append(f"inner {x}")
        return {"ok": x}

    inner = linked(engine, CALLER, step=inner_step)
    outer = linked(engine, CALLER, step=outer_step)
    context: list[str] = []

    assert outer.call(GUEST, "sum", [2], context=context) == 4
    assert context == ["outer 2", "inner 2", "inner 1", "outer 1", "inner 1"]


def test_what_a_nested_call_raises_reaches_the_outermost_caller(engine: WasmEngine) -> None:
    raised = RunSuspended()

    def inner_step(context: object, x: int) -> None:
        raise raised

    inner = linked(engine, CALLER, step=inner_step)
    outer = linked(engine, CALLER, step=lambda context, x: inner.call(GUEST, "sum", [1]))

    with pytest.raises(RunSuspended) as caught:
        outer.call(GUEST, "sum", [1])

    assert caught.value is raised


def test_a_host_function_may_survive_a_nested_trap(engine: WasmEngine) -> None:
    inner = linked(engine, leaf("(result i32) unreachable"))

    def step(context: object, x: int) -> Any:
        with pytest.raises(Trap):
            inner.call(GUEST, "run", [])
        return {"ok": 1}

    assert linked(engine, CALLER, step=step).call(GUEST, "sum", [3]) == 3


VARIANTS = f"""(component
  (import "{API}" (instance $api
    (type $v' (variant (case "none") (case "text" string) (case "other-text" string) (case "number" u64)))
    (export "v" (type $v (eq $v')))
    (export "swap" (func (param "x" $v) (result $v)))))
  (alias export $api "v" (type $v))
  {MEMORY}
  (core func $swap (canon lower (func $api "swap") {OPTIONS}))
  (core module $m
    (import "api" "swap" (func $swap (param i32 i64 i32 i32)))
    (import "memory" "memory" (memory 1))
    (func (export "run") (param i32 i64 i32) (result i32)
      (call $swap (local.get 0) (local.get 1) (local.get 2) (i32.const 64))
      (i32.const 64)))
  (core instance $i (instantiate $m
    (with "api" (instance (export "swap" (func $swap)))) (with "memory" (instance $memory))))
  (func $run (param "x" $v) (result $v) (canon lift (core func $i "run") {OPTIONS}))
  (instance $guest (export "run" (func $run)))
  (export "{GUEST}" (instance $guest)))"""


def test_eight_threads_do_not_disturb_one_another(engine: WasmEngine) -> None:
    class Refused(Exception):
        pass

    # Strings under two cases: what is alike in Python must keep its case.
    swapped = {"text": "other_text", "other_text": "text"}

    def swap(context: tuple[int, threading.Barrier], x: Any) -> Any:
        number, _ = context
        if x == "none":
            raise Refused(number)
        ((case, payload),) = x.items()
        return {swapped[case]: payload} if case in swapped else {"number": payload + 1}

    component = linked(engine, VARIANTS, swap=swap)
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        context = (number, barrier)
        barrier.wait(30)
        for turn in range(300):
            text = f"{number} {turn} " + "x" * (turn % 50)
            assert component.call(GUEST, "run", [{"text": text}], context=context) == {"other_text": text}
            assert component.call(GUEST, "run", [{"other_text": text}], context=context) == {"text": text}
            assert component.call(GUEST, "run", [{"number": turn}], context=context) == {"number": turn + 1}
            with pytest.raises(Refused) as caught:
                component.call(GUEST, "run", ["none"], context=context)
            assert caught.value.args == (number,)

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work, number) for number in range(8)]:
            done.result()


ITEM = HostResource(name="item")

RESOURCES = f"""(component
  (import "{API}" (instance $api
    (export "item" (type $item (sub resource)))
    (export "[constructor]item" (func (param "x" u32) (result (own $item))))
    (export "[method]item.value" (func (param "self" (borrow $item)) (param "other" (borrow $item)) (result u32)))
    (export "keep" (func (param "x" (own $item))))))
  (alias export $api "item" (type $item))
  (core func $new (canon lower (func $api "[constructor]item")))
  (core func $value (canon lower (func $api "[method]item.value")))
  (core func $keep (canon lower (func $api "keep")))
  (core func $drop (canon resource.drop $item))
  (core module $m
    (import "api" "new" (func $new (param i32) (result i32)))
    (import "api" "value" (func $value (param i32 i32) (result i32)))
    (import "api" "keep" (func $keep (param i32)))
    (import "api" "drop" (func $drop (param i32)))
    (func (export "use-and-drop") (param $n i32) (result i32) (local $a i32) (local $b i32) (local $sum i32)
      (local.set $a (call $new (i32.const 100)))
      (local.set $b (call $new (i32.const 200)))
      (loop $again
        (local.set $sum (i32.add (local.get $sum) (call $value (local.get $a) (local.get $b))))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (call $drop (local.get $b)) (call $drop (local.get $a))
      (local.get $sum))
    (func (export "give-away") (call $keep (call $new (i32.const 300))))
    (func (export "leave-behind") (drop (call $new (i32.const 400))))
    (func (export "take") (param $x i32) (result i32) (local $n i32)
      (local.set $n (call $value (local.get $x) (local.get $x)))
      (call $drop (local.get $x))
      (local.get $n))
    (func (export "pass-back") (param $x i32) (result i32) (local.get $x)))
  (core instance $i (instantiate $m (with "api" (instance
    (export "new" (func $new)) (export "value" (func $value))
    (export "keep" (func $keep)) (export "drop" (func $drop))))))
  (func $use-and-drop (param "n" u32) (result u32) (canon lift (core func $i "use-and-drop")))
  (func $give-away (canon lift (core func $i "give-away")))
  (func $leave-behind (canon lift (core func $i "leave-behind")))
  (func $take (param "x" (own $item)) (result u32) (canon lift (core func $i "take")))
  (func $pass-back (param "x" (own $item)) (result (own $item)) (canon lift (core func $i "pass-back")))
  (component $shim
    (import "item" (type $item (sub resource)))
    (import "use-and-drop" (func $use-and-drop (param "n" u32) (result u32)))
    (import "give-away" (func $give-away))
    (import "leave-behind" (func $leave-behind))
    (import "take" (func $take (param "x" (own $item)) (result u32)))
    (import "pass-back" (func $pass-back (param "x" (own $item)) (result (own $item))))
    (export $thing "thing" (type $item))
    (export "use-and-drop" (func $use-and-drop))
    (export "give-away" (func $give-away))
    (export "leave-behind" (func $leave-behind))
    (export "take" (func $take) (func (param "x" (own $thing)) (result u32)))
    (export "pass-back" (func $pass-back) (func (param "x" (own $thing)) (result (own $thing)))))
  (instance $guest (instantiate $shim
    (with "item" (type $item)) (with "use-and-drop" (func $use-and-drop)) (with "give-away" (func $give-away))
    (with "leave-behind" (func $leave-behind)) (with "take" (func $take)) (with "pass-back" (func $pass-back))))
  (export "{GUEST}" (instance $guest)))"""


class Journal(list[Any]):
    """What host functions and destructors were told, in order."""


def resourceful(engine: WasmEngine, *, drop: Any = None, value: Any = None) -> LinkedComponent:
    def note_drop(context: Journal, rep: int) -> None:
        context.append(("drop", rep))

    def new(context: Journal, x: int) -> int:
        context.append(("new", x))
        return x

    def keep(context: Journal, x: int) -> None:
        context.append(("keep", x))

    api = HostInterface(
        functions={
            "[constructor]item": HostFunction(call=new),
            "[method]item.value": HostFunction(call=value or (lambda context, self, other: self + other)),
            "keep": HostFunction(call=keep),
        },
        resources={"item": HostResource(name="item", drop=drop or note_drop)},
    )
    return link(engine, compiled(engine, RESOURCES), {API: api})


def test_borrowed_handles_are_given_back_and_owned_ones_dropped_once(engine: WasmEngine) -> None:
    journal = Journal()

    # Were a borrow kept, the guest's call would end with an error; were it given back twice, the second one would.
    assert resourceful(engine).call(GUEST, "use-and-drop", [1000], context=journal) == 300_000
    assert journal == [("new", 100), ("new", 200), ("drop", 200), ("drop", 100)]


def test_an_owned_handle_given_to_the_host_is_the_hosts(engine: WasmEngine) -> None:
    journal = Journal()

    resourceful(engine).call(GUEST, "give-away", [], context=journal)

    assert journal == [("new", 300), ("keep", 300)]


def test_a_handle_the_guest_leaves_behind_is_not_dropped(engine: WasmEngine) -> None:
    journal = Journal()

    resourceful(engine).call(GUEST, "leave-behind", [], context=journal)

    assert journal == [("new", 400)]


def test_the_host_hands_over_a_resource_it_made(engine: WasmEngine) -> None:
    journal = Journal()

    component = resourceful(engine, value=lambda context, self, other: self & 255)
    assert component.call(GUEST, "take", [(1 << 31) + 7], context=journal) == 7
    assert journal == [("drop", (1 << 31) + 7)]


def test_a_resource_returned_by_an_export_is_the_hosts_again(engine: WasmEngine) -> None:
    journal = Journal()

    assert resourceful(engine).call(GUEST, "pass-back", [5], context=journal) == 5
    assert journal == []


def test_what_a_destructor_raises_comes_out_of_the_call(engine: WasmEngine) -> None:
    raised = RunSuspended()

    def drop(context: Journal, rep: int) -> None:
        raise raised

    with pytest.raises(RunSuspended) as caught:
        resourceful(engine, drop=drop).call(GUEST, "use-and-drop", [1], context=Journal())

    assert caught.value is raised


def test_a_destructor_may_call_components(engine: WasmEngine) -> None:
    inner = linked(engine, leaf("(result i32) (i32.const 9)"))

    def drop(context: Journal, rep: int) -> None:
        context.append(inner.call(GUEST, "run", []))

    journal = Journal()
    resourceful(engine, drop=drop).call(GUEST, "use-and-drop", [1], context=journal)

    assert journal[-2:] == [9, 9]


def test_a_host_function_that_raises_with_borrowed_handles_is_not_outdone(engine: WasmEngine) -> None:
    raised = LookupError()

    def value(context: Journal, self: int, other: int) -> int:
        raise raised

    with pytest.raises(LookupError) as caught:
        resourceful(engine, value=value).call(GUEST, "use-and-drop", [1], context=Journal())

    assert caught.value is raised
