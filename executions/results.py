"""How executions ended."""

from __future__ import annotations

from engine.journal.protocol import Journal
from engine.log.events import Finished
from engine.log.ids import ExecutionId
from engine.log.return_values import ReturnValue


def result_of(journal: Journal, execution_id: ExecutionId) -> ReturnValue | None:
    """Return how an execution ended, or ``None`` while it has not.

    Raises:
        ExecutionNotFound: If there is no such execution.
    """
    end = end_of(journal, execution_id)
    return None if end is None else end.retval


def end_of(journal: Journal, execution_id: ExecutionId) -> Finished | None:
    """Return an execution's last event, or ``None`` while it has not finished.

    Raises:
        ExecutionNotFound: If there is no such execution.
    """
    state = journal.state_of(execution_id)
    if not state.is_finished:
        return None
    last = journal.load_log(execution_id, start=state.next_version - 1)[-1].event
    assert isinstance(last, Finished)
    return last
