"""Operations that clients ask for are recorded with who asked, and why if they say so."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from rest_framework.request import Request

from engine.log.ids import ExecutionId
from executions.access.principals import principal_of
from executions.api.bodies import read_query
from executions.operations.recording import MOST_REASON_CHARACTERS, Operation, RecordingJournal


class OperationQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done."""

    reason: Annotated[
        str, Meta(max_length=MOST_REASON_CHARACTERS, description="Why; it is kept with the record of the operation.")
    ] = ""


def recording(
    request: Request, execution_id: ExecutionId, operation: Operation, *, detail: str = ""
) -> RecordingJournal:
    """Return the journal through which a request does something to an execution.

    Every view that does so writes through one; `tests/executions/api/test_recording.py` holds them to it.

    Args:
        request: Whose query parameters are those of `OperationQuery`.
        execution_id: As for `RecordingJournal`.
        operation: As for `RecordingJournal`.
        detail: As for `RecordingJournal`.

    Raises:
        Problem: If the query parameters are others.
    """
    asked = read_query(request, OperationQuery)
    principal = principal_of(request.user)
    assert principal is not None  # `HasScope` lets nobody else through
    return RecordingJournal(execution_id, operation, actor=principal.actor, reason=asked.reason, detail=detail)
