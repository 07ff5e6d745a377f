"""From a ``[[python]]``, ``[[activity_py]]`` or ``[[workflow_py]]`` table to its components: read in the sandbox."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from components.config_codec import ComponentConfig, SourceOrigin
from components.guest_runtimes import PythonRuntime
from components.interface_codec import Interfaces
from components.manifest import FunctionPolicy, Instances, PythonEntry
from components.manifest.files import content_digest
from components.manifest.shared_keys import DEFAULT_BACKOFF
from components.operator import operator_limits
from components.specs import function_spec, make_spec
from engine.deployment.imports import Exports
from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    ExecPolicy,
    RetryPolicy,
    Runner,
    StreamTarget,
)
from engine.guests.python.describe import (
    SourceDescription,
    SourceFunction,
    SourceImport,
    SourceRefused,
    SourceText,
    describe_function,
    describe_module,
)
from engine.wit.grammar import format_type
from engine.wit.types import FunctionType, ResultType, WitType, without_defaults

_SUFFIXES = {
    ComponentType.ACTIVITY: "activities",
    ComponentType.WORKFLOW: "workflows",
    ComponentType.ACTIVITY_STUB: "stubs",
}
_RUN_HERE = ("activity", "workflow")
"""Kinds that executors run; only those have retries and times."""
_TYPES = {
    "activity": ComponentType.ACTIVITY,
    "workflow": ComponentType.WORKFLOW,
    "stub": ComponentType.ACTIVITY_STUB,
    "signal": ComponentType.ACTIVITY_STUB,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonComponent:
    """One of the components that a table stands for."""

    spec: ComponentSpec
    config: ComponentConfig
    exports: Interfaces


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonApp:
    """What a table stands for: up to three components, what they import, and the artefact that they share."""

    components: tuple[PythonComponent, ...]
    imports: tuple[SourceImport, ...]
    artefact: bytes


def prepare_python(
    entry: PythonEntry, files: Sequence[SourceText], runtime: PythonRuntime, *, environ: Mapping[str, str]
) -> PythonApp:
    """Read the files of a table and describe its components.

    Args:
        entry: The table.
        files: What it names, in its order.
        runtime: The interpreter.
        environ: Environment that references to variables are resolved in.

    Raises:
        SourceRefused: If anything in the files is wrong.
        DeploymentRefused: If the configuration cannot be resolved here.
    """
    description = _describe(entry, files, runtime)
    if problems := list(_policy_problems(entry, description)):
        raise SourceRefused(problems)
    artefact = content_digest(description.artefact)
    origin = SourceOrigin(
        language="python",
        runtime=runtime.source,
        files={file.path: content_digest(file.text.encode()) for file in files},
    )
    components = tuple(
        _component(entry, component_type, description, files, origin, runtime.digest, artefact, environ)
        for component_type in _SUFFIXES
        if any(_TYPES[function.kind] is component_type for function in description.functions)
    )
    return PythonApp(components=components, imports=description.imports, artefact=description.artefact)


def _describe(entry: PythonEntry, files: Sequence[SourceText], runtime: PythonRuntime) -> SourceDescription:
    single = entry.single
    if single is None:
        description = describe_module(runtime.reader, files, package=entry.package)
        # A query is asked of a workflow by its name; nobody calls it.
        called = tuple(function for function in description.functions if function.kind in _TYPES)
        return replace(description, functions=called)
    return describe_function(runtime.reader, files, kind=single.kind, name=single.name, declared=single.type)


def _policy_problems(entry: PythonEntry, description: SourceDescription) -> Iterator[str]:
    for problem in operator_limits().problems(entry.limits):
        yield f"{entry.place}: {problem}"
    activities = {function.label for function in description.functions if function.kind == "activity"}
    for name in entry.functions:
        if name not in activities:
            yield f'{entry.place}: key "functions.{name}" names no activity of the file'


def _component(
    entry: PythonEntry,
    component_type: ComponentType,
    description: SourceDescription,
    files: Sequence[SourceText],
    origin: SourceOrigin,
    runtime: str,
    artefact: str,
    environ: Mapping[str, str],
) -> PythonComponent:
    functions = [function for function in description.functions if _TYPES[function.kind] is component_type]
    is_stub = component_type is ComponentType.ACTIVITY_STUB
    config = replace(
        _config(entry, component_type),
        source=origin,
        functions={str(function.name): _policy(entry, function) for function in functions},
    )
    name = entry.name if entry.single is not None else f"{entry.name}.{_SUFFIXES[component_type]}"
    digest = _digest(entry, component_type, runtime, files, functions)
    spec = make_spec(
        ComponentId(component_type=component_type, name=name, digest=digest),
        config,
        runner=Runner.NONE if is_stub else Runner.SOURCE,
        functions=tuple(function_spec(function.name, function.type, config) for function in functions),
        imports={},
        wasm_digest=None if is_stub else runtime,
        artefact_digest=None if is_stub else artefact,
        environ=environ,
    )
    return PythonComponent(spec=spec, config=config, exports=_exports(functions))


def _config(entry: PythonEntry, component_type: ComponentType) -> ComponentConfig:
    is_activity = component_type is ComponentType.ACTIVITY
    common = ComponentConfig(
        retry=entry.activity_retry,
        exec=entry.activity_exec,
        workflow=None,
        env_vars=entry.env_vars if is_activity else (),
        allowed_hosts=entry.allowed_hosts if is_activity else (),
        stdout=StreamTarget.DB,
        stderr=StreamTarget.DB,
        stub_wasi=False,
        backtrace_sources={},
        log_level=entry.log_level,
        limits=entry.limits,
        reuses_instances=is_activity and entry.instances is Instances.WARM,
    )
    match component_type:
        case ComponentType.ACTIVITY:
            return common
        case ComponentType.WORKFLOW:
            retry = RetryPolicy(max_retries=None, backoff=entry.workflow_backoff)
            return replace(common, retry=retry, exec=entry.workflow_exec, workflow=entry.policy)
        case ComponentType.ACTIVITY_STUB:
            return replace(common, retry=RetryPolicy(max_retries=0, backoff=DEFAULT_BACKOFF), exec=ExecPolicy())
        case ComponentType.WEBHOOK_ENDPOINT | ComponentType.CRON:
            raise ValueError(f"a Python file has no component of the type {component_type}")
        case _:
            assert_never(component_type)


def _policy(entry: PythonEntry, function: SourceFunction) -> FunctionPolicy:
    """Return how a function is run: the operator's word beats the decorator's."""
    if function.kind not in _RUN_HERE:
        return FunctionPolicy(optional_params=function.optional_params, title=function.title, group=function.group)
    given = entry.functions.get(function.label, FunctionPolicy())
    return FunctionPolicy(
        max_retries=function.max_retries if given.max_retries is None else given.max_retries,
        backoff=function.retry_backoff if given.backoff is None else given.backoff,
        lock_expiry=function.attempt_timeout if given.lock_expiry is None else given.lock_expiry,
        optional_params=function.optional_params,
    )


def _exports(functions: Sequence[SourceFunction]) -> Interfaces:
    exports: dict[object, dict[str, FunctionType]] = {}
    for function in functions:
        exports.setdefault(function.name.interface, {})[function.name.function] = function.type
    return exports  # type: ignore[return-value]  # the keys are names of interfaces


def _digest(
    entry: PythonEntry,
    component_type: ComponentType,
    runtime: str,
    files: Sequence[SourceText],
    functions: Sequence[SourceFunction],
) -> str:
    """Return a component's identity: what runs, by what, as what; the options of its table are not part of it."""
    parts = [] if entry.single is None else [str(entry.single.name), *(_signature(function) for function in functions)]
    return source_digest(component_type, runtime, entry.package, files, parts)


def source_digest(
    component_type: ComponentType, runtime: str, package: str | None, files: Sequence[SourceText], more: Sequence[str]
) -> str:
    """Return the digest of what runs, by what, as what.

    Args:
        component_type: Its kind.
        runtime: Digest of the interpreter.
        package: Of its functions, if its table says so.
        files: The main file first.
        more: What else makes it another component.
    """
    digest = hashlib.sha256()
    parts = [f"python:{component_type.value}", runtime, package or ""]
    parts += [part for file in files for part in (file.path, file.text)]
    for part in (*parts, *more):
        encoded = part.encode()
        digest.update(f"{len(encoded)}:".encode() + encoded)
    return f"sha256:{digest.hexdigest()}"


def _signature(function: SourceFunction) -> str:
    params = ",".join(format_type(param.type) for param in function.type.params)
    assert function.type.result is not None
    return f"({params})->{format_type(function.type.result)}"


def import_problems(imports: Sequence[SourceImport], exports: Exports) -> Iterator[str]:
    """Return what is wrong with the functions of other components that files declare.

    The error side is the exporter's, so it is not compared.

    Args:
        imports: The declarations.
        exports: All functions of the deployment that others may call.
    """
    for declared in imports:
        exported = exports.get(declared.name)
        if exported is None:
            yield f"{declared.place}: {declared.label}: no component exports {declared.name}"
            continue
        params = exported.type.params
        optional = next(each.optional_params for each in exported.component.functions if each.name == declared.name)
        least = len(params) - optional
        if not least <= len(declared.params) <= len(params):
            takes = f"{least} to {len(params)}" if optional else f"{len(params)}"
            yield (
                f"{declared.place}: {declared.label}: {declared.name} takes {takes} parameters, "
                f"got {len(declared.params)}"
            )
            continue
        for wanted, given in zip(params, declared.params, strict=False):
            if without_defaults(wanted.type) != without_defaults(given.type):
                yield (
                    f"{declared.place}: {declared.label}({given.name}): {declared.name} takes "
                    f"{_type_text(wanted.type)}, got {_type_text(given.type)}"
                )
        result = exported.type.result
        if not isinstance(result, ResultType):
            continue
        returned, got = _type_text(result.ok), _type_text(declared.ok)
        if returned != got:
            yield f"{declared.place}: {declared.label} -> return: {declared.name} returns {returned}, got {got}"


def _type_text(payload: WitType | None) -> str:
    return "nothing" if payload is None else format_type(without_defaults(payload))
