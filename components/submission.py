"""Storing a deployment that is not run yet.

Source:
    Obelisk reference, sections 5.11 and 9.2 (``POST /v1/deployments``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from components.busy import OneAtATime
from components.manifest import parse_manifest
from components.manifest.files import content_digest
from components.models import Deployment, DeploymentStatus
from components.preparation import prepare_manifest
from components.problems import DeploymentRefused
from components.runtime_loads import languages_of, site_runtimes
from components.storing import store_deployment
from components.submitted_files import SubmittedFile, SubmittedFiles
from engine.errors import IdSyntaxError
from engine.log.ids import parse_deployment_id

MAX_MANIFEST_BYTES = 4 << 20

_submitting = OneAtATime("submitted")


class DeploymentExists(DeploymentRefused):
    """The id that the sender chose belongs to another deployment; nothing was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A deployment that is stored.

    Args:
        deployment: It.
        is_new: False if it was stored under this id before.
        warnings: What was accepted but should be looked at, one sentence each.
    """

    deployment: Deployment
    is_new: bool
    warnings: tuple[str, ...] = ()


def submit_deployment(
    toml: str,
    files: Mapping[str, SubmittedFile],
    *,
    deployment_id: str | None = None,
    description: str = "",
    allow_unavailable: bool = False,
) -> Submission:
    """Verify and store a deployment, inactive.

    Args:
        toml: The deployment file.
        files: What came along, by path; what is stored already need not.
        deployment_id: Id chosen by the sender, who may then safely send it again; a fresh one by default.
        description: A note that is kept with the deployment.
        allow_unavailable: Pass over what this machine lacks to run it: variables, secrets, leave for programs.

    Raises:
        FilesRefused: If files are missing, too many, too large or wrong.
        DeploymentExists: If the id is another deployment's.
        DeploymentRefused: If anything else is wrong; carries every problem that was found.
        Busy: If another one is being submitted.
        RuntimeLoading: If an interpreter that it needs is being built or compiled, and that takes a while.
        RuntimeUnavailable: If one cannot be had.
        WasmError: If this process must not compile.
    """
    with _submitting():
        before = None if deployment_id is None else _find(deployment_id, content_digest(toml.encode()))
        if before is not None:
            return Submission(deployment=before, is_new=False)
        if len(toml.encode()) > MAX_MANIFEST_BYTES:
            raise DeploymentRefused([f"the deployment file is larger than {MAX_MANIFEST_BYTES >> 20} MiB"])
        if "\0" in description:
            raise DeploymentRefused(["the description holds a NUL character"])
        source = SubmittedFiles(files)
        manifest = parse_manifest(toml, file_name="deployment.toml", wit=source.read_wit)
        source.check(manifest.entries)
        site_runtimes.require(languages_of(manifest.entries))
        try:
            prepared = prepare_manifest(manifest, source, allow_unavailable=allow_unavailable)
        except DeploymentRefused:
            # What JavaScript imports is known only now; a file that is not there is the cause of the other problems.
            source.check_what_was_read()
            raise
        source.check_all_used()
        try:
            with transaction.atomic():
                deployment = store_deployment(
                    prepared,
                    status=DeploymentStatus.INACTIVE,
                    description=description,
                    deployment_id=deployment_id,
                )
        except IntegrityError as error:
            raise DeploymentExists([f"{deployment_id} was submitted by somebody else meanwhile"]) from error
        return Submission(deployment=deployment, is_new=True, warnings=prepared.warnings)


def _find(deployment_id: str, digest: str) -> Deployment | None:
    try:
        parse_deployment_id(deployment_id)
    except IdSyntaxError as error:
        raise DeploymentRefused([error]) from error
    stored = Deployment.objects.filter(pk=deployment_id).first()
    if stored is not None and stored.digest != digest:
        raise DeploymentExists([f"{deployment_id} is another deployment, with the digest {stored.digest}"])
    return stored
