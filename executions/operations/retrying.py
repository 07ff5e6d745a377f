"""Retrying what has failed for good: the same call again, as an execution of its own.

The new execution carries the label ``retry-of`` with the id of the old one, beside the old one's labels.
"""

from __future__ import annotations

from typing import Final

import orjson
from django.db import transaction

from engine.errors import ExecutionNotFound
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.log.labels import labels_of
from engine.log.state import Status
from executions.journal.rows import created_of
from executions.models import Execution, Label
from executions.operations.refusals import OperationRefused
from executions.operations.submitting import Submitted, submit

RETRY_LABEL: Final = "retry-of"


def retry(execution_id: ExecutionId, *, journal: Journal | None = None) -> Submitted:
    """Submit again what has ended with an error or a failure.

    Args:
        execution_id: Which one; of a child, only its own call is made again, and nobody waits for it.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        OperationRefused: If it has not ended, has ended well, or was retried already; says as which execution.
        CallRefused: If the function is not deployed any more, or does not take these parameters any more.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    # One transaction, so that of two retries at the same moment the second sees the first.
    with transaction.atomic():
        row = Execution.objects.filter(pk=execution_id).select_for_update().first()
        if row is None:
            raise ExecutionNotFound(execution_id)
        if row.status != Status.FINISHED.value:
            raise OperationRefused(f"cannot retry {execution_id}: it has not finished")
        if row.result_kind == "ok":
            raise OperationRefused(f"cannot retry {execution_id}: it has ended well")
        if (before := Label.objects.filter(name=RETRY_LABEL, value=execution_id).first()) is not None:
            raise OperationRefused(f"cannot retry {execution_id}: it was retried already, as {before.execution_id}")
        created = created_of(row.events.get(version=0).payload)
        labels = {**labels_of(created.metadata), RETRY_LABEL: str(execution_id)}
        return submit(created.ffqn, orjson.loads(created.params), labels=labels, journal=journal)
