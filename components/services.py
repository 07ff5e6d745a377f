"""Deploying, and reading back what is deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db import IntegrityError, transaction

from components.config_codec import decode_config
from components.cron_codec import decode_cron
from components.decisions import BY_PROGRAM, Decision, record_decision
from components.django_activities import django_activities
from components.interface_codec import decode_function, decode_interfaces
from components.models import Blob, Component, Deployment, DeploymentStatus, SwitchKind
from components.operator import visible_environ
from components.preparation import prepare
from components.prepared import PreparedComponent, PreparedDeployment
from components.problems import DeploymentRefused
from components.specs import function_spec, make_spec
from components.storing import is_same, store_deployment
from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    CronSpec,
    DeploymentSpec,
    Runner,
)
from engine.errors import DeploymentError
from engine.wit.names import FunctionName

__all__ = [
    "DeployResult",
    "PreparedDeployment",
    "activate",
    "active_deployment",
    "deploy",
    "is_cron",
    "load_component",
    "load_cron",
    "load_deployment",
    "prepare",
    "store_inactive",
    "wasm_bytes",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployResult:
    """What deploying came to.

    Args:
        deployment: The active deployment.
        prepared: What it was made of.
        is_new: False if the very same deployment was active already, so that nothing was changed.
    """

    deployment: Deployment
    prepared: PreparedDeployment
    is_new: bool


def deploy(
    path: Path,
    *,
    description: str = "",
    decision: Decision = BY_PROGRAM,
    on_component: Callable[[PreparedComponent], None] = lambda component: None,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> DeployResult:
    """Verify a deployment file and make it the active deployment.

    Args:
        path: The deployment file.
        description: A note that is kept with the deployment.
        decision: Whose choice it is; it is kept, too.
        on_component: Called as each component is ready, before verification.
        on_progress: Called with a sentence before something that takes long and is done once.

    Raises:
        DeploymentRefused: If anything is wrong; nothing was changed.
        RuntimeUnavailable: If an interpreter cannot be had.
    """
    prepared = prepare(path, on_component=on_component, on_progress=on_progress)
    return activate(prepared, description=description, decision=decision)


def activate(prepared: PreparedDeployment, *, description: str = "", decision: Decision = BY_PROGRAM) -> DeployResult:
    """Store a prepared deployment and make it the active one, in one transaction.

    Raises:
        DeploymentRefused: If another deployment was activated at the same moment; nothing was changed.
    """
    try:
        with transaction.atomic():
            current = Deployment.objects.active().first()
            if current is not None and is_same(current, prepared):
                return DeployResult(deployment=current, prepared=prepared, is_new=False)
            Deployment.objects.active().update(status=DeploymentStatus.INACTIVE)
            deployment = store_deployment(prepared, status=DeploymentStatus.ACTIVE, description=description)
            record_decision(
                deployment.pk,
                SwitchKind.ACTIVATED,
                decision,
                replaced="" if current is None else current.pk,
                at=deployment.created_at,
            )
    except IntegrityError as exc:
        raise DeploymentRefused(["another deployment was activated at the same moment; try again"]) from exc
    return DeployResult(deployment=deployment, prepared=prepared, is_new=True)


def store_inactive(prepared: PreparedDeployment, *, description: str = "") -> tuple[Deployment, bool]:
    """Store a prepared deployment without running it, unless the very same one is active.

    Returns:
        What is stored, and whether it is new.
    """
    with transaction.atomic():
        current = Deployment.objects.active().first()
        if current is not None and is_same(current, prepared):
            return current, False
        return store_deployment(prepared, status=DeploymentStatus.INACTIVE, description=description), True


def load_deployment(deployment: Deployment, *, environ: Mapping[str, str] | None = None) -> DeploymentSpec:
    """Return a stored deployment as the engine needs it on this machine, with the activities of the installed apps.

    Args:
        deployment: The deployment.
        environ: Environment that references to variables are resolved in; this process's own by default.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read, or a variable it needs is not set.
    """
    rows = list(deployment.components.order_by("position").prefetch_related("functions"))
    environ = visible_environ() if environ is None else environ
    return DeploymentSpec(
        id=deployment.deployment_id,
        components=(
            *(load_component(row, environ=environ) for row in rows if not is_cron(row)),
            *django_activities().components,
        ),
        crons=tuple(load_cron(row) for row in rows if is_cron(row)),
    )


def active_deployment() -> DeploymentSpec | None:
    """Return the active deployment, or ``None`` before the first one.

    Raises:
        DeploymentError: As `load_deployment` does.
    """
    deployment = Deployment.objects.active().first()
    return None if deployment is None else load_deployment(deployment)


def wasm_bytes(digest: str) -> bytes:
    """Return the stored file of a content digest.

    Raises:
        DeploymentError: If there is none.
    """
    content = Blob.objects.filter(digest=digest).values_list("content", flat=True).first()
    if content is None:
        raise DeploymentError(f"no file with the digest {digest} is stored")
    return bytes(content)  # PostgreSQL gives a memoryview


def is_cron(row: Component) -> bool:
    """Tell whether a stored component is an entry that the clock starts."""
    return row.component_type == ComponentType.CRON.value


def load_cron(row: Component) -> CronSpec:
    """Return a stored entry that the clock starts.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read.
    """
    return decode_cron(row.config, name=row.name, digest=row.digest)


def load_component(row: Component, *, environ: Mapping[str, str]) -> ComponentSpec:
    """Return a stored component as the engine needs it on this machine.

    Args:
        row: The component.
        environ: Environment that references to variables are resolved in.

    Raises:
        DeploymentError: As `load_deployment` does.
    """
    functions = sorted(row.functions.all(), key=lambda function: function.position)
    config = decode_config(row.config)
    return make_spec(
        ComponentId(component_type=ComponentType(row.component_type), name=row.name, digest=row.digest),
        config,
        runner=Runner(row.runner),
        functions=tuple(
            function_spec(
                FunctionName.parse(function.ffqn), decode_function(function.params, function.return_type), config
            )
            for function in functions
        ),
        imports=decode_interfaces(row.imports),
        wasm_digest=row.wasm_id,
        artefact_digest=row.artefact_id,
        environ=environ,
    )
