from __future__ import annotations

import pytest

from engine.wasm.engine import WasmEngine, WasmSettings


@pytest.fixture(scope="session")
def engine() -> WasmEngine:
    return WasmEngine.for_process(WasmSettings())
