"""What to say when a run meets one of its limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from engine.activity.outcome import Broken, TimedOut
from engine.deployment.limits import MIB, RunLimits, key_of, size_problem
from engine.errors import Trap, TrapKind
from engine.log.events import TypeCheckError
from engine.log.return_values import Returned
from engine.workflow.target import Target

LIMIT_EXCEEDED = "limit exceeded"
"""The reason of failures whose detail names the limit."""

_O = TypeVar("_O", Broken, TimedOut)


def result_problem(retval: Returned, limits: RunLimits) -> str | None:
    """Return one sentence if a result is larger than it may be."""
    return None if retval.payload is None else size_problem("result_bytes", retval.payload.value, limits.result_bytes)


def params_error(limits: RunLimits, target: Target) -> TypeCheckError | None:
    """Return why a call's parameters are larger than its function may be given, if they are.

    Args:
        limits: The operator's.
        target: The call.
    """
    if target.function is None:
        return None
    component = target.function.component
    problem = size_problem("params_bytes", target.params, limits.lowered(component.limits).params_bytes)
    return None if problem is None else TypeCheckError(f"{problem} of component {component.id.name}")


def explained(outcome: Broken | TimedOut, trap: Trap, limits: RunLimits) -> Broken | TimedOut:
    """Return what a guest's death means, with the limit that may be behind it.

    A guest that is given no more memory is told so, and what it makes of that is its own affair: most run into an
    ``unreachable``, which says nothing of the cause. So whoever reads of one is told how much there was.
    """
    if isinstance(outcome, TimedOut):
        return outcome
    match trap.kind:
        case TrapKind.UNREACHABLE | TrapKind.OUT_OF_MEMORY:
            limit = f"if it ran out of memory: it may have {limits.memory_bytes // MIB} MiB ({key_of('memory_bytes')})"
        case TrapKind.OUT_OF_FUEL:
            limit = f"it may execute {limits.fuel} instructions ({key_of('fuel')})"
        case TrapKind.STACK_OVERFLOW:
            limit = "its calls are nested too deeply; the size of the stack is fixed"
        case _:
            return outcome
    return replace(outcome, detail=f"{outcome.detail or trap.message}\n{limit}")
