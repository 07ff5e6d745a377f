"""The end of an execution and the response that it gives its parent: always one write."""

from __future__ import annotations

from datetime import datetime

from engine.journal.records import Append
from engine.log.events import ChildFinished, Finished, LogEntry, Response
from engine.log.ids import ExecutionId, JoinSetId
from engine.log.return_values import ReturnValue
from engine.log.state import ExecutionState


def responses_of(
    parent: tuple[ExecutionId, JoinSetId] | None, execution_id: ExecutionId, entry: LogEntry
) -> tuple[Response, ...]:
    """Return what an event of an execution means for whoever waits for it.

    Args:
        parent: Who waits, and at which join set; ``None`` at top level.
        execution_id: Whose event it is.
        entry: The event; only an end has a response.
    """
    event = entry.event
    if parent is None or not isinstance(event, Finished):
        return ()
    waiting, join_set = parent
    finished = ChildFinished(child_execution_id=execution_id, finished_version=entry.version, retval=event.retval)
    return (Response(execution_id=waiting, join_set_id=join_set, created_at=entry.created_at, event=finished),)


def end_of(state: ExecutionState, retval: ReturnValue, now: datetime) -> Append:
    """Return the write that ends an execution with a result brought by somebody else than its run."""
    entry = LogEntry(state.next_version, now, Finished(retval=retval))
    return Append(
        execution_id=state.execution_id,
        expected=state.next_version,
        entries=(entry,),
        responses=responses_of(state.parent, state.execution_id, entry),
    )
