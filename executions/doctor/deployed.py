"""Whether what is deployed can be run: its files are there and whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from django.db.models import F
from django.db.models.functions import Length

from components.models import Blob, Deployment
from components.reports import counted
from engine.errors import DeploymentError
from executions.deployed import deployed_registry
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Severity


def look_for_deployment(_examination: Examination) -> Iterator[Finding]:
    """Find that nothing is deployed, or that it cannot be used here."""
    if not Deployment.objects.active().exists():
        yield Finding(
            severity=Severity.WARNING,
            what="No deployment is active.",
            why="Nothing can be submitted, and nothing runs.",
            remedy="Deploy something: `manage.py deploy FILE`.",
        )
        return
    try:
        deployed_registry()
    except DeploymentError as error:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"The active deployment cannot be used here: {str(error).rstrip('.')}.",
            why="Processes with this environment run nothing of it.",
            remedy="Set what is missing, or deploy again with this version of the program.",
        )


def look_for_files(examination: Examination) -> Iterator[Finding]:
    """Find stored files that are not what they were: by their length, and if all is looked at by their digest."""
    broken = list(Blob.objects.exclude(size=Length("content")).values_list("digest", flat=True))
    if examination.is_thorough:
        for place, blob in enumerate(Blob.objects.exclude(digest__in=broken).order_by(F("digest")).iterator(1), 1):
            examination.tell(f"{place:,} files")
            if f"sha256:{hashlib.sha256(blob.content).hexdigest()}" != blob.digest:
                broken.append(blob.digest)
    if broken:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(broken), 'stored file')} damaged: the content is not what the digest says.",
            why="Components made of it do not load, or would run something else.",
            remedy="Deploy again what they belong to from its folder, after deleting these rows, or restore a backup.",
            examples=tuple(broken[:MOST_EXAMPLES]),
        )
