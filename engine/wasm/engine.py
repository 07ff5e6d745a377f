"""One engine a process: how wasmtime compiles and runs components."""

from __future__ import annotations

import hashlib
import os
import platform
import resource
import sys
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from typing import Any

from wasmtime import Config, Engine, _bindings

from engine.errors import Trap, TrapKind
from engine.wasm import fork_guard, native
from engine.wasm.epoch_clock import EpochClock
from engine.wasm.native import Address
from engine.wasm.native_timer import NativeTimer
from engine.wasm.run import Run, fail
from engine.wasm.signals import as_callback, as_contained, run_waiting, waiting
from engine.wasm.value_memory import MEMORY, POINTER

LOOK_UP_TICKS = 5
"""How often a long run looks whether it was interrupted or its deadline moved."""


class Allocation(StrEnum):
    """Where instances get their memories from.

    ``POOLING`` takes them from slots mapped once, 4 to 6 µs an instance and no contention of threads over the process's
    address space; it reserves terabytes of that space, of which only touched pages count. ``ON_DEMAND`` maps and unmaps
    each memory, 12 to 15 µs.
    """

    POOLING = "pooling"
    ON_DEMAND = "on_demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class WasmSettings:
    """How an engine compiles and runs.

    Args:
        consume_fuel: Count instructions, so that ``InstanceLimits.fuel`` works; makes code slower.
        max_wasm_stack_bytes: Stack one call into a component may use.
        max_nesting: How many calls may be under way on one thread, a host function of one calling the next. The
            thread's own stack must hold so many wasm stacks and room for Python between them: 8 MiB hold the default.
        allocation: ``None`` takes pooling unless the address space is limited.
        pool_slots: How many memories may be alive at once under pooling.
        keep_resident_bytes: How much of a memory is wiped, not unmapped, when it is given back to the pool: the next
            instance need not fault it in again page by page, but whatever was touched stays with the process.
        unused_slots: How many slots that nobody uses are kept for the components that used them last, before one of
            them is taken for another component rather than a fresh one.
        is_parallel_compilation: Compile with all cores. See ``fork_guard``.
        has_source_lines: Have backtraces tell files and lines, of components that carry debug information. Costs time
            whenever a guest is unwound.
    """

    consume_fuel: bool = False
    max_wasm_stack_bytes: int = 1 << 20
    max_nesting: int = 5
    allocation: Allocation | None = None
    pool_slots: int = 1000
    keep_resident_bytes: int = 256 << 10
    unused_slots: int = 100
    is_parallel_compilation: bool = True
    has_source_lines: bool = False

    def __post_init__(self) -> None:
        """Refuse what wasmtime would end the process for.

        Raises:
            ValueError: If a number is out of its range.
        """
        if not 1 << 16 <= self.max_wasm_stack_bytes <= 1 << 30:
            raise ValueError(f"max_wasm_stack_bytes must be between 64 KiB and 1 GiB, got {self.max_wasm_stack_bytes}")
        if not 1 <= self.pool_slots <= 10_000:
            raise ValueError(f"pool_slots must be between 1 and 10,000, got {self.pool_slots}")
        if self.max_nesting < 1:
            raise ValueError(f"max_nesting must be at least 1, got {self.max_nesting}")

    def fingerprint(self) -> str:
        """Return a digest of everything that compiled code depends on, wasmtime's version included."""
        parts = (
            version("wasmtime"),
            sys.platform,
            platform.machine(),
            f"fuel={self.consume_fuel}",
            *(("source lines",) if self.has_source_lines else ()),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class WasmEngine:
    """Compiles components and keeps their runs in bounds.

    Safe to share between threads. ``for_process`` gives the one to use; making one directly is for tests.

    Args:
        settings: How it compiles and runs.
    """

    def __init__(self, settings: WasmSettings) -> None:
        self.settings = settings
        self.is_parallel = settings.is_parallel_compilation and fork_guard.is_parallel_compilation_safe()
        self.handle = Engine(_make_config(settings, is_parallel=self.is_parallel))
        self.address = native.pointer_of(self.handle)
        self.runs: dict[Address, Run] = {}
        timer = NativeTimer(native.INCREMENT_EPOCH, self.address) if NativeTimer.is_available() else None
        self.clock = EpochClock(self._increment_epoch, self.runs, timer)
        weakref.finalize(self, _retire, self.handle, timer).atexit = False
        self._epoch_callback = self._make_epoch_callback()
        self.epoch_callback_address = native.callback_address(self._epoch_callback)

    @classmethod
    def for_process(cls, settings: WasmSettings) -> WasmEngine:
        """Return this process's engine for the settings, made on first use.

        A forked child gets its own. What the parent compiled or linked goes on working in the child with the parent's.
        """
        return _process.engine(settings)

    def ticks_until(self, run: Run, left_s: float) -> int:
        """Return after how many epochs to look at a run again that may go on so long; zero when its time is up."""
        if run.keeps_gil:
            return 1 if left_s > 0 else 0
        return min(self.clock.ticks_for(left_s), LOOK_UP_TICKS)

    def _increment_epoch(self) -> None:
        native.increment_epoch(self.address)

    def _make_epoch_callback(self) -> native.Callback:
        runs = self.runs

        @as_contained
        def decide(context: Address, ticks_out: Address, kind_out: Address) -> None:
            if waiting:
                run_waiting()
            run = runs[context]
            if run.seconds_left() <= 0:
                raise Trap(TrapKind.INTERRUPTED, "wasm trap: interrupt")
            run.look()
            POINTER.pack_into(MEMORY, ticks_out, self.ticks_until(run, run.seconds_left()))
            MEMORY[kind_out] = _CONTINUE

        @as_callback
        def on_epoch_deadline(context: Address, _data: Any, ticks_out: Address, kind_out: Address) -> Address:
            try:
                decide(context, ticks_out, kind_out)
            except BaseException as failure:  # noqa: BLE001  # nothing may be raised through wasmtime's frames
                return fail(runs.get(context), failure)
            return 0

        return native.EPOCH_CALLBACK(on_epoch_deadline)


_CONTINUE = 0
_SOURCE_LINES = "WASMTIME_BACKTRACE_DETAILS"

_RETIREMENT_S = 1.0
_retired: deque[tuple[float, Engine]] = deque()


def _retire(handle: Engine, timer: NativeTimer | None) -> None:
    """Free an engine once the last tick of its timer is surely over."""
    now = time.monotonic()
    while _retired and _retired[0][0] < now - _RETIREMENT_S:
        _retired.popleft()
    if timer is not None:
        timer.close()
        _retired.append((now, handle))


class _Process:
    """The engines of this process."""

    def __init__(self) -> None:
        self._engines: dict[WasmSettings, WasmEngine] = {}
        self._inherited: list[WasmEngine] = []
        self._making = threading.Lock()

    def engine(self, settings: WasmSettings) -> WasmEngine:
        engine = self._engines.get(settings)
        if engine is None:
            with self._making:
                engine = self._engines.get(settings)
                if engine is None:
                    engine = self._engines[settings] = WasmEngine(settings)
        return engine

    def after_fork(self) -> None:
        self._making = threading.Lock()
        # Kept, since taking an engine down is work, and linked components of the parent may still use it.
        self._inherited.extend(self._engines.values())
        self._engines.clear()


_process = _Process()
os.register_at_fork(after_in_child=_process.after_fork)


def _make_config(settings: WasmSettings, *, is_parallel: bool) -> Config:
    config = _config_with_source_lines() if settings.has_source_lines else Config()
    config.epoch_interruption = True
    config.consume_fuel = settings.consume_fuel
    config.max_wasm_stack = settings.max_wasm_stack_bytes
    # Unused, but wasmtime wants the one to fit into the other.
    _bindings.wasmtime_config_async_stack_size_set(config.ptr(), settings.max_wasm_stack_bytes + (1 << 20))
    config.parallel_compilation = is_parallel
    # Replay needs the same results on every machine.
    config.cranelift_nan_canonicalization = True
    config.wasm_relaxed_simd_deterministic = True
    config.wasm_threads = False
    config.shared_memory = False
    # Without support for concurrent tasks every call is a tenth faster; components of WASI 0.2 have none.
    _bindings.wasmtime_config_concurrency_support_set(config.ptr(), False)  # noqa: FBT003  # as C has it
    if _allocation(settings) is Allocation.POOLING:
        _use_pool(config, settings)
    return config


def _config_with_source_lines() -> Config:
    # wasmtime's C interface has no function for it: a new Config looks at this variable.
    before = os.environ.get(_SOURCE_LINES)
    os.environ[_SOURCE_LINES] = "1"
    try:
        return Config()
    finally:
        if before is None:
            del os.environ[_SOURCE_LINES]
        else:
            os.environ[_SOURCE_LINES] = before


def _allocation(settings: WasmSettings) -> Allocation:
    if settings.allocation is not None:
        return settings.allocation
    # wasmtime ends the process when it cannot reserve its pool.
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return Allocation.POOLING if soft == resource.RLIM_INFINITY else Allocation.ON_DEMAND


def _use_pool(config: Config, settings: WasmSettings) -> None:
    pool = _bindings.wasmtime_pooling_allocation_config_new()
    slots = settings.pool_slots
    limits = {
        "total_memories": slots,
        "total_component_instances": slots,
        # A component made of a language runtime consists of some twenty core instances and several tables.
        "total_core_instances": 20 * slots,
        "total_tables": 4 * slots,
        "max_tables_per_module": 16,
        "max_memories_per_module": 4,
        "table_elements": 100_000,
        "max_component_instance_size": 16 << 20,
        "max_core_instance_size": 16 << 20,
        "linear_memory_keep_resident": settings.keep_resident_bytes,
        "table_keep_resident": 64 << 10,
        "max_unused_warm_slots": settings.unused_slots,
    }
    for name, value in limits.items():
        getattr(_bindings, f"wasmtime_pooling_allocation_config_{name}_set")(pool, value)
    _bindings.wasmtime_pooling_allocation_strategy_set(config.ptr(), pool)
    _bindings.wasmtime_pooling_allocation_config_delete(pool)
