"""One attempt at an activity in the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from engine.activity.outcome import Broken, Completed, HandedBack, Impossible, Outcome, TimedOut, outcome_of_trap
from engine.deployment.limits import RunLimits
from engine.deployment.registry import DeployedFunction
from engine.errors import (
    ConstraintViolation,
    DeploymentError,
    InvalidComponent,
    LinkError,
    Trap,
    UnusableResult,
    ValueMismatch,
)
from engine.executor.activity_context import ActivityContext
from engine.executor.limit_problems import LIMIT_EXCEEDED, explained, result_problem
from engine.executor.programs import Program, RunningInstance
from engine.executor.run_context import begin_work, end_work
from engine.executor.services import ExecutorServices
from engine.host.context import GuestNote, RunFacts
from engine.journal.records import Append
from engine.log.events import Locked, LogEntry, Unlocked
from engine.log.ids import DeploymentId, ExecutionId, RunId, Version
from engine.log.return_codec import ReturnCodec, return_codec
from engine.log.return_values import FailureKind
from engine.log.state import Holder
from engine.wasm.instance import InstanceLimits
from engine.wit.options import JsonValue
from engine.wit.types import ResultType

_NO_NOTE = GuestNote()


class KnownActivity(Struct):
    """What all attempts at one function have in common.

    Args:
        function: The function; another one of the same name, after a redeployment, is another activity.
        limits: What a run of it may use up.
        instance_limits: Of that, what the sandbox sees to.
        codec: Reads what it returns.
        program: What to run, once it was loaded.
    """

    function: DeployedFunction
    limits: RunLimits
    instance_limits: InstanceLimits
    codec: ReturnCodec
    program: Program | None = None


def _known(services: ExecutorServices, function: DeployedFunction) -> KnownActivity:
    result = function.type.result
    assert isinstance(result, ResultType)
    limits = services.settings.limits.lowered(function.component.limits)
    return KnownActivity(
        function,
        limits,
        InstanceLimits(memory_bytes=limits.memory_bytes, fuel=limits.fuel),
        return_codec(result),
    )


class Attempt:
    """An attempt that others may stop, wherever it is: computing, or waiting in a host function.

    Args:
        instance: What computes.
        context: What waits.
    """

    __slots__ = ("_context", "_instance")

    def __init__(self, instance: RunningInstance, context: ActivityContext) -> None:
        self._instance, self._context = instance, context

    def interrupt(self) -> None:
        """Make the guest trap soon."""
        self._instance.interrupt()
        self._context.interrupt()


def lock_event(function: DeployedFunction, holder: Holder, deployment_id: DeploymentId, now: datetime) -> Locked:
    """Return the event by which a run of a function begins now."""
    component = function.component
    return Locked(
        component_id=component.id,
        executor_id=holder.executor_id,
        deployment_id=deployment_id,
        run_id=holder.run_id,
        lock_expires_at=now + function.lock_expiry,
        max_retries=function.retry.max_retries,
        retry_backoff=function.retry.backoff,
    )


def unlock_write(execution_id: ExecutionId, version: Version, holder: Holder, *, now: datetime, reason: str) -> Append:
    """Return the write that gives an execution's lock back, to be taken again by anybody at once.

    Args:
        execution_id: The execution.
        version: Its next version.
        holder: Whose lock it is.
        now: The present instant.
        reason: Why, for people.
    """
    event = Unlocked(backoff_expires_at=now, reason=reason)
    return Append(execution_id=execution_id, expected=version, holder=holder, entries=(LogEntry(version, now, event),))


def attempt_activity(
    services: ExecutorServices,
    function: DeployedFunction,
    args: Sequence[JsonValue],
    *,
    facts: RunFacts,
    run_id: RunId,
    time_left: timedelta,
    is_first_run: bool,
) -> Outcome:
    """Run an activity once, on this thread, and return how it ended.

    Args:
        services: The executor's parts.
        function: What to run.
        args: Canonical parameters.
        facts: For which execution.
        run_id: In which run.
        time_left: Until its lock expires; the attempt is stopped then.
        is_first_run: Whether the execution never ran before.
    """
    known = services.activities.get(facts.ffqn)
    if known is None or known.function is not function:
        known = services.activities[facts.ffqn] = _known(services, function)
    limits = known.limits
    context = ActivityContext(
        services, function.component, facts, run_id, time_left=time_left, limits=limits, is_first_run=is_first_run
    )
    execution_id = facts.execution_id
    running = services.running
    work = begin_work((facts, run_id, services.executor_id))
    try:
        program = known.program
        if program is None:
            program = known.program = services.programs.get(function.component)
        with program.instantiate(
            context=context, deadline=time_left.total_seconds(), limits=known.instance_limits
        ) as instance:
            attempt = Attempt(instance, context)
            running.attempt_begins(execution_id, attempt)
            try:
                value = instance.call(function.export, function.name.function, args)
            finally:
                running.attempt_ends(execution_id, attempt)
    except Trap as trap:
        outcome = explained(outcome_of_trap(trap, what="activity"), trap, limits)
        return HandedBack() if isinstance(outcome, TimedOut) and services.running.is_closing else outcome
    except UnusableResult as error:
        return Impossible(f"{function.name} returned no usable result", str(error))
    except (InvalidComponent, LinkError, ValueMismatch, DeploymentError) as error:
        return Impossible(f"cannot run {function.name}", str(error))
    except ConstraintViolation as error:
        return Broken(FailureKind.UNCATEGORIZED, "activity host function error", str(error))
    finally:
        context.close()
        end_work(work)
    codec = known.codec
    note = context.note or _NO_NOTE
    try:
        retval = codec.to_retval(value)
        if problem := result_problem(retval, limits):
            return Impossible(LIMIT_EXCEEDED, problem)
        return Completed(
            retval,
            note.is_permanent or codec.is_permanent(value),
            retry_after=note.retry_after,
            trace=note.trace,
        )
    except ValueMismatch as error:
        return Broken(FailureKind.UNCATEGORIZED, "activity returned too large a value", str(error))
