"""The engine and the compile cache that this site's processes share on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.conf import settings

from engine.deployment.spec import Runner
from engine.wasm.compile_cache import CompileCache
from engine.wasm.engine import Allocation, WasmEngine, WasmSettings

_INTERPRETER_RESIDENT_BYTES: Final = 12 << 20
"""What Python touches of its memory from its start to the end of a small function, rounded up."""

_UNUSED_INTERPRETERS: Final = 4
"""One of each kind that a process runs; each holds on to its memory."""


def wasm_engine(runner: Runner = Runner.WASM) -> WasmEngine:
    """Return this process's engine for what carries out components. Whoever runs them takes it: cached code fits.

    Interpreters have one of their own. They touch thousands of pages before the first line of a source runs, and
    faulting these in costs more than everything else that a first call does; a compiled component touches few, and
    wiping is slower for it than unmapping.
    """
    fuel = settings.OBELISK_FUEL > 0
    if runner is Runner.SOURCE:
        return WasmEngine.for_process(
            WasmSettings(
                consume_fuel=fuel,
                keep_resident_bytes=_INTERPRETER_RESIDENT_BYTES,
                unused_slots=_UNUSED_INTERPRETERS,
            )
        )
    return WasmEngine.for_process(WasmSettings(consume_fuel=fuel))


def tracing_engine() -> WasmEngine:
    """Return this process's engine for replays that want to know where in its source a compiled component is."""
    return WasmEngine.for_process(
        WasmSettings(
            consume_fuel=settings.OBELISK_FUEL > 0,
            # Few instances at a time: not worth a second pool's address space.
            allocation=Allocation.ON_DEMAND,
            has_source_lines=True,
        )
    )


def compile_cache() -> CompileCache:
    """Return the cache of ahead-of-time compiled components."""
    return CompileCache(Path(settings.OBELISK_COMPILED_DIR))
