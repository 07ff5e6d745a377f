"""Executions that began and ended at given instants."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.journal.records import NewExecution, Submit
from engine.log import events as e
from engine.log.ids import ExecutionId, Version
from engine.log.return_values import ReturnValue
from executions.journal.journal import SqlJournal
from executions.models import Event
from tests.builders import FFQN, NOW, make_created, make_execution_id, make_locked, make_retval
from tests.engine.journal.commits import commit

MILLISECOND = timedelta(milliseconds=1)


def run_once(
    number: int,
    *,
    ffqn: str = FFQN,
    due_at: datetime = NOW,
    waited: timedelta = timedelta(),
    took: timedelta = MILLISECOND,
    retval: ReturnValue | None = None,
    failed_attempts: int = 0,
) -> ExecutionId:
    """Store the ``number``-th execution: due, begun so much later, ended so much after that."""
    execution_id = make_execution_id(number)
    began_at = due_at + waited
    failed = e.TemporarilyFailed(backoff_expires_at=began_at, reason="HTTP 502")
    events: list[tuple[datetime, e.ExecutionEvent]] = [
        (due_at, make_created(ffqn=ffqn, scheduled_at=due_at)),
        *((began_at, event) for _ in range(failed_attempts) for event in (_locked(began_at), failed)),
        (began_at, _locked(began_at)),
        (began_at + took, e.Finished(retval=retval or make_retval())),
    ]
    store(execution_id, events)
    return execution_id


def _locked(at: datetime) -> e.Locked:
    return make_locked(until=at + timedelta(hours=1))


def store(execution_id: ExecutionId, events: list[tuple[datetime, e.ExecutionEvent]]) -> None:
    """Store an execution with events of given instants."""
    entries = tuple(e.LogEntry(Version(version), at, event) for version, (at, event) in enumerate(events))
    commit(SqlJournal.for_current_connection(), Submit(NewExecution(execution_id, entries)), now=events[-1][0])


def newest() -> int:
    """The number of the last row of the event log; 0 if there is none."""
    return Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
