"""The engine and the compile cache that this site's processes share on one machine."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from engine.wasm.compile_cache import CompileCache
from engine.wasm.engine import Allocation, WasmEngine, WasmSettings


def wasm_engine() -> WasmEngine:
    """Return this process's engine. Whoever runs components takes this one, so that cached code fits."""
    return WasmEngine.for_process(WasmSettings(consume_fuel=settings.OBELISK_FUEL > 0))


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
