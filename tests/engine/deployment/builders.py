from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    FunctionSpec,
    RetryPolicy,
    Runner,
    SandboxPolicy,
    WorkflowPolicy,
)
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.types import FunctionType, Param


def make_function(text: str) -> FunctionType:
    """Make a function type of ``u8, string -> result<u64>``; parameters are named a, b and so on."""
    params, _, result = text.partition("->")
    types = [parse_type(part) for part in _split(params)]
    return FunctionType(
        tuple(Param("abcdefgh"[index], wit_type) for index, wit_type in enumerate(types)),
        parse_type(result) if result.strip() else None,
    )


def make_component(
    name: str,
    component_type: ComponentType = ComponentType.ACTIVITY,
    *,
    exports: Mapping[str, str] | None = None,
    imports: Mapping[str, Mapping[str, str | FunctionType]] | None = None,
    digest: str | None = None,
    is_declared: bool = False,
    stub_wasi: bool = False,
) -> ComponentSpec:
    """Make a component of function names and texts of function types."""
    exported = {f"test:{name}/api.run": "-> result"} if exports is None else exports
    return ComponentSpec(
        id=ComponentId(component_type=component_type, name=name, digest=digest or f"sha256:{name}"),
        runner=Runner.NONE if is_declared else Runner.WASM,
        functions=tuple(
            FunctionSpec(name=FunctionName.parse(ffqn), type=make_function(text)) for ffqn, text in exported.items()
        ),
        imports={
            InterfaceName.parse(interface): {
                function: make_function(text) if isinstance(text, str) else text for function, text in functions.items()
            }
            for interface, functions in (imports or {}).items()
        },
        wasm_digest=None if is_declared else f"sha256:{name}",
        retry=RetryPolicy(max_retries=0, backoff=timedelta()),
        workflow=WorkflowPolicy() if component_type is ComponentType.WORKFLOW else None,
        sandbox=SandboxPolicy(stub_wasi=stub_wasi),
    )


def _split(params: str) -> list[str]:
    parts, depth = [""], 0
    for character in params:
        depth += (character in "<{(") - (character in ">})")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]
