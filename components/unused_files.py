"""Deleting stored files that no deployment is made of.

A file that is about to become part of a deployment looks unused until that is stored. So whoever stores a deployment
says first which files it wants (`components.storing`), and a file that was wanted lately is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from components.config_codec import digests_in
from components.models import Blob, Component

log = structlog.get_logger(__name__)

GRACE = timedelta(hours=1)
"""What was wanted less long ago is kept, used or not."""
_BATCH = 50
"""Files that one transaction deletes at most; each may have megabytes."""


@dataclass(frozen=True, slots=True)
class DeletedFiles:
    """What was, or would be, deleted.

    Args:
        count: How many files.
        size: How many bytes they have together.
    """

    count: int
    size: int


def delete_unused_files(now: datetime, *, without: frozenset[str] = frozenset(), dry_run: bool = False) -> DeletedFiles:
    """Delete the files that no deployment is made of.

    Args:
        now: The present instant.
        without: Deployments that do not count.
        dry_run: Only tell what would be deleted.
    """
    cutoff = now - GRACE
    used = set(_used(without))
    old = Blob.objects.filter(wanted_at__lt=cutoff)
    unused = {digest: size for digest, size in old.values_list("digest", "size") if digest not in used}
    if not dry_run:
        digests = sorted(unused)
        deleted = [
            digest
            for start in range(0, len(digests), _BATCH)
            for digest in _delete(digests[start : start + _BATCH], cutoff)
        ]
        unused = {digest: unused[digest] for digest in deleted}
        log.info("files.deleted", count=len(unused), size=sum(unused.values()))
    return DeletedFiles(len(unused), sum(unused.values()))


def _used(without: frozenset[str]) -> Iterator[str]:
    components = Component.objects.exclude(deployment__in=without)
    for wasm, artefact, config in components.values_list("wasm", "artefact", "config").iterator():
        yield from filter(None, (wasm, artefact))
        # Sources that stand in the deployment file itself have no name, and are known by this alone.
        yield from digests_in(config)
    yield from components.filter(files__isnull=False).values_list("files__blob", flat=True).iterator()


def _delete(digests: list[str], cutoff: datetime) -> list[str]:
    with transaction.atomic():
        # With the rows locked: whoever wants one of them comes first, and is seen here, or finds it gone.
        unwanted = Blob.objects.select_for_update().filter(digest__in=digests, wanted_at__lt=cutoff)
        found = list(unwanted.values_list("digest", flat=True))
        Blob.objects.filter(digest__in=found).only("digest").delete()
    return found
