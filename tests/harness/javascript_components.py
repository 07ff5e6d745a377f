"""Components written as JavaScript, on the real runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

from engine.deployment.registry import Registry
from engine.deployment.spec import (
    AllowedHost,
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
from engine.guests.javascript.digest import component_digest
from engine.guests.javascript.imports import offered_functions, resolve_imports
from engine.guests.javascript.runtime_file import JAVASCRIPT_RUNTIME
from engine.guests.javascript.source import JavaScriptReader, JavaScriptSource
from engine.wasm.component import CompiledComponent, compile_component
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, Param
from tests.harness.components import add_file, add_runtime, deploy


@lru_cache
def compiled_runtime() -> CompiledComponent:
    """Return the JavaScript runtime, compiled."""
    compiled = compile_component(WasmEngine.for_process(WasmSettings()), JAVASCRIPT_RUNTIME.read_bytes())
    add_runtime(compiled)
    return compiled


@lru_cache
def reader() -> JavaScriptReader:
    """Return what reads JavaScript."""
    return JavaScriptReader(compiled_runtime())


def read(source: str, files: Mapping[str, str] | None = None) -> JavaScriptSource:
    """Read a component whose main file is called ``main.js``."""
    return reader().read("main.js", source, (files or {}).get)


class JavaScriptApp:
    """Components of one deployment, to be added one by one."""

    def __init__(self) -> None:
        self._components: list[tuple[ComponentSpec, Mapping[str, tuple[str, ...]]]] = []

    def activity(
        self,
        ffqn: str,
        source: str,
        params: tuple[str, ...] = (),
        result: str = "result<string, string>",
        *,
        max_retries: int = 5,
        env_vars: dict[str, str] | None = None,
        allowed_hosts: tuple[AllowedHost, ...] = (),
        files: Mapping[str, str] | None = None,
    ) -> JavaScriptApp:
        """Add an activity."""
        retry = RetryPolicy(max_retries=max_retries, backoff=_BACKOFF)
        sandbox = SandboxPolicy(env_vars=env_vars or {}, allowed_hosts=allowed_hosts)
        self._add(ComponentType.ACTIVITY, ffqn, source, params, result, retry, sandbox=sandbox, files=files)
        return self

    def workflow(
        self,
        ffqn: str,
        source: str,
        params: tuple[str, ...] = (),
        result: str = "result<string, string>",
        *,
        files: Mapping[str, str] | None = None,
    ) -> JavaScriptApp:
        """Add a workflow."""
        retry = RetryPolicy(max_retries=None, backoff=_BACKOFF)
        self._add(ComponentType.WORKFLOW, ffqn, source, params, result, retry, workflow=WorkflowPolicy(), files=files)
        return self

    def stub(self, ffqn: str, params: tuple[str, ...] = (), result: str = "result<string, string>") -> JavaScriptApp:
        """Add a stub activity."""
        name, function_type = _function(ffqn, params, result)
        spec = ComponentSpec(
            id=ComponentId(component_type=ComponentType.ACTIVITY_STUB, name=ffqn, digest=f"sha256:{len(ffqn):064}"),
            runner=Runner.NONE,
            functions=(FunctionSpec(name=name, type=function_type),),
            retry=RetryPolicy(max_retries=0, backoff=_BACKOFF),
        )
        self._components.append((spec, {}))
        return self

    def deploy(self) -> Registry:
        """Return the functions of the deployment, once their imports are found."""
        offered = offered_functions(component for component, _ in self._components)
        components = []
        for component, wanted in self._components:
            imports, problems = resolve_imports(component, wanted, offered)
            assert not problems, [str(problem) for problem in problems]
            components.append(replace(component, imports=imports))
        return deploy(*components)

    def _add(
        self,
        component_type: ComponentType,
        ffqn: str,
        source: str,
        params: tuple[str, ...],
        result: str,
        retry: RetryPolicy,
        *,
        workflow: WorkflowPolicy | None = None,
        sandbox: SandboxPolicy | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        described = read(source, files)
        name, function_type = _function(ffqn, params, result)
        spec = ComponentSpec(
            id=ComponentId(
                component_type=component_type,
                name=ffqn,
                digest=component_digest(f"{component_type}_js", described.files, (name, function_type)),
            ),
            runner=Runner.SOURCE,
            functions=(FunctionSpec(name=name, type=function_type),),
            wasm_digest=compiled_runtime().digest,
            artefact_digest=add_file(described.artefact),
            retry=retry,
            exec=ExecPolicy(lock_expiry=timedelta(seconds=10)),
            workflow=workflow,
            sandbox=sandbox or SandboxPolicy(),
            may_touch_world=bool(sandbox and sandbox.allowed_hosts),
        )
        self._components.append((spec, described.imports))


_BACKOFF = timedelta(milliseconds=100)


def _function(ffqn: str, params: tuple[str, ...], result: str) -> tuple[FunctionName, FunctionType]:
    parsed = tuple(Param(f"p{number}", parse_type(text)) for number, text in enumerate(params))
    return FunctionName.parse(ffqn), FunctionType(parsed, parse_type(result))
