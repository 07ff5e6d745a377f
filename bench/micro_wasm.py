"""What one crossing into the sandbox costs, beside wasmtime's own Python layer.

Run ``python -m bench.micro_wasm``. Prints microseconds, the best of several rounds:

* a guest that calls the host and is answered: ``u8 -> result<u64>``;
* a store, an instance of a tiny component and one call of it;
* the same call of an instance that is there already.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from wasmtime import Config, Engine, Store, wat2wasm
from wasmtime.component import Component, Linker

from engine.wasm.component import compile_component
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wasm.linking import link

API = "bench:host/api"
GUEST = "bench:guest/run"
HOST_CALLS = 100_000
ROUNDS = 5
CALLS_A_ROUND = 3_000

TEXT = f"""(component
  (import "{API}" (instance $api (export "step" (func (param "x" u8) (result (result u64))))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $step (canon lower (func $api "step") (memory (core memory $memory "memory"))))
  (core module $m
    (import "api" "step" (func $step (param i32 i32)))
    (import "memory" "memory" (memory 1))
    (func (export "sum") (param $n i32) (result i64) (local $sum i64)
      (loop $next
        (call $step (i32.const 7) (i32.const 64))
        (local.set $sum (i64.add (local.get $sum) (i64.load (i32.const 72))))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $sum))
    (func (export "same") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m
    (with "api" (instance (export "step" (func $step)))) (with "memory" (instance $memory))))
  (func $sum (param "n" u32) (result u64) (canon lift (core func $i "sum")))
  (func $same (param "n" u32) (result u32) (canon lift (core func $i "same")))
  (instance $guest (export "sum" (func $sum)) (export "same" (func $same)))
  (export "{GUEST}" (instance $guest)))"""


def best(work: Callable[[], object], *, times: int) -> float:
    """Return the microseconds one of ``times`` repetitions takes in the fastest round."""
    work()
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(times):
            work()
        rounds.append((time.perf_counter() - started) / times * 1e6)
    return min(rounds)


def ours() -> list[float]:
    """Measure ``engine.wasm``."""
    engine = WasmEngine.for_process(WasmSettings())
    api = HostInterface(functions={"step": HostFunction(call=lambda _context, x: {"ok": x})})
    linked = link(engine, compile_component(engine, bytes(wat2wasm(TEXT))), {API: api})
    with linked.instantiate() as instance:
        return [
            best(lambda: linked.call(GUEST, "sum", [HOST_CALLS]), times=1) / HOST_CALLS,
            best(lambda: linked.call(GUEST, "same", [3], deadline=10.0), times=CALLS_A_ROUND),
            best(lambda: instance.call(GUEST, "same", [3]), times=CALLS_A_ROUND),
        ]


def stock() -> list[float]:
    """Measure ``wasmtime.component``, used as its documentation shows."""
    config = Config()
    config.epoch_interruption = True
    engine = Engine(config)
    component = Component(engine, TEXT)
    linker = Linker(engine)
    with linker.root() as root, root.add_instance(API) as api:
        api.add_func("step", lambda _store, x: x)
    interface = component.get_export_index(GUEST)
    names = {name: component.get_export_index(name, interface) for name in ("sum", "same")}

    def call(name: str, argument: int) -> object:
        store = Store(engine)
        store.set_epoch_deadline(1_000_000)
        store.set_limits(memory_size=512 << 20)
        index = names[name]
        assert index is not None
        function = linker.instantiate(store, component).get_func(store, index)
        assert function is not None
        return function(store, argument)

    store = Store(engine)
    store.set_epoch_deadline(1_000_000)
    index = names["same"]
    assert index is not None
    same = linker.instantiate(store, component).get_func(store, index)
    assert same is not None
    return [
        best(lambda: call("sum", HOST_CALLS), times=1) / HOST_CALLS,
        best(lambda: call("same", 3), times=CALLS_A_ROUND),
        best(lambda: same(store, 3), times=CALLS_A_ROUND),
    ]


def main() -> None:
    """Print the table."""
    labels = ("guest -> host -> guest", "store, instance and call", "call")
    print(f"{'µs':28}{'ours':>10}{'stock':>10}")
    for label, our, other in zip(labels, ours(), stock(), strict=True):
        print(f"{label:28}{our:>10.2f}{other:>10.2f}")


if __name__ == "__main__":
    main()
