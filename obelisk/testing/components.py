"""What a test runs, described as a deployment describes it, with the defaults of a ``[[python]]`` table."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from components.manifest.python_source import ATTEMPT_TIMEOUT
from components.manifest.shared_keys import DEFAULT_BACKOFF, DEFAULT_MAX_RETRIES
from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    ExecPolicy,
    FunctionSpec,
    RetryPolicy,
    Runner,
    WorkflowPolicy,
)
from engine.guests.python.describe import SourceDescription, SourceFunction, SourceText
from engine.wasm.component import digest_of
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, Param
from obelisk.functions import Function

OUTSIDE = "outside"
"""Name of the component that stands for all that others do, or people."""

_SUFFIXES = {
    ComponentType.ACTIVITY: "activities",
    ComponentType.WORKFLOW: "workflows",
    ComponentType.ACTIVITY_STUB: "stubs",
}
_TYPES = {
    "activity": ComponentType.ACTIVITY,
    "workflow": ComponentType.WORKFLOW,
    "stub": ComponentType.ACTIVITY_STUB,
    "signal": ComponentType.ACTIVITY_STUB,
}
_MANY = 1_000_000
_ACTIVITY_RETRY = RetryPolicy(max_retries=DEFAULT_MAX_RETRIES, backoff=DEFAULT_BACKOFF)
_RETRIES = {
    ComponentType.ACTIVITY: _ACTIVITY_RETRY,
    ComponentType.WORKFLOW: RetryPolicy(max_retries=None, backoff=DEFAULT_BACKOFF),
    ComponentType.ACTIVITY_STUB: RetryPolicy(max_retries=0, backoff=DEFAULT_BACKOFF),
}


def python_components(
    name: str,
    files: Iterable[SourceText],
    description: SourceDescription,
    *,
    runtime: str,
    apart: Collection[str] = (),
    left_out: Collection[str] = (),
) -> Iterator[ComponentSpec]:
    """Describe the components that one set of files stands for.

    Args:
        name: What they are called after.
        files: What was read.
        description: What it says.
        runtime: Digest of the interpreter.
        apart: Full names of functions whose attempts get lost: no workflow may run them on its own thread.
        left_out: Full names of functions that another component has.
    """
    text = "\0".join(part for file in files for part in (file.path, file.text))
    for component_type, suffix in _SUFFIXES.items():
        functions = [
            function
            for function in description.functions
            if _TYPES.get(function.kind) is component_type and str(function.name) not in left_out
        ]
        for is_apart in (False, True):
            chosen = [function for function in functions if (str(function.name) in apart) is is_apart]
            if chosen:
                yield _component(
                    component_type,
                    name=f"{name}.{suffix}{'.apart' if is_apart else ''}",
                    text=text,
                    functions=chosen,
                    runtime=runtime,
                    artefact=digest_of(description.artefact),
                    is_apart=is_apart,
                )


def outside_component(functions: Iterable[tuple[FunctionName, Function[..., Any]]]) -> ComponentSpec:
    """Describe what others do: activities of a component that is not here.

    Args:
        functions: Their full names, and how the test's files declare them.
    """
    return ComponentSpec(
        id=ComponentId(component_type=ComponentType.ACTIVITY, name=OUTSIDE, digest=_digest(OUTSIDE)),
        runner=Runner.SOURCE,
        functions=tuple(FunctionSpec(name=name, type=_declared_type(function)) for name, function in functions),
        retry=_ACTIVITY_RETRY,
        exec=ExecPolicy(lock_expiry=ATTEMPT_TIMEOUT, instance_limit=_MANY),
    )


def _component(
    component_type: ComponentType,
    *,
    name: str,
    text: str,
    functions: Iterable[SourceFunction],
    runtime: str,
    artefact: str,
    is_apart: bool,
) -> ComponentSpec:
    is_activity = component_type is ComponentType.ACTIVITY
    is_stub = component_type is ComponentType.ACTIVITY_STUB
    return ComponentSpec(
        id=ComponentId(component_type=component_type, name=name, digest=_digest(name, runtime, text)),
        runner=Runner.NONE if is_stub else Runner.SOURCE,
        functions=tuple(_function(function) for function in functions),
        wasm_digest=None if is_stub else runtime,
        artefact_digest=None if is_stub else artefact,
        retry=_RETRIES[component_type],
        # Whoever counts a component's instances runs them on threads of their own.
        exec=ExecPolicy(lock_expiry=ATTEMPT_TIMEOUT, instance_limit=_MANY if is_apart else None)
        if is_activity
        else ExecPolicy(),
        workflow=WorkflowPolicy() if component_type is ComponentType.WORKFLOW else None,
        # That is what activities are for, so each attempt is durable before it starts.
        may_touch_world=component_type is not ComponentType.WORKFLOW,
        reuses_instances=is_activity,
    )


def _function(function: SourceFunction) -> FunctionSpec:
    retry = None
    if function.max_retries is not None or function.retry_backoff is not None:
        retry = RetryPolicy(
            max_retries=DEFAULT_MAX_RETRIES if function.max_retries is None else function.max_retries,
            backoff=function.retry_backoff or DEFAULT_BACKOFF,
        )
    return FunctionSpec(
        name=function.name,
        type=function.type,
        retry=retry,
        lock_expiry=function.attempt_timeout,
        optional_params=function.optional_params,
    )


def _declared_type(function: Function[..., Any]) -> FunctionType:
    signature = function.signature
    params = tuple(Param(param.wit, parse_type(param.codec.wit)) for param in signature.params)
    return FunctionType(params, parse_type(signature.result_wit))


def _digest(*parts: str) -> str:
    return f"sha256:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"
