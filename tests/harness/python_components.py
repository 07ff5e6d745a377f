"""Components written as Python source, on the real runtime, which is built once and kept in ``var/cache``."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentSpec, ComponentType, SandboxPolicy, WorkflowPolicy
from engine.guests.python.describe import SourceDescription, SourceText, describe_module
from engine.wasm.component import CompiledComponent
from obelisk.testing import runtime
from obelisk.testing.components import python_components
from obelisk.testing.runtime import reader
from tests.harness.components import add_file, add_runtime, deploy

RUNTIMES = Path(__file__).parents[2] / "var" / "cache" / "runtimes"


@lru_cache
def compiled_runtime() -> CompiledComponent:
    """Return the Python runtime, compiled, known to executors of tests."""
    compiled = runtime.compiled_runtime()
    add_runtime(compiled)
    return compiled


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
    add_file(description.artefact)
    components = []
    for component in python_components("app", files, description, runtime=compiled_runtime().digest):
        is_workflow = component.id.component_type is ComponentType.WORKFLOW
        components.append(
            replace(
                component,
                retry=component.retry if is_workflow else replace(component.retry, max_retries=max_retries),
                workflow=(policy or WorkflowPolicy()) if is_workflow else None,
                sandbox=SandboxPolicy(env_vars={} if is_workflow else env_vars or {}),
                may_touch_world=False,
                reuses_instances=component.reuses_instances and is_warm,
            )
        )
    return tuple(components)


def deploy_python(
    *files: SourceText, max_retries: int = 5, env_vars: dict[str, str] | None = None, is_warm: bool = True
) -> Registry:
    """Return the functions of a deployment of these files."""
    return deploy(*python_app(*files, max_retries=max_retries, env_vars=env_vars, is_warm=is_warm))
