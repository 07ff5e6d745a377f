"""Finishing an execution whose result comes from outside: compare and set by value."""

from __future__ import annotations

from engine.errors import AlreadyFinished, ExecutionNotFound, VersionConflict
from engine.executor.ends import end_of
from engine.executor.limit_problems import result_problem
from engine.executor.services import ExecutorServices
from engine.log.events import Finished, StubConflict, StubError, StubNotFound, TypeCheckError
from engine.log.ids import ExecutionId
from engine.log.return_values import Returned, ReturnValue
from engine.log.retval_json import retval_text
from engine.log.state import ExecutionState


def complete_stub(
    services: ExecutorServices, target: ExecutionId, retval: ReturnValue, *, ffqn: str
) -> StubError | None:
    """Finish a stub execution with a result; the same value again changes nothing.

    Args:
        services: The executor's parts.
        target: The stub execution.
        retval: Its result.
        ffqn: The function that it must have been created for.

    Returns:
        ``None`` if the execution now has, or had, this result; else why not.
    """
    while True:
        try:
            state = services.journal.state_of(target)
        except ExecutionNotFound:
            return StubNotFound()
        if state.ffqn != ffqn:
            return TypeCheckError(f"{target} was created for {state.ffqn}, not for {ffqn}")
        if state.is_finished:
            return None if _has_result(services, state, retval) else StubConflict()
        if problem := _size_problem(services, retval, ffqn):
            return TypeCheckError(problem)
        try:
            services.commits.commit(end_of(state, retval, services.clock.now()))
        except (VersionConflict, AlreadyFinished):
            # Somebody else wrote meanwhile: look again.
            continue
        return None


def _size_problem(services: ExecutorServices, retval: ReturnValue, ffqn: str) -> str | None:
    function = services.registry.find(ffqn)
    if function is None or not isinstance(retval, Returned):
        return None
    return result_problem(retval, services.settings.limits.lowered(function.component.limits))


def _has_result(services: ExecutorServices, state: ExecutionState, retval: ReturnValue) -> bool:
    last = services.journal.load_log(state.execution_id, start=state.next_version - 1)[-1].event
    return isinstance(last, Finished) and retval_text(last.retval) == retval_text(retval)
