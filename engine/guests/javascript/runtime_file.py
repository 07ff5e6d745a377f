"""The JavaScript runtime's binary, which comes with the program."""

from __future__ import annotations

from pathlib import Path

JAVASCRIPT_RUNTIME = Path(__file__).parent / "runtime.wasm"
"""The component; ``runtime/build.sh`` makes it."""
