"""Writing a prepared deployment into the database."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.utils import timezone

from components.busy import Busy
from components.config_codec import encode_config
from components.cron_codec import encode_cron
from components.deployed_rows import function_rows
from components.interface_codec import encode_interfaces
from components.models import Blob, Component, ComponentFile, Deployment, DeploymentStatus, Function
from components.prepared import PreparedComponent, PreparedDeployment
from components.unused_files import GRACE
from engine.deployment.spec import CronSpec, Runner
from engine.log.ids import make_deployment_id


def store_deployment(
    prepared: PreparedDeployment,
    *,
    status: DeploymentStatus,
    description: str,
    deployment_id: str | None = None,
) -> Deployment:
    """Store a prepared deployment with its files; within the surrounding transaction.

    Args:
        prepared: What passed verification.
        status: What it is to the executors.
        description: A note that is kept with it.
        deployment_id: Its id; a fresh one by default.

    Raises:
        Busy: If the interpreter that it was read with was unused and has just been deleted.
        IntegrityError: If the id is taken, or another deployment has the status.
    """
    now = timezone.now()
    _store_files(prepared, now)
    deployment = Deployment.objects.create(
        deployment_id=deployment_id or make_deployment_id(now, secrets.token_bytes(10)),
        status=status,
        toml=prepared.manifest.text,
        digest=prepared.digest,
        description=description,
        created_at=now,
        last_active_at=now if status is DeploymentStatus.ACTIVE else None,
    )
    for position, component in enumerate(prepared.components):
        _store_component(deployment, position, component)
    for position, cron in enumerate(prepared.crons, start=len(prepared.components)):
        _store_cron(deployment, position, cron)
    return deployment


def is_same(current: Deployment, prepared: PreparedDeployment) -> bool:
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
    ] + [(each.id.name, each.id.digest, None, None, encode_cron(each)) for each in prepared.crons]


def _store_files(prepared: PreparedDeployment, now: datetime) -> None:
    binaries = {each.spec.wasm_digest for each in prepared.components if each.spec.wasm_digest is not None}
    wanted = {*prepared.files, *prepared.runtimes, *binaries}
    stored = Blob.objects.filter(digest__in=wanted)
    # Before looking which there are: whoever deletes unused files comes first, or leaves these alone. What was wanted
    # lately is left alone in any case, and SQLite writes a whole row anew, an interpreter's with its megabytes.
    stored.filter(wanted_at__lt=now - GRACE / 2).update(wanted_at=now)
    known = set(stored.values_list("digest", flat=True))
    contents = {digest: content for digest, content in prepared.files.items() if digest not in known}
    # Interpreters, for other machines and later times; read only if they are not there yet.
    contents |= {digest: path.read_bytes() for digest, path in prepared.runtimes.items() if digest not in known}
    if gone := wanted - known - contents.keys():
        raise Busy(f"{', '.join(sorted(gone))} was unused and has just been deleted; try again")
    Blob.objects.bulk_create(
        [
            Blob(digest=digest, content=content, size=len(content), wanted_at=now)
            for digest, content in contents.items()
        ],
        ignore_conflicts=True,  # somebody else stored the same content meanwhile
    )


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
    ComponentFile.objects.bulk_create(
        # Two frames of a backtrace may have the same source.
        ComponentFile(component=row, path=file.path, blob_id=file.digest, role=file.role)
        for file in dict.fromkeys(component.files)
    )


def _store_cron(deployment: Deployment, position: int, cron: CronSpec) -> None:
    Component.objects.create(
        deployment=deployment,
        position=position,
        name=cron.id.name,
        component_type=cron.id.component_type.value,
        digest=cron.id.digest,
        runner=Runner.HOST.value,  # the executor itself
        config=encode_cron(cron),
        imports=encode_interfaces({}),
        exports=encode_interfaces({}),
    )
