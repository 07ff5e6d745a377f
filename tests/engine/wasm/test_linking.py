from __future__ import annotations

import gc
from typing import Any

import pytest

from engine.errors import LinkError
from engine.wasm.engine import WasmEngine
from engine.wasm.host_functions import HostFunction, HostInterface, HostResource
from engine.wasm.linking import link
from engine.wit.types import U8, U64, FunctionType, Param, ResultType
from tests.engine.wasm.guests import API, CALLER, GUEST, compiled, leaf, linked, resident_bytes

STEP_TYPE = FunctionType((Param("n", U8),), ResultType(U64))


def api_with(**functions: HostFunction) -> dict[str, HostInterface]:
    return {API: HostInterface(functions=functions)}


def test_every_interface_nobody_defines_is_named_with_its_functions(engine: WasmEngine) -> None:
    with pytest.raises(LinkError) as caught:
        link(engine, compiled(engine, TWO_INTERFACES), {})

    assert str(caught.value) == (
        "the component cannot be linked: "
        "nothing defines test:host/poll@0.2.0 (ready, pollable); nothing defines test:host/streams@0.2.1 (wait)"
    )


def test_every_function_nobody_defines_is_named(engine: WasmEngine) -> None:
    with pytest.raises(LinkError) as caught:
        link(engine, compiled(engine, CALLER), api_with(other=HostFunction(call=print)))

    assert str(caught.value) == f"the component cannot be linked: {API} lacks step"


def test_a_definition_of_another_type_is_refused(engine: WasmEngine) -> None:
    definition = HostFunction(call=print, type=FunctionType((Param("x", U64),), ResultType(U64)))

    with pytest.raises(LinkError) as caught:
        link(engine, compiled(engine, CALLER), api_with(step=definition))

    assert str(caught.value) == (
        f"the component cannot be linked: {API}.step is imported as func(x: u8) -> result<u64> "
        "but defined as func(x: u64) -> result<u64>"
    )


def test_names_of_parameters_are_no_part_of_the_type(engine: WasmEngine) -> None:
    definition = HostFunction(call=lambda context, x: {"ok": x}, type=STEP_TYPE)

    component = link(engine, compiled(engine, CALLER), api_with(step=definition))

    assert component.call(GUEST, "sum", [2]) == 3


def test_functions_that_are_not_imported_are_ignored(engine: WasmEngine) -> None:
    imports = api_with(other=HostFunction(call=print)) | {"test:host/more": HostInterface()}

    assert link(engine, compiled(engine, leaf("(result i32) (i32.const 1)")), imports).call(GUEST, "run", []) == 1


def test_another_version_of_an_interface_is_not_taken(engine: WasmEngine) -> None:
    imports = {API.replace("1.0.0", "1.0.1"): HostInterface(functions={"step": HostFunction(call=print)})}

    with pytest.raises(LinkError, match="nothing defines"):
        link(engine, compiled(engine, CALLER), imports)


def test_a_function_imported_without_interface_stands_in_the_empty_one(engine: WasmEngine) -> None:
    text = f"""(component
      (import "now" (func $now (result u32)))
      (core func $now (canon lower (func $now)))
      (core module $m (import "host" "now" (func $now (result i32)))
        (func (export "run") (result i32) (i32.add (i32.const 1) (call $now))))
      (core instance $i (instantiate $m (with "host" (instance (export "now" (func $now))))))
      (func $run (result u32) (canon lift (core func $i "run")))
      (instance $guest (export "run" (func $run)))
      (export "{GUEST}" (instance $guest)))"""
    component = compiled(engine, text)

    with pytest.raises(LinkError, match=r"nothing defines the world itself \(now\)"):
        link(engine, component, {})
    now = HostFunction(call=lambda context: context)

    assert link(engine, component, {"": HostInterface(functions={"now": now})}).call(GUEST, "run", [], context=4) == 5


TWO_INTERFACES = f"""(component
  (import "test:host/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "ready" (func (param "self" (borrow $pollable)) (result bool)))))
  (alias export $poll "pollable" (type $pollable))
  (import "test:host/streams@0.2.1" (instance $streams
    (alias outer 1 $pollable (type $outer))
    (export "waitable" (type $waitable (eq $outer)))
    (export "wait" (func (param "x" u32) (result (own $waitable))))))
  (core func $ready (canon lower (func $poll "ready")))
  (core func $wait (canon lower (func $streams "wait")))
  (core func $drop (canon resource.drop $pollable))
  (core module $m
    (import "host" "ready" (func $ready (param i32) (result i32)))
    (import "host" "wait" (func $wait (param i32) (result i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "run") (param $x i32) (result i32) (local $p i32) (local $r i32)
      (local.set $p (call $wait (local.get $x)))
      (local.set $r (call $ready (local.get $p)))
      (call $drop (local.get $p))
      (local.get $r)))
  (core instance $i (instantiate $m (with "host" (instance
    (export "ready" (func $ready)) (export "wait" (func $wait)) (export "drop" (func $drop))))))
  (func $run (param "x" u32) (result bool) (canon lift (core func $i "run")))
  (instance $guest (export "run" (func $run)))
  (export "{GUEST}" (instance $guest)))"""


def streams(**resources: HostResource) -> HostInterface:
    return HostInterface(functions={"wait": HostFunction(call=lambda context, x: x)}, resources=resources)


def poll(**resources: HostResource) -> HostInterface:
    return HostInterface(functions={"ready": HostFunction(call=lambda context, rep: rep == 7)}, resources=resources)


@pytest.mark.parametrize("where", ["poll", "streams", "both"])
def test_interfaces_share_a_resource_whichever_defines_it(engine: WasmEngine, where: str) -> None:
    dropped: list[int] = []
    pollable = HostResource(name="pollable", drop=lambda context, rep: dropped.append(rep))
    imports = {
        "test:host/poll@0.2.0": poll(pollable=pollable) if where != "streams" else poll(),
        "test:host/streams@0.2.1": streams(waitable=pollable) if where != "poll" else streams(),
    }

    component = link(engine, compiled(engine, TWO_INTERFACES), imports)

    assert [component.call(GUEST, "run", [x]) for x in (7, 8)] == [True, False]
    assert dropped == [7, 8]


def test_a_resource_nobody_defines_is_named(engine: WasmEngine) -> None:
    with pytest.raises(LinkError, match=r"nothing defines resource test:host/poll@0\.2\.0\.pollable"):
        link(
            engine,
            compiled(engine, TWO_INTERFACES),
            {"test:host/poll@0.2.0": poll(), "test:host/streams@0.2.1": streams()},
        )


def test_two_resources_for_one_are_refused(engine: WasmEngine) -> None:
    imports = {
        "test:host/poll@0.2.0": poll(pollable=HostResource(name="a")),
        "test:host/streams@0.2.1": streams(waitable=HostResource(name="b")),
    }

    with pytest.raises(LinkError, match=r"test:host/streams@0\.2\.1\.waitable must be the resource"):
        link(engine, compiled(engine, TWO_INTERFACES), imports)


def test_an_interface_of_types_alone_need_not_be_defined(engine: WasmEngine) -> None:
    types = """(import "test:host/types" (instance
      (type $t (record (field "x" u8)))
      (export "t" (type (eq $t)))))"""
    text = leaf("(result i32) (i32.const 1)").replace("(component", f"(component {types}", 1)

    assert linked(engine, text).call(GUEST, "run", []) == 1


def test_linked_components_that_are_gone_keep_no_memory(engine: WasmEngine) -> None:
    component = compiled(engine, CALLER)

    def once() -> None:
        def step(context: Any, x: int) -> Any:
            return {"ok": x}

        assert link(engine, component, api_with(step=HostFunction(call=step))).call(GUEST, "sum", [1]) == 1

    for _ in range(300):
        once()
    gc.collect()
    before = resident_bytes()
    for _ in range(3000):
        once()
    gc.collect()

    assert resident_bytes() - before < 4_000_000
