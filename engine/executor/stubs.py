"""Results that come from outside: reading one, and finishing an execution with it, compare and set by value."""

from __future__ import annotations

from engine.deployment.limits import RunLimits
from engine.deployment.registry import DeployedFunction, Registry
from engine.errors import AlreadyFinished, ExecutionNotFound, ValueMismatch, VersionConflict
from engine.executor.ends import end_of
from engine.executor.limit_problems import result_problem
from engine.executor.services import ExecutorServices
from engine.journal.protocol import Journal
from engine.log.events import Finished, StubConflict, StubError, StubNotFound, TypeCheckError
from engine.log.ids import ExecutionId
from engine.log.return_codec import return_codec
from engine.log.return_values import Returned, ReturnValue
from engine.log.retval_json import retval_text
from engine.log.state import ExecutionState
from engine.wit.grammar import format_type
from engine.wit.json_values import read_value
from engine.wit.types import ResultType


def read_result(function: DeployedFunction, result: object, limits: RunLimits) -> Returned | str:
    """Return a function's result that somebody outside brings, or one sentence on why it cannot be one.

    Args:
        function: Whose result.
        result: JSON data: ``{"ok": value}`` or ``{"err": value}``, null where the type has no value.
        limits: What any run may use up; the component's own limits may be lower.
    """
    result_type = function.type.result
    assert isinstance(result_type, ResultType)
    try:
        retval = return_codec(result_type).to_retval(read_value(result_type, result, path="result"))
    except ValueMismatch as error:
        return f"{function.name} returns {format_type(result_type)}: {error}"
    problem = result_problem(retval, limits.lowered(function.component.limits))
    return retval if problem is None else f"{function.name}: {problem}"


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
            state: ExecutionState | None = services.journal.state_of(target)
        except ExecutionNotFound:
            state = None
        verdict = judge_stub(
            services.journal, services.registry, services.settings.limits, state, target, retval, ffqn=ffqn
        )
        if not isinstance(verdict, ExecutionState):
            return verdict
        try:
            services.commits.commit(end_of(verdict, retval, services.clock.now()))
        except (VersionConflict, AlreadyFinished):
            # Somebody else wrote meanwhile: look again.
            continue
        return None


def judge_stub(
    journal: Journal,
    registry: Registry,
    limits: RunLimits,
    state: ExecutionState | None,
    target: ExecutionId,
    retval: ReturnValue,
    *,
    ffqn: str,
) -> ExecutionState | StubError | None:
    """Return the state of a stub execution that may be finished with a result; else what `complete_stub` returns.

    Args:
        journal: Where its result stands, if it has one.
        registry: Knows the stub's function.
        limits: What any run may use up; the component's own limits may be lower.
        state: Its present state; ``None`` if there is no such execution.
        target: Its id.
        retval: The result.
        ffqn: The function that it must have been created for.
    """
    if state is None:
        return StubNotFound()
    if state.ffqn != ffqn:
        return TypeCheckError(f"{target} was created for {state.ffqn}, not for {ffqn}")
    if state.is_finished:
        return None if _has_result(journal, state, retval) else StubConflict()
    if problem := _size_problem(registry, limits, retval, ffqn):
        return TypeCheckError(problem)
    return state


def _size_problem(registry: Registry, limits: RunLimits, retval: ReturnValue, ffqn: str) -> str | None:
    function = registry.find(ffqn)
    if function is None or not isinstance(retval, Returned):
        return None
    return result_problem(retval, limits.lowered(function.component.limits))


def _has_result(journal: Journal, state: ExecutionState, retval: ReturnValue) -> bool:
    last = journal.load_log(state.execution_id, start=state.next_version - 1)[-1].event
    return isinstance(last, Finished) and retval_text(last.retval) == retval_text(retval)
