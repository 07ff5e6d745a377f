"""Component descriptions for the engine, made of what is prepared or stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.config_codec import ComponentConfig
from components.interface_codec import Interfaces
from components.sandbox import resolve_sandbox
from engine.deployment.purity import may_touch_world
from engine.deployment.spec import ComponentId, ComponentSpec, ComponentType, FunctionSpec, RetryPolicy, Runner
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.types import FunctionType

_TOUCHING = (Runner.NONE, Runner.PROCESS, Runner.HOST)
"""Outside the sandbox, so anything may happen."""

_HTTP = InterfaceName("wasi", "http", "outgoing-handler", "0.2.0")


def make_spec(
    component: ComponentId,
    config: ComponentConfig,
    *,
    runner: Runner,
    functions: tuple[FunctionSpec, ...],
    imports: Interfaces,
    wasm_digest: str | None,
    artefact_digest: str | None = None,
    environ: Mapping[str, str],
) -> ComponentSpec:
    """Return a component as the engine needs it on this machine.

    Args:
        component: Its identity.
        config: What the deployment file says about it.
        runner: What carries out its functions.
        functions: Its primary functions, in order of declaration.
        imports: What it imports.
        wasm_digest: Digest of its binary, or of its interpreter's; ``None`` if it has none.
        artefact_digest: Digest of what its interpreter made of its source, if it is written so.
        environ: This machine's environment.

    Raises:
        DeploymentRefused: If the configuration cannot be resolved here.
    """
    sandbox = resolve_sandbox(config, component=component.name, environ=environ)
    hosts = sandbox.allowed_hosts
    return ComponentSpec(
        id=component,
        runner=runner,
        functions=functions,
        imports=imports,
        wasm_digest=wasm_digest,
        artefact_digest=artefact_digest,
        retry=config.retry,
        exec=config.exec,
        workflow=config.workflow,
        sandbox=sandbox,
        may_touch_world=runner in _TOUCHING or may_touch_world(_ways_out(component, runner, imports), hosts),
        log_level=config.log_level,
        reuses_instances=config.reuses_instances,
        process=config.process,
        webhook=config.webhook,
        limits=config.limits,
    )


def _ways_out(component: ComponentId, runner: Runner, imports: Interfaces) -> Iterable[InterfaceName]:
    """Return the interfaces by which a component may have an effect; an interpreter offers its activities HTTP."""
    if runner is Runner.SOURCE:
        return (_HTTP,) if component.component_type is ComponentType.ACTIVITY else ()
    return imports


def function_spec(name: FunctionName, function_type: FunctionType, config: ComponentConfig) -> FunctionSpec:
    """Return a function with the policy that its component's configuration has for it."""
    policy = config.functions.get(str(name))
    if policy is None:
        return FunctionSpec(name=name, type=function_type)
    retry = None
    if policy.max_retries is not None or policy.backoff is not None:
        retry = RetryPolicy(
            max_retries=config.retry.max_retries if policy.max_retries is None else policy.max_retries,
            backoff=config.retry.backoff if policy.backoff is None else policy.backoff,
        )
    return FunctionSpec(
        name=name,
        type=function_type,
        retry=retry,
        lock_expiry=policy.lock_expiry,
        optional_params=policy.optional_params,
    )
