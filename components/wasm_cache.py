"""The engine and the compile cache that this site's processes share on one machine."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from engine.wasm.compile_cache import CompileCache
from engine.wasm.engine import WasmEngine, WasmSettings


def wasm_engine() -> WasmEngine:
    """Return this process's engine. Whoever runs components takes this one, so that cached code fits."""
    return WasmEngine.for_process(WasmSettings(consume_fuel=settings.OBELISK_FUEL > 0))


def compile_cache() -> CompileCache:
    """Return the cache of ahead-of-time compiled components in the data directory."""
    return CompileCache(Path(settings.OBELISK_DATA_DIR) / "cache" / "wasm")
