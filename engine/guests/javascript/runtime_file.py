"""The JavaScript runtime's binary, which comes with the program."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).parent / "runtime.wasm"


@lru_cache(maxsize=1)
def javascript_runtime() -> bytes:
    """Return the component; ``runtime/build.sh`` makes it."""
    return _FILE.read_bytes()
