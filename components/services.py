"""Deploying, and reading back what is deployed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone

from components.config_codec import decode_config, encode_config
from components.deployed_rows import function_rows
from components.django_activities import django_activities
from components.interface_codec import decode_function, decode_interfaces, encode_interfaces
from components.models import Blob, Component, Deployment, DeploymentStatus, Function
from components.operator import visible_environ
from components.preparation import prepare
from components.prepared import PreparedComponent, PreparedDeployment
from components.problems import DeploymentRefused
from components.specs import function_spec, make_spec
from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    DeploymentSpec,
    Runner,
)
from engine.errors import DeploymentError
from engine.log.ids import make_deployment_id
from engine.wit.names import FunctionName

__all__ = [
    "DeployResult",
    "PreparedDeployment",
    "activate",
    "active_deployment",
    "deploy",
    "load_deployment",
    "prepare",
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
    on_component: Callable[[PreparedComponent], None] = lambda component: None,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> DeployResult:
    """Verify a deployment file and make it the active deployment.

    Args:
        path: The deployment file.
        description: A note that is kept with the deployment.
        on_component: Called as each component is ready, before verification.
        on_progress: Called with a sentence before something that takes long and is done once.

    Raises:
        DeploymentRefused: If anything is wrong; nothing was changed.
        RuntimeUnavailable: If an interpreter cannot be had.
    """
    return activate(prepare(path, on_component=on_component, on_progress=on_progress), description=description)


def activate(prepared: PreparedDeployment, *, description: str = "") -> DeployResult:
    """Store a prepared deployment and make it the active one, in one transaction.

    Raises:
        DeploymentRefused: If another deployment was activated at the same moment; nothing was changed.
    """
    try:
        with transaction.atomic():
            current = Deployment.objects.active().first()
            if current is not None and _is_same(current, prepared):
                return DeployResult(deployment=current, prepared=prepared, is_new=False)
            _store_files(prepared.files)
            _store_runtimes(prepared.runtimes)
            Deployment.objects.active().update(status=DeploymentStatus.INACTIVE)
            deployment = _store_deployment(prepared, description=description)
    except IntegrityError as exc:
        raise DeploymentRefused(["another deployment was activated at the same moment; try again"]) from exc
    return DeployResult(deployment=deployment, prepared=prepared, is_new=True)


def load_deployment(deployment: Deployment, *, environ: Mapping[str, str] | None = None) -> DeploymentSpec:
    """Return a stored deployment as the engine needs it on this machine, with the activities of the installed apps.

    Args:
        deployment: The deployment.
        environ: Environment that references to variables are resolved in; this process's own by default.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read, or a variable it needs is not set.
    """
    rows = deployment.components.order_by("position").prefetch_related("functions")
    return DeploymentSpec(
        id=deployment.deployment_id,
        components=(
            *(_load_component(row, environ=visible_environ() if environ is None else environ) for row in rows),
            *django_activities().components,
        ),
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


def _is_same(current: Deployment, prepared: PreparedDeployment) -> bool:
    """Tell whether a deployment has the same text and the same files; the text alone leaves the files open."""
    if current.digest != prepared.digest:
        return False
    stored = current.components.order_by("position").values_list("name", "digest", "wasm_id", "artefact_id", "config")
    return list(stored) == [
        (
            each.spec.id.name,
            each.spec.id.digest,
            each.spec.wasm_digest,
            each.spec.artefact_digest,
            encode_config(each.config),
        )
        for each in prepared.components
    ]


def _store_files(files: Mapping[str, bytes]) -> None:
    known = set(Blob.objects.filter(digest__in=files).values_list("digest", flat=True))
    Blob.objects.bulk_create(
        [
            Blob(digest=digest, content=content, size=len(content))
            for digest, content in files.items()
            if digest not in known
        ],
        ignore_conflicts=True,  # somebody else stored the same content meanwhile
    )


def _store_runtimes(runtimes: Mapping[str, Path]) -> None:
    """Store interpreters, for other machines and later times; read only if they are not there yet."""
    known = set(Blob.objects.filter(digest__in=runtimes).values_list("digest", flat=True))
    _store_files({digest: path.read_bytes() for digest, path in runtimes.items() if digest not in known})


def _store_deployment(prepared: PreparedDeployment, *, description: str) -> Deployment:
    now = timezone.now()
    deployment = Deployment.objects.create(
        deployment_id=make_deployment_id(now, secrets.token_bytes(10)),
        status=DeploymentStatus.ACTIVE,
        toml=prepared.manifest.text,
        digest=prepared.digest,
        description=description,
        created_at=now,
        last_active_at=now,
    )
    for position, component in enumerate(prepared.components):
        _store_component(deployment, position, component)
    return deployment


def _store_component(deployment: Deployment, position: int, component: PreparedComponent) -> None:
    spec = component.spec
    row = Component.objects.create(
        deployment=deployment,
        position=position,
        name=spec.id.name,
        component_type=spec.id.component_type.value,
        digest=spec.id.digest,
        runner=spec.runner.value,
        wasm_id=spec.wasm_digest,
        artefact_id=spec.artefact_digest,
        config=encode_config(component.config),
        imports=encode_interfaces(spec.imports),
        exports=encode_interfaces(component.exports),
    )
    Function.objects.bulk_create(function_rows(row, spec))


def _load_component(row: Component, *, environ: Mapping[str, str]) -> ComponentSpec:
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
