from __future__ import annotations

import random

import pytest

from engine.errors import EngineError, InvalidComponent
from engine.wasm.component import compile_component
from engine.wasm.engine import WasmEngine
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wasm.instance import InstanceLimits
from engine.wasm.linking import link
from tests.engine.wasm.guests import API, CALLER, GUEST, wasm


def refusal(engine: WasmEngine, content: bytes) -> str:
    with pytest.raises(InvalidComponent) as caught:
        compile_component(engine, content)
    return str(caught.value)


def test_a_component_knows_its_digest_and_size(engine: WasmEngine) -> None:
    component = compile_component(engine, wasm("(component)"))

    assert component.wasm_bytes == 8
    assert component.digest == "sha256:24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29"


def test_a_core_module_is_told_what_to_do(engine: WasmEngine) -> None:
    assert refusal(engine, wasm("(module)")) == (
        "this is a core module, not a component; wrap it with `wasm-tools component new`"
    )


@pytest.mark.parametrize("content", [b"", b"\0as", b"(component)", b"\x7fELF" + bytes(100)])
def test_what_is_no_wasm_is_refused(engine: WasmEngine, content: bytes) -> None:
    assert "this is not WebAssembly" in refusal(engine, content)


def test_an_unknown_version_is_refused(engine: WasmEngine) -> None:
    assert "version" in refusal(engine, b"\0asm\x0e\0\x01\0")


@pytest.mark.parametrize("length", [9, 20, 100, 200, 310])
def test_a_truncated_component_is_refused_in_one_sentence(engine: WasmEngine, length: int) -> None:
    text = refusal(engine, wasm(CALLER)[:length])

    assert text.startswith("this component is invalid: ")
    assert "\n" not in text


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_never_do_worse_than_an_error(engine: WasmEngine, seed: int) -> None:
    intact = wasm(CALLER)
    chance = random.Random(seed)
    api = HostInterface(functions={"step": HostFunction(call=lambda context, x: {"ok": 1})})

    for _ in range(60):
        content = bytearray(intact)
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(8, len(content))] = chance.randrange(256)
        try:
            component = link(engine, compile_component(engine, bytes(content)), {API: api})
            component.call(GUEST, "sum", [3], deadline=0.05, limits=InstanceLimits(memory_bytes=16 << 20))
        except EngineError:
            pass
