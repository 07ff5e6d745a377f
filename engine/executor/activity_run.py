"""One run of an activity that an executor locked."""

from __future__ import annotations

from engine.activity.outcome import event_after
from engine.deployment.registry import DeployedFunction
from engine.errors import JournalError, JournalUnavailable, ValueMismatch
from engine.executor.attempts import attempt_activity
from engine.executor.cancellation import end_refused_run
from engine.executor.services import ExecutorServices
from engine.journal.records import Append, LockedExecution
from engine.log.events import ChildFinished, Finished, LogEntry, Response
from engine.log.state import ExecutionState, Holder
from engine.activity.outcome import Impossible, Outcome
from engine.wit.json_values import load_json, read_params


def run_activity(
    services: ExecutorServices, locked: LockedExecution, function: DeployedFunction, holder: Holder
) -> None:
    """Run a locked activity once and write how it ended.

    Args:
        services: The executor's parts.
        locked: The execution.
        function: What to run.
        holder: Whose lock it is.
    """
    state = locked.state
    outcome = _attempt(services, locked, function, holder)
    now = services.clock.now()
    event = event_after(
        outcome,
        failures=state.temporary_failures,
        max_retries=state.max_retries,
        backoff=state.retry_backoff,
        now=now,
    )
    entry = LogEntry(state.next_version, now, event)
    try:
        services.commits.commit(
            Append(
                execution_id=state.execution_id,
                expected=state.next_version,
                holder=holder,
                entries=(entry,),
                responses=_responses(state, entry),
            )
        )
    except JournalUnavailable:
        # Nothing can be written now; the lock expires and the attempt is made again.
        raise
    except JournalError:
        end_refused_run(services, state.execution_id)


def _attempt(
    services: ExecutorServices, locked: LockedExecution, function: DeployedFunction, holder: Holder
) -> Outcome:
    try:
        args = read_params(function.type, load_json(locked.created.params))
    except ValueMismatch as error:
        return Impossible(f"the stored parameters do not fit {function.name}", str(error))
    return attempt_activity(
        services,
        function,
        args,
        execution_id=locked.state.execution_id,
        run_id=holder.run_id,
        time_left=locked.state.due_at - services.clock.now(),
    )


def _responses(state: ExecutionState, entry: LogEntry) -> tuple[Response, ...]:
    event = entry.event
    if state.parent is None or not isinstance(event, Finished):
        return ()
    parent, join_set = state.parent
    return (
        Response(
            execution_id=parent,
            join_set_id=join_set,
            created_at=entry.created_at,
            event=ChildFinished(
                child_execution_id=state.execution_id, finished_version=entry.version, retval=event.retval
            ),
        ),
    )
