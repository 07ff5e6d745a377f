"""One process's work on a batch: portion by portion, each operation with the cursor that has come past it."""

from __future__ import annotations

from typing import Final

import msgspec
import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from engine.errors import EngineError, JournalUnavailable
from engine.log.ids import ExecutionId
from executions.batches.filters import decode_filter
from executions.models import Batch, BatchEntry, BatchStatus, Execution
from executions.models.batch import BatchQuerySet
from executions.operations.bulk import BulkOperation, operate
from executions.operations.bulk_rules import candidates
from executions.operations.listing import Place, page_of
from executions.operations.recording import Operation, RecordingJournal
from executions.operations.replay_places import TooManyReplays
from executions.operations.unquoted import without_values

log = structlog.get_logger(__name__)

PORTION: Final = 100
"""Executions that are looked up at a time."""


class _Superseded(Exception):
    """Unwinds the work of a process that another one has taken the batch from; undoes what it was about to do."""


class BatchRun:
    """Carries out a batch from where it is.

    Args:
        batch: As it was taken up: its ``runner`` is this process's right to go on.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._operation = BulkOperation(batch.operation)

    def carry_out(self) -> None:
        """Go on until all were looked at, somebody stops it, or another process takes it over.

        Raises:
            JournalUnavailable: If the storage did not answer; it can be taken up again later.
        """
        try:
            ended = self._all()
        except _Superseded:
            log.info("batch.superseded", batch=self._batch.pk)
            return
        except msgspec.ValidationError as error:
            log.error("batch.unreadable", batch=self._batch.pk, error=str(error))
            ended = BatchStatus.FAILED
        self._held().update(status=ended, seen_at=timezone.now())

    def _all(self) -> BatchStatus:
        wanted = decode_filter(self._batch.wanted)
        batch = self._batch
        place = Place(batch.cursor_at, batch.cursor_id) if batch.cursor_id else None
        # Those that it is possible for: somebody who paused all of a million may have meant the six that are under way.
        only = candidates(self._operation)
        while rows := page_of(wanted, place=place, length=PORTION, now=batch.started_at, only=only):
            for row in rows:
                if not self._come_past(row):
                    return BatchStatus.STOPPED
            place = Place(rows[-1].created_at, rows[-1].pk)
        return BatchStatus.DONE

    def _come_past(self, row: Execution) -> bool:
        """Operate on one execution, as soon as there is room for it; tell whether nobody has stopped the batch."""
        while not self._held().filter(stop_wanted=True).exists():
            if self._has_operated(row):
                return True
            self._held().update(seen_at=timezone.now())
        return False

    def _has_operated(self, row: Execution) -> bool:
        execution_id = ExecutionId(row.pk)
        is_recorded = False

        def also(detail: str) -> None:
            nonlocal is_recorded
            self._advance(row, is_done=True, detail=detail)
            is_recorded = True

        journal = RecordingJournal(
            execution_id,
            Operation(self._operation.value),
            actor=self._batch.actor,
            reason=self._batch.reason,
            batch_id=self._batch.pk,
            also=also,
        )
        try:
            operate(self._operation, execution_id, journal=journal)
        except JournalUnavailable:
            raise
        except TooManyReplays:
            return False
        except EngineError as error:
            # The report has the id beside it, and is for whoever may read it.
            self._leave(row, without_values(error).removeprefix(f"cannot {self._operation.value} {row.pk}: "))
        else:
            if not is_recorded:
                self._leave(row, "there was nothing to do")
        return True

    def _leave(self, row: Execution, why: str) -> None:
        with transaction.atomic():
            self._advance(row, is_done=False, detail=why)

    def _advance(self, row: Execution, *, is_done: bool, detail: str) -> None:
        """Come past an execution, within the transaction of what was done to it."""
        count = "done" if is_done else "refused"
        moved = self._held().update(
            cursor_at=row.created_at,
            cursor_id=row.pk,
            seen_at=timezone.now(),
            attempts=0,
            **{count: F(count) + 1},
        )
        if moved != 1:
            raise _Superseded
        BatchEntry.objects.create(batch=self._batch, execution_id=row.pk, is_done=is_done, detail=detail)

    def _held(self) -> BatchQuerySet:
        return Batch.objects.running().filter(pk=self._batch.pk, runner=self._batch.runner)
