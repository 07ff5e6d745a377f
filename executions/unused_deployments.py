"""Deleting deployments that nothing runs and nothing ran, and the files that no deployment is made of.

Source:
    Obelisk reference, section 9.3 (``GcOrphanFiles``); that deployments go, too, is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from components.models import Component, Deployment, DeploymentStatus
from components.reports import counted
from components.unused_files import GRACE, DeletedFiles, delete_unused_files
from executions.deployment_counts import count_executions
from executions.models import Execution

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was, or would be, deleted.

    Args:
        deployments: Their ids, oldest first.
        files: Files that no other deployment is made of.
    """

    deployments: tuple[str, ...]
    files: DeletedFiles


def collect_unused(now: datetime, *, older_than: timedelta | None = None, dry_run: bool = False) -> Collected:
    """Delete what no deployment needs, and, if asked to, deployments that nobody needs.

    Never deleted is a deployment that is active, enqueued or the one that was active before; under which any execution
    last ran, finished or not; or that alone has the component version of one: those can be replayed and explained.

    Args:
        now: The present instant.
        older_than: Delete also unused deployments that were neither stored nor made active for as long, an hour at
            least; ``None`` for no deployments.
        dry_run: Only tell what would be deleted.
    """
    unused = () if older_than is None else _unused_deployments(now, now - max(older_than, GRACE))
    if not dry_run:
        unused = tuple(deployment_id for deployment_id in unused if _delete(deployment_id))
    without = frozenset(unused) if dry_run else frozenset()
    return Collected(deployments=unused, files=delete_unused_files(now, without=without, dry_run=dry_run))


def collected_line(collected: Collected, *, dry_run: bool) -> str:
    """Return what was deleted as a line for people."""
    what = f"{counted(len(collected.deployments), 'deployment')} and {counted(collected.files.count, 'file')}"
    verb = "would be" if dry_run else "were"
    return f"{what} {verb} deleted, {collected.files.size} bytes."


def _unused_deployments(now: datetime, cutoff: datetime) -> tuple[str, ...]:
    was_active = Q(last_active_at__isnull=True) | Q(last_active_at__lt=cutoff)
    old = Deployment.objects.filter(was_active, status=DeploymentStatus.INACTIVE, created_at__lt=cutoff)
    previous = [deployment.pk for deployment in Deployment.objects.formerly_active()[:1]]
    ids = list(old.exclude(pk__in=previous).order_by("created_at", "deployment_id").values_list("pk", flat=True))
    counts = count_executions(ids, now, include_derived=True)
    unused = [deployment_id for deployment_id in ids if not any(counts[deployment_id].values())]
    needed = _with_needed_versions(unused)
    return tuple(deployment_id for deployment_id in unused if deployment_id not in needed)


def _with_needed_versions(unused: list[str]) -> set[str]:
    """Return which of these deployments have a component version of an execution that no other deployment has."""
    others = Component.objects.exclude(deployment__in=unused).values("digest")
    only_here = Component.objects.filter(deployment__in=unused).exclude(digest__in=others)
    deployments: dict[str, set[str]] = {}
    for digest, deployment_id in only_here.values_list("digest", "deployment"):
        deployments.setdefault(digest, set()).add(deployment_id)
    # Without an index: it is asked seldom, and would have to be written with every execution.
    ran = Execution.objects.filter(component_digest__in=deployments).order_by().values("component_digest").distinct()
    return {each for row in ran for each in deployments[row["component_digest"]]}


def _delete(deployment_id: str) -> bool:
    with transaction.atomic():
        # With the row locked, so that nobody switches to it meanwhile.
        unused = Deployment.objects.select_for_update().filter(pk=deployment_id, status=DeploymentStatus.INACTIVE)
        deployment = unused.first()
        if deployment is None:
            return False
        deployment.delete()
    log.info("deployment.deleted", deployment_id=deployment_id)
    return True
