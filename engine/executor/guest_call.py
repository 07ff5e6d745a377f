"""Calling a workflow's guest: from stored parameters to how its function ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.activity.outcome import Broken, TimedOut, outcome_of_trap
from engine.deployment.limits import RunLimits, size_problem
from engine.deployment.registry import DeployedFunction
from engine.errors import (
    InvalidComponent,
    LimitExceeded,
    LinkError,
    NondeterminismDetected,
    StoredEventInvalid,
    Trap,
    ValueMismatch,
    WorkflowError,
)
from engine.executor.limit_problems import LIMIT_EXCEEDED, explained, result_problem
from engine.executor.programs import Programs, RunningInstance
from engine.log.return_codec import return_codec
from engine.log.return_values import Failed, FailureKind, JsonText, ReturnValue
from engine.wasm.instance import InstanceLimits
from engine.wit.json_values import load_json
from engine.wit.types import ResultType


def call_workflow(
    programs: Programs,
    function: DeployedFunction,
    params: JsonText,
    *,
    context: Any,
    deadline: Callable[[], float],
    limits: RunLimits,
    enter: Callable[[RunningInstance], RunningInstance],
) -> ReturnValue | Broken | TimedOut:
    """Run a workflow's function once, from its beginning.

    Args:
        programs: Where its component comes from.
        function: What to run.
        params: JSON array of its parameters.
        context: Handed to every host function that the guest calls (`engine.host.context.WorkflowContext`).
        deadline: Returns how many seconds the run may take; asked when the component is loaded.
        limits: What else it may use up.
        enter: Enters the instance as a context, to leave it when nobody waits for the run any more: to take down an
            interpreter's memory is work.

    Raises:
        RunInterrupted: Whatever the context raised to unwind the guest.
        JournalError: If the context met one.
    """
    result = function.type.result
    assert isinstance(result, ResultType)
    try:
        program = programs.get(function.component)
        if problem := size_problem("params_bytes", params, limits.params_bytes):
            raise LimitExceeded(problem)
        args = function.read_params(load_json(params))
        instance = enter(
            program.instantiate(
                context=context,
                deadline=deadline(),
                limits=InstanceLimits(memory_bytes=limits.memory_bytes, fuel=limits.fuel),
            )
        )
        value = instance.call(function.export, function.name.function, args)
        retval = return_codec(result).to_retval(value)
        if problem := result_problem(retval, limits):
            raise LimitExceeded(problem)
        return retval
    except Trap as trap:
        return explained(outcome_of_trap(trap, what="workflow"), trap, limits)
    except LimitExceeded as error:
        return Failed(kind=FailureKind.UNCATEGORIZED, reason=LIMIT_EXCEEDED, detail=str(error))
    except NondeterminismDetected as error:
        return nondeterminism(error)
    except (WorkflowError, StoredEventInvalid, InvalidComponent, LinkError, ValueMismatch) as error:
        return Failed(kind=FailureKind.UNCATEGORIZED, reason=f"{type(error).__name__}: {error}", detail=None)


def nondeterminism(error: NondeterminismDetected) -> Failed:
    """Return how a run ends that does not follow its history."""
    return Failed(kind=FailureKind.NONDETERMINISM_DETECTED, reason="nondeterminism detected", detail=str(error))
