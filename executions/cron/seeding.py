"""Keeping the seeds of schedules in step with what is deployed."""

from __future__ import annotations

from datetime import datetime

import structlog

from components.models import Deployment
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentType
from engine.executor.cron_seeds import make_seeds, retire_seed
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from executions.models import Execution

log = structlog.get_logger(__name__)


def keep_seeds(journal: Journal, registry: Registry, now: datetime) -> None:
    """Make the seeds that a deployment lacks, and end those of entries that it does not have.

    Every executor does so when it takes a deployment up, so whatever one of them did not get to do another one does.
    One that cannot take up the active deployment, for lack of a variable, say, leaves the seeds to others.

    Args:
        journal: Where seeds are.
        registry: What this executor runs.
        now: The present instant.

    Raises:
        JournalUnavailable: If the storage did not answer.
    """
    if not Deployment.objects.active().filter(pk=registry.deployment.id).exists():
        return
    make_seeds(journal, registry, now)
    unfinished = Execution.objects.unfinished().filter(component_type=ComponentType.CRON.value)
    gone = unfinished.exclude(component_digest__in=[cron.id.digest for cron in registry.deployment.crons])
    # Again until there is none: a tick that came first may have handed over to another seed.
    while ids := list(gone.values_list("execution_id", flat=True)):
        for execution_id in ids:
            retire_seed(journal, ExecutionId(execution_id), now)
            log.info("cron.seed_retired", execution_id=execution_id)
