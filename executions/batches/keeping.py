"""Starting and stopping batches, and taking up those that nobody is at.

Each runs on a thread of its own in a web process. A process that starts takes up what others left when they went down.
"""

from __future__ import annotations

import threading
import uuid
from typing import Final

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from engine.errors import EngineError, JournalUnavailable
from executions.batches.filters import encode_filter
from executions.batches.running import BatchRun
from executions.models import Batch, BatchStatus
from executions.models.batch import LOST_AFTER
from executions.operations.bulk import BulkOperation
from executions.operations.listing import ExecutionFilter

log = structlog.get_logger(__name__)

MOST_AT_A_TIME: Final = 4
_MOST_ATTEMPTS: Final = 5
"""How often a batch is taken up without coming any further before it counts as failed."""


class TooManyBatches(EngineError):
    """As many are under way as may be; nothing was started."""


def start_batch(
    operation: BulkOperation, wanted: ExecutionFilter, *, total: int, actor: str, reason: str, key: str
) -> Batch:
    """Begin to operate on all that a filter lets through, and return the row that will tell how far it is.

    Args:
        operation: What to do.
        wanted: To which; bounded by ``created_before`` or ``ids``, or it would never end.
        total: How many it is possible for, as somebody was told.
        actor: Who asks (`OperationRecord.actor`).
        reason: Why, in their words.
        key: Made with the page on which it was confirmed; the second time, what it started first is returned.

    Raises:
        TooManyBatches: If `MOST_AT_A_TIME` are under way.
    """
    assert wanted.created_before is not None or wanted.ids
    now = timezone.now()
    with transaction.atomic():
        known = Batch.objects.filter(key=key).first()
        if known is not None:
            return known
        if Batch.objects.running().count() >= MOST_AT_A_TIME:
            raise TooManyBatches(f"{MOST_AT_A_TIME} bulk operations are under way already; stop one, or wait")
        batch, _ = Batch.objects.get_or_create(
            key=key,
            defaults={
                "operation": operation.value,
                "wanted": encode_filter(wanted),
                "actor": actor,
                "reason": reason,
                "started_at": now,
                "seen_at": now,
                "cursor_at": now,
                "total": total,
            },
        )
    transaction.on_commit(take_up)
    return batch


def stop_batch(batch: Batch, *, actor: str) -> bool:
    """Ask that a batch end; tell whether it was still under way.

    One that nobody is at ends at once.

    Args:
        batch: Which one.
        actor: Who asks (`OperationRecord.actor`).
    """
    running = Batch.objects.running().filter(pk=batch.pk)
    if running.update(stop_wanted=True, stopped_by=actor) != 1:
        return False
    running.filter(pk__in=Batch.objects.unattended(timezone.now()).values("pk")).update(status=BatchStatus.STOPPED)
    return True


def claim_unattended() -> list[Batch]:
    """Take hold of the batches that nobody is at; return them as they are now, for `BatchRun`."""
    now = timezone.now()
    claimed = []
    for batch in Batch.objects.unattended(now):
        if batch.attempts >= _MOST_ATTEMPTS:
            log.error("batch.failed", batch=batch.pk, behind=batch.cursor_id)
            Batch.objects.running().filter(pk=batch.pk, runner=batch.runner).update(status=BatchStatus.FAILED)
            continue
        runner = uuid.uuid4().hex
        won = Batch.objects.running().filter(pk=batch.pk, runner=batch.runner, seen_at=batch.seen_at)
        if won.update(runner=runner, seen_at=now, attempts=F("attempts") + 1) == 1:
            batch.refresh_from_db()
            claimed.append(batch)
    return claimed


def take_up() -> None:
    """Go on with the batches that nobody is at, each on a thread of its own."""
    for batch in claim_unattended():
        threading.Thread(target=_carry_out, args=(batch,), name=f"batch-{batch.pk}", daemon=True).start()


def keep_batches() -> None:
    """Take up, now and then and without end, what was left; the work of a thread of every web process."""
    pause = threading.Event()
    while True:
        try:
            take_up()
        except DatabaseError as error:
            log.warning("batch.database_failed", error=str(error))
        finally:
            connection.close()
        pause.wait(LOST_AFTER.total_seconds() / 2)


def _carry_out(batch: Batch) -> None:
    try:
        BatchRun(batch).carry_out()
    except (DatabaseError, JournalUnavailable) as error:
        # The row will count as unattended, and be taken up again.
        log.warning("batch.database_failed", batch=batch.pk, error=str(error))
    finally:
        connection.close()
