"""The version of a component that an execution was last run by, wherever it is stored, and what runs it here."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from components.assumed_environ import AssumedEnviron
from components.models import Component, Deployment
from components.operator import operator_limits, visible_environ
from components.services import load_deployment, wasm_bytes
from components.wasm_cache import compile_cache, tracing_engine
from engine.clock import SystemClock
from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import Runner
from engine.executor.programs import Programs
from engine.journal.protocol import Journal
from engine.log.state import ExecutionState
from engine.replay.replaying import Replayer
from engine.wasm.component import CompiledComponent
from executions.deployed import deployed_registry
from executions.hosting import load_component
from executions.operations.refusals import OperationRefused

_DEBUG_LINES: Final = b".debug_line"
"""The name of the section that a compiler puts files and lines into (DWARF)."""


class VersionMissing(OperationRefused):
    """No stored deployment has the component version that is asked for."""


@cache
def _programs() -> Programs:
    # One a process, made on first use: after any fork.
    return Programs(load_component, wasm_bytes)


@cache
def _traced_programs() -> Programs:
    return Programs(_load_with_lines, wasm_bytes)


def _load_with_lines(wasm_digest: str, runner: Runner) -> CompiledComponent:
    if runner is Runner.SOURCE:
        return load_component(wasm_digest, runner)
    wasm = wasm_bytes(wasm_digest)
    if _DEBUG_LINES not in wasm:
        return load_component(wasm_digest, runner)
    return compile_cache().compile(tracing_engine(), wasm)


def make_replayer(journal: Journal) -> Replayer:
    """Return a replayer of this process, for the executions of a journal."""
    return Replayer(journal=journal, clock=SystemClock(), programs=_programs(), limits=operator_limits())


def make_tracer(journal: Journal) -> Replayer:
    """Return a replayer that knows source lines of compiled components, where they carry them; it is slower."""
    return replace(make_replayer(journal), programs=_traced_programs())


def version_of(state: ExecutionState) -> tuple[DeployedFunction, Registry]:
    """Return an execution's function as its component version has it, with what was deployed beside that.

    The active deployment is preferred; else it is the newest one with this version.

    Raises:
        VersionMissing: If no stored deployment has it.
        DeploymentError: If that deployment cannot be read here.
    """
    digest = state.component_id.digest
    registry = deployed_registry()
    function = registry.find(state.ffqn)
    if function is not None and function.component.id.digest == digest:
        return function, registry
    stored = Component.objects.filter(digest=digest, functions__ffqn=state.ffqn).select_related("deployment")
    newest = stored.order_by("-deployment__created_at").first()
    if newest is not None:
        registry = Registry(load_deployment(newest.deployment))
        function = registry.find(state.ffqn)
    if newest is None or function is None:
        raise VersionMissing(f"no stored deployment has the version {digest} of {state.ffqn}")
    return function, registry


def registry_of(deployment: Deployment) -> Registry:
    """Return the functions of a stored deployment; variables that are not set here do not matter.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read.
    """
    return Registry(load_deployment(deployment, environ=AssumedEnviron(visible_environ())))


def deployed_version(ffqn: str, digest: str) -> tuple[DeployedFunction, Registry]:
    """Return a function of the active deployment, whose component must be of this version.

    Raises:
        VersionMissing: If it is not.
    """
    registry = deployed_registry()
    function = registry.find(ffqn)
    if function is None:
        raise VersionMissing(f"no deployed component exports {ffqn}")
    if function.component.id.digest != digest:
        raise VersionMissing(f"{ffqn} is deployed in the version {function.component.id.digest}, not {digest}")
    return function, registry
