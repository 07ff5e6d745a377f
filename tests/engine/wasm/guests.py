"""Tiny components written as text, and helpers to run them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wasmtime import wat2wasm

from engine.wasm.component import CompiledComponent, compile_component
from engine.wasm.engine import WasmEngine
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wasm.linking import LinkedComponent, link

API = "test:host/api@1.0.0"
GUEST = "test:guest/run@1.0.0"


def resident_bytes() -> int:
    """Return how much memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def wasm(text: str) -> bytes:
    """Assemble a component or module."""
    return bytes(wat2wasm(text))


def compiled(engine: WasmEngine, text: str) -> CompiledComponent:
    """Compile a component."""
    return compile_component(engine, wasm(text))


def linked(
    engine: WasmEngine, text: str, imports: Mapping[str, HostInterface] | None = None, **functions: Callable[..., Any]
) -> LinkedComponent:
    """Compile and link a component; keyword arguments define functions of the interface ``API``."""
    api = {name.replace("_", "-"): HostFunction(call=call) for name, call in functions.items()}
    return link(engine, compiled(engine, text), {API: HostInterface(functions=api), **(imports or {})})


MEMORY = """
  (core module $memory-module
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (block $fits
        (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $fits (i32.ne (i32.const -1)
          (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 1)))))
        unreachable)
      (local.get $at)))
  (core instance $memory (instantiate $memory-module))
"""
"""A core instance with a memory and an allocator that never frees."""

OPTIONS = '(memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))'
"""Canonical options for functions that pass strings and lists."""


def leaf(body: str, *, signature: str = "(result u32)", declarations: str = "") -> str:
    """Write a component without imports that exports ``run``.

    Args:
        body: The core function's signature and instructions.
        signature: The function's type as component.
        declarations: Memories, globals and functions of the core module.
    """
    return f"""(component
      (core module $m {declarations} (func $run (export "run") {body}))
      (core instance $i (instantiate $m))
      (func $run {signature} (canon lift (core func $i "run")))
      (instance $guest (export "run" (func $run)))
      (export "{GUEST}" (instance $guest)))"""


SPIN = leaf("(result i32) (loop $again (br $again)) unreachable")
"""``run()`` never returns."""

CALLER = f"""(component
  (import "{API}" (instance $api
    (export "step" (func (param "x" u8) (result (result u64))))))
  {MEMORY}
  (core func $step (canon lower (func $api "step") (memory (core memory $memory "memory"))))
  (core module $m
    (import "api" "step" (func $step (param i32 i32)))
    (import "memory" "memory" (memory 1))
    (func (export "sum") (param $n i32) (result i64) (local $sum i64)
      (loop $next
        (call $step (i32.and (local.get $n) (i32.const 255)) (i32.const 64))
        (if (i32.load8_u (i32.const 64)) (then unreachable))
        (local.set $sum (i64.add (local.get $sum) (i64.load (i32.const 72))))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $sum)))
  (core instance $i (instantiate $m
    (with "api" (instance (export "step" (func $step)))) (with "memory" (instance $memory))))
  (func $sum (param "n" u32) (result u64) (canon lift (core func $i "sum")))
  (instance $guest (export "sum" (func $sum)))
  (export "{GUEST}" (instance $guest)))"""
"""``sum(n)`` adds up what ``step`` returns for n, n-1, ... 1 (in 8 bits), and dies if that is an error."""
