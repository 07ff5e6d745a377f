"""Who did what to an execution, when and why.

Operations write through a journal; one of these makes whatever they commit carry the record of who asked for it.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import DEFAULT_DB_ALIAS

from engine.journal.protocol import CommitReport
from engine.journal.records import Committed, LockRequest, NewExecution, Submit, Write
from engine.log.events import Created
from engine.log.ids import ExecutionId
from executions.journal.connection import CurrentConnection
from executions.journal.journal import SqlJournal
from executions.models import OperationRecord

MOST_REASON_CHARACTERS: Final = 500


class Operation(StrEnum):
    """What can be done to an execution or one of its delays."""

    PAUSE = "pause"
    UNPAUSE = "unpause"
    CANCEL = "cancel"
    RETRY = "retry"
    STUB = "stub"
    SIGNAL = "signal"
    UPGRADE = "upgrade"
    EXCLUDE = "exclude"
    INCLUDE = "include"
    ADVANCE = "advance"
    FORK = "fork"
    SUBMIT = "submit"
    TRIGGER = "trigger"
    SKIP_TICK = "skip_tick"
    REPLAY_DELIVERY = "replay_delivery"
    ASSIGN = "assign"
    RELEASE = "release"
    CANCEL_DELAY = "cancel_delay"
    PAUSE_DELAY = "pause_delay"
    UNPAUSE_DELAY = "unpause_delay"
    REPAIR = "repair"


class RecordingJournal(SqlJournal):
    """The calling thread's database connection, for one operation by somebody.

    The first commit that changes anything holds the record of the operation, too: both are durable, or neither.

    Args:
        execution_id: On what.
        operation: What is done.
        actor: Who does it (`OperationRecord.actor`).
        reason: Why, in their words.
        detail: What else tells it apart; by default, which execution it starts, or the function if that is this one.
        batch_id: The batch that it belongs to, if it is one of many.
        also: Writes what belongs into the same transaction; is told the record's detail.
    """

    def __init__(
        self,
        execution_id: ExecutionId,
        operation: Operation,
        *,
        actor: str,
        reason: str = "",
        detail: str = "",
        batch_id: int | None = None,
        also: Callable[[str], None] | None = None,
    ) -> None:
        connection = CurrentConnection(DEFAULT_DB_ALIAS)
        super().__init__(writer=connection, reader=connection)
        self._execution_id = execution_id
        self._operation = operation
        self._actor = actor
        self._reason = reason
        self._detail = detail
        self._batch_id = batch_id
        self._also = also
        self._is_recorded = False

    def commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> CommitReport:
        """See `Journal`."""
        with self._writer.transaction():
            report = super().commit(writes, now=now, lock=lock)
            if not self._is_recorded and any(_changed(outcome) for outcome in report.outcomes):
                self._record(writes, now)
                self._is_recorded = True
        return report

    def _record(self, writes: Sequence[Write], now: datetime) -> None:
        record = OperationRecord.objects.create(
            execution_id=self._execution_id,
            operation=self._operation.value,
            detail=self._detail or next(self._started(writes), ""),
            actor=self._actor,
            reason=self._reason,
            at=now,
            batch_id=self._batch_id,
        )
        if self._also is not None:
            self._also(record.detail)

    def _started(self, writes: Sequence[Write]) -> Iterator[str]:
        """Return which executions begin with these writes; of the execution itself, which function is called."""
        for write in writes:
            if isinstance(write, Submit):
                started = write.execution
                is_itself = started.execution_id == self._execution_id
                yield _called_by(started) if is_itself else started.execution_id


def record_all(
    execution_ids: Sequence[ExecutionId],
    operation: Operation,
    *,
    actor: str,
    reason: str,
    at: datetime,
    batch_id: int | None,
) -> None:
    """Record an operation of a batch that changed some executions, within the transaction that changes them.

    Args:
        execution_ids: Which ones.
        operation: What was done.
        actor: Who did it (`OperationRecord.actor`).
        reason: Why, in their words.
        at: When.
        batch_id: The batch.
    """
    OperationRecord.objects.bulk_create(
        OperationRecord(
            execution_id=each, operation=operation.value, actor=actor, reason=reason, at=at, batch_id=batch_id
        )
        for each in execution_ids
    )


def command_actor() -> str:
    """Return who runs a command of this program, as far as the operating system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not have a name.
        name = str(os.getuid())
    return f"command:{name}"


def _called_by(started: NewExecution) -> str:
    created = started.entries[0].event
    assert isinstance(created, Created)
    return created.ffqn


def _changed(outcome: object) -> bool:
    return isinstance(outcome, Committed) and outcome.is_new
