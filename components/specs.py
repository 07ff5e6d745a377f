"""Component descriptions for the engine, made of what is prepared or stored."""

from __future__ import annotations

from collections.abc import Mapping

from components.config_codec import ComponentConfig
from components.interface_codec import Interfaces
from components.sandbox import resolve_sandbox
from engine.deployment.purity import may_touch_world
from engine.deployment.spec import ComponentId, ComponentSpec, FunctionSpec, Runner


def make_spec(
    component: ComponentId,
    config: ComponentConfig,
    *,
    runner: Runner,
    functions: tuple[FunctionSpec, ...],
    imports: Interfaces,
    wasm_digest: str | None,
    environ: Mapping[str, str],
) -> ComponentSpec:
    """Return a component as the engine needs it on this machine.

    Args:
        component: Its identity.
        config: What the deployment file says about it.
        runner: What carries out its functions.
        functions: Its primary functions, in order of declaration.
        imports: What it imports.
        wasm_digest: Digest of its binary, if it has one.
        environ: This machine's environment.

    Raises:
        DeploymentRefused: If the configuration cannot be resolved here.
    """
    sandbox = resolve_sandbox(config, component=component.name, environ=environ)
    return ComponentSpec(
        id=component,
        runner=runner,
        functions=functions,
        imports=imports,
        wasm_digest=wasm_digest,
        retry=config.retry,
        exec=config.exec,
        workflow=config.workflow,
        sandbox=sandbox,
        may_touch_world=runner is Runner.NONE or may_touch_world(imports, sandbox.allowed_hosts),
        log_level=config.log_level,
    )
