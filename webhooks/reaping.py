"""Ending the executions and deliveries of requests whose web process died."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from engine.deployment.webhooks import HANDLER
from engine.errors import JournalError
from engine.executor.ends import end_of
from engine.executor.timers import ABANDONED
from engine.executor.webhook_execution import LEASE
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.models import Execution
from webhooks.models import Delivery, DeliveryState

log = structlog.get_logger(__name__)

REAP_EVERY = timedelta(seconds=5)

_GRACE = timedelta(seconds=1)
_BATCH = 100


def reap(journal: Journal, now: datetime) -> list[ExecutionId]:
    """End executions of webhook endpoints whose lock expired: nobody serves their requests any more.

    Any number of web processes may do so at once. Executors end those that were not waiting (`engine.executor.timers`).

    Args:
        journal: Where to write.
        now: The present instant.

    Returns:
        Those that were ended.
    """
    rows = Execution.objects.unfinished().of_function(HANDLER).filter(due_at__lte=now - _GRACE).order_by("due_at")
    ended = []
    for row in rows.values_list("execution_id", flat=True)[:_BATCH]:
        state = journal.state_of(ExecutionId(row))
        if state.is_finished or state.due_at > now - _GRACE:
            continue
        (outcome,) = journal.commit([end_of(state, ABANDONED, now)], now=now).outcomes
        if not isinstance(outcome, JournalError):
            log.warning("webhook.abandoned", execution_id=state.execution_id, holder=str(state.holder))
            ended.append(state.execution_id)
    return ended


def fail_abandoned(now: datetime) -> int:
    """Mark deliveries whose web process died as failed, so that they can be tried again; return how many."""
    count, recently = 0, now - 2 * LEASE
    # The answer of one that has ended well may still be on its way into the table.
    alive = ~Q(status=Status.FINISHED) | Q(result_kind="ok", due_at__gte=recently)
    running = Delivery.objects.filter(state=DeliveryState.RUNNING, started_at__lt=recently)
    for delivery in running.order_by("started_at")[:_BATCH]:
        if not Execution.objects.filter(alive, pk=delivery.execution_id).exists():
            count += Delivery.objects.filter(
                pk=delivery.pk, state=DeliveryState.RUNNING, execution_id=delivery.execution_id
            ).update(state=DeliveryState.FAILED, failure=ABANDONED.reason)
    return count
