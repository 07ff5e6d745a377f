"""The Python runtime of tests: the one that deployments on this machine use, built on first use."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

from engine.guests.host_call import reading_call
from engine.guests.program import Runtime
from engine.guests.python.build import python_runtime
from engine.wasm.compile_cache import CompileCache
from engine.wasm.component import CompiledComponent
from engine.wasm.engine import WasmEngine, WasmSettings

_SETTINGS = "DJANGO_SETTINGS_MODULE"


def runtimes_folder() -> Path:
    """Return where built runtimes are kept, as the site's settings say."""
    os.environ.setdefault(_SETTINGS, "obelisk_site.settings")
    from django.conf import settings  # not needed by whoever only imports this package

    return Path(settings.OBELISK_RUNTIMES_DIR)


@lru_cache(maxsize=1)
def compiled_runtime() -> CompiledComponent:
    """Return the runtime, built and compiled if need be.

    Raises:
        RuntimeUnavailable: If it cannot be built.
    """
    folder = runtimes_folder()
    built = python_runtime(folder, on_progress=_tell)
    engine, cache = WasmEngine.for_process(WasmSettings()), CompileCache(folder / "compiled")
    compiled = cache.load(engine, built.digest)
    if compiled is None:
        _tell("compiling the Python runtime (once, some seconds)")
        compiled = cache.compile(engine, built.path.read_bytes())
    return compiled


@lru_cache(maxsize=1)
def reader() -> Runtime:
    """Return the runtime for looking at files."""
    return Runtime(compiled_runtime(), reading_call)


def _tell(sentence: str) -> None:
    # Past pytest's capture: it takes so long that one would think the test hangs.
    if sys.__stderr__ is not None:
        sys.__stderr__.write(f"obelisk.testing: {sentence}\n")
