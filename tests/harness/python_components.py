"""Components written as Python source, on the real runtime, which is built once and kept in ``var/tests``."""

from __future__ import annotations

import hashlib
import textwrap
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from engine.deployment.registry import Registry
from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    ExecPolicy,
    FunctionSpec,
    RetryPolicy,
    Runner,
    SandboxPolicy,
    WorkflowPolicy,
)
from engine.guests.host_call import reading_call
from engine.guests.program import Runtime
from engine.guests.python.build import python_runtime
from engine.guests.python.describe import SourceDescription, SourceFunction, SourceText, describe_module
from engine.wasm.compile_cache import CompileCache
from engine.wasm.component import CompiledComponent
from engine.wasm.engine import WasmEngine, WasmSettings
from tests.harness.components import add_file, add_runtime, deploy

RUNTIMES = Path(__file__).parents[2] / "var" / "tests" / "runtimes"
_TYPES = {"activity": ComponentType.ACTIVITY, "workflow": ComponentType.WORKFLOW, "stub": ComponentType.ACTIVITY_STUB}


@lru_cache
def compiled_runtime() -> CompiledComponent:
    """Return the Python runtime, compiled."""
    built = python_runtime(RUNTIMES)
    engine, cache = WasmEngine.for_process(WasmSettings()), CompileCache(RUNTIMES / "compiled")
    compiled = cache.load(engine, built.digest) or cache.compile(engine, built.path.read_bytes())
    add_runtime(compiled)
    return compiled


@lru_cache
def reader() -> Runtime:
    """Return the runtime for looking at files."""
    return Runtime(compiled_runtime(), reading_call)


def source(text: str, *, path: str = "app.py") -> SourceText:
    """Return a file, its indentation taken off."""
    return SourceText(path=path, text=textwrap.dedent(text))


def describe(*files: SourceText, package: str | None = "acme:app") -> SourceDescription:
    """Read the files of a component as a deployment does."""
    return describe_module(reader(), files, package=package)


def python_app(
    *files: SourceText,
    max_retries: int = 5,
    policy: WorkflowPolicy | None = None,
    env_vars: dict[str, str] | None = None,
    is_warm: bool = True,
) -> tuple[ComponentSpec, ...]:
    """Describe the components that one set of files is deployed as."""
    description = describe(*files)
    artefact = add_file(description.artefact)
    kinds = dict.fromkeys(function.kind for function in description.functions)
    return tuple(
        _component(kind, files, artefact, description, max_retries, policy, env_vars, is_warm)
        for kind in kinds
        if kind in _TYPES
    )


def deploy_python(
    *files: SourceText, max_retries: int = 5, env_vars: dict[str, str] | None = None, is_warm: bool = True
) -> Registry:
    """Return the functions of a deployment of these files."""
    return deploy(*python_app(*files, max_retries=max_retries, env_vars=env_vars, is_warm=is_warm))


def _component(
    kind: str,
    files: tuple[SourceText, ...],
    artefact: str,
    description: SourceDescription,
    max_retries: int,
    policy: WorkflowPolicy | None,
    env_vars: dict[str, str] | None,
    is_warm: bool,
) -> ComponentSpec:
    text = "\0".join([kind, *(file.text for file in files)])
    is_workflow = kind == "workflow"
    return ComponentSpec(
        id=ComponentId(
            component_type=_TYPES[kind],
            name=f"app.{kind}",
            digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
        ),
        runner=Runner.NONE if kind == "stub" else Runner.SOURCE,
        functions=tuple(_function(function) for function in description.functions if function.kind == kind),
        wasm_digest=compiled_runtime().digest,
        artefact_digest=artefact,
        retry=RetryPolicy(max_retries=None if is_workflow else max_retries, backoff=timedelta(milliseconds=100)),
        exec=ExecPolicy(lock_expiry=timedelta(seconds=30)),
        workflow=(policy or WorkflowPolicy()) if is_workflow else None,
        sandbox=SandboxPolicy(env_vars={} if is_workflow else env_vars or {}),
        may_touch_world=False,
        reuses_instances=kind == "activity" and is_warm,
    )


def _function(function: SourceFunction) -> FunctionSpec:
    retry = None
    if function.max_retries is not None:
        retry = RetryPolicy(
            max_retries=function.max_retries, backoff=function.retry_backoff or timedelta(milliseconds=100)
        )
    return FunctionSpec(
        name=function.name,
        type=function.type,
        retry=retry,
        lock_expiry=function.attempt_timeout,
        optional_params=function.optional_params,
    )
