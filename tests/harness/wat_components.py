"""Activities written as WebAssembly text, for what no compiler would write."""

from __future__ import annotations

from datetime import timedelta

from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    ExecPolicy,
    FunctionSpec,
    RetryPolicy,
    Runner,
)
from engine.wasm.component import compile_component
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType
from tests.engine.wasm.guests import wasm
from tests.harness.components import add_runtime


def wat_activity(text: str, result: str, *, exec_policy: ExecPolicy) -> ComponentSpec:
    """Describe a component that exports ``run`` from ``test:greedy/api``, without parameters; it is tried once."""
    compiled = compile_component(WasmEngine.for_process(WasmSettings()), wasm(text))
    add_runtime(compiled)
    function_type = FunctionType((), parse_type(result))
    return ComponentSpec(
        id=ComponentId(component_type=ComponentType.ACTIVITY, name="greedy", digest=compiled.digest),
        runner=Runner.WASM,
        functions=(FunctionSpec(name=FunctionName.parse("test:greedy/api.run"), type=function_type),),
        wasm_digest=compiled.digest,
        retry=RetryPolicy(max_retries=0, backoff=timedelta()),
        exec=exec_policy,
    )
