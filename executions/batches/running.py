"""One process's work on a batch: portion by portion, each operation with the cursor that has come past it.

What only appends to logs is done to a portion at once: one transaction for each execution took 20 ms on SQLite beside a
busy executor, most of it to get its turn, and kept the executor from its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from engine.errors import EngineError, JournalUnavailable
from engine.journal.records import Append, Committed
from engine.log.ids import ExecutionId
from executions.batches.filters import decode_filter
from executions.journal.journal import SqlJournal
from executions.models import Batch, BatchEntry, BatchStatus, Execution
from executions.models.batch import BatchQuerySet
from executions.operations.appending import Decision, append_of
from executions.operations.bulk import BulkOperation, decision_of, operate
from executions.operations.bulk_rules import candidates
from executions.operations.listing import Place, page_of
from executions.operations.recording import Operation, RecordingJournal, record_all
from executions.operations.replay_places import TooManyReplays
from executions.operations.unquoted import without_values

log = structlog.get_logger(__name__)

PORTION: Final = 100
"""Executions that are looked up at a time, and operated on in one transaction: others wait for it no longer than for
one of a busy executor."""


_NOTHING_TO_DO: Final = "there was nothing to do"
_NONE: Final[Mapping[str, str]] = {}


class _MovedOn(Exception):
    """Undoes what was about to be done to some executions, since one of them is not as it was."""


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
            if not self._come_past(rows):
                return BatchStatus.STOPPED
            place = Place(rows[-1].created_at, rows[-1].pk)
        return BatchStatus.DONE

    def _come_past(self, rows: Sequence[Execution]) -> bool:
        """Operate on some executions; tell whether nobody has stopped the batch."""
        decide = decision_of(self._operation)
        if decide is not None and not self._is_stopped():
            try:
                self._operate_together(rows, decide)
            except _MovedOn:
                # One at a time, it is found out which.
                pass
            else:
                return True
        return all(self._come_past_one(row) for row in rows)

    def _come_past_one(self, row: Execution) -> bool:
        """Operate on one execution, as soon as there is room for it; tell whether nobody has stopped the batch."""
        while not self._is_stopped():
            if self._has_operated(row):
                return True
            self._held().update(seen_at=timezone.now())
        return False

    def _is_stopped(self) -> bool:
        return self._held().filter(stop_wanted=True).exists()

    def _operate_together(self, rows: Sequence[Execution], decide: Decision) -> None:
        """Operate on executions in one transaction.

        Raises:
            _MovedOn: If one of them did meanwhile; nothing is done then.
        """
        journal = SqlJournal.for_current_connection()
        now = timezone.now()
        writes: list[Append] = []
        left: dict[str, str] = {}
        for row in rows:
            try:
                state = journal.state_of(ExecutionId(row.pk))
                events = decide(state, now)
            except JournalUnavailable:
                raise
            except EngineError as error:
                left[row.pk] = self._why(row, error)
            else:
                if events:
                    writes.append(append_of(state, events, now))
                else:
                    left[row.pk] = _NOTHING_TO_DO
        with transaction.atomic():
            if not all(isinstance(outcome, Committed) for outcome in journal.commit(writes, now=now).outcomes):
                raise _MovedOn
            record_all(
                [write.execution_id for write in writes],
                Operation(self._operation.value),
                actor=self._batch.actor,
                reason=self._batch.reason,
                at=now,
                batch_id=self._batch.pk,
            )
            self._advance(rows, left=left)

    def _why(self, row: Execution, error: EngineError) -> str:
        # The report has the id beside it, and is for whoever may read it.
        return without_values(error).removeprefix(f"cannot {self._operation.value} {row.pk}: ")

    def _has_operated(self, row: Execution) -> bool:
        execution_id = ExecutionId(row.pk)
        is_recorded = False

        def also(detail: str) -> None:
            nonlocal is_recorded
            self._advance([row], details={row.pk: detail})
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
            self._leave(row, self._why(row, error))
        else:
            if not is_recorded:
                self._leave(row, _NOTHING_TO_DO)
        return True

    def _leave(self, row: Execution, why: str) -> None:
        with transaction.atomic():
            self._advance([row], left={row.pk: why})

    def _advance(
        self, rows: Sequence[Execution], *, left: Mapping[str, str] = _NONE, details: Mapping[str, str] = _NONE
    ) -> None:
        """Come past executions, within the transaction of what was done to them.

        Args:
            rows: They.
            left: Those that were left as they are, and why.
            details: More on the others.
        """
        last = rows[-1]
        moved = self._held().update(
            cursor_at=last.created_at,
            cursor_id=last.pk,
            seen_at=timezone.now(),
            attempts=0,
            done=F("done") + len(rows) - len(left),
            refused=F("refused") + len(left),
        )
        if moved != 1:
            raise _Superseded
        BatchEntry.objects.bulk_create(
            BatchEntry(
                batch=self._batch,
                execution_id=row.pk,
                is_done=row.pk not in left,
                detail=left.get(row.pk) or details.get(row.pk, ""),
            )
            for row in rows
        )

    def _held(self) -> BatchQuerySet:
        return Batch.objects.running().filter(pk=self._batch.pk, runner=self._batch.runner)
