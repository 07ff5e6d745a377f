"""One attempt at a function of the host, which goes on by itself when its time is over.

It cannot be killed. So it runs on a thread of its own, and whoever waits for it leaves when the lock expires: what it
still does to the journal is refused, as the lock is not its any more, and the next attempt need not wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from engine.activity.outcome import Broken, Completed, HandedBack, Impossible, Outcome, TimedOut
from engine.deployment.limits import RunLimits
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import LogLevel
from engine.errors import DeploymentError, JournalUnavailable, ValueMismatch
from engine.executor.activity_context import store_line
from engine.executor.host_functions import HostAnswer, HostCall, HostEnd, HostFunctions
from engine.executor.limit_problems import LIMIT_EXCEEDED, result_problem
from engine.executor.log_quota import log_quota
from engine.executor.run_context import RunContext, working_for
from engine.executor.services import ExecutorServices
from engine.host.context import RunFacts
from engine.journal.records import Append
from engine.log.ids import RunId
from engine.log.return_codec import return_codec
from engine.log.return_values import FailureKind
from engine.wit.json_values import read_value
from engine.wit.options import JsonValue
from engine.wit.types import ResultType

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """The attempt has written its end itself, or was refused to."""

    end: HostEnd


class _Waiting:
    """Somebody who waits for a call, and the call itself; whichever is first."""

    def __init__(self, functions: HostFunctions, call: HostCall, work: RunContext) -> None:
        self._functions = functions
        self._call = call
        self._work = work
        self._changed = threading.Event()
        self._mutex = threading.Lock()
        self._is_left = False
        self._result: HostAnswer | HostEnd | BaseException | None = None

    def run(self) -> None:
        """Make the call; on a thread of its own."""
        result: HostAnswer | HostEnd | BaseException
        facts = self._call.facts
        try:
            with working_for(self._work):
                result = self._functions.call(self._call)
        except BaseException as error:  # noqa: BLE001  # raised again where the result is awaited
            result = error
        with self._mutex:
            self._result = result
            is_left = self._is_left
        self._changed.set()
        if is_left:
            log.warning("activity.late", execution_id=facts.execution_id, ffqn=facts.ffqn, attempt=facts.attempt)

    def interrupt(self) -> None:
        """Stop waiting."""
        self._changed.set()

    def wait(self, time_left: timedelta) -> HostAnswer | HostEnd | None:
        """Return what came of the call, or ``None`` if it goes on without anybody who waits."""
        self._changed.wait(max(0.0, time_left.total_seconds()))
        with self._mutex:
            result = self._result
            self._is_left = result is None
        if result is None:
            self._functions.give_up(self._call)
        if isinstance(result, BaseException):
            raise result
        return result


def attempt_host_function(
    services: ExecutorServices,
    function: DeployedFunction,
    args: Sequence[JsonValue],
    *,
    facts: RunFacts,
    run_id: RunId,
    time_left: timedelta,
    is_first_run: bool,
    end: Callable[[JsonValue], Append],
) -> Outcome | Written:
    """Run a function of the host once and return how it ended.

    Args:
        services: The executor's parts.
        function: What to run.
        args: Canonical parameters.
        facts: For which execution.
        run_id: In which run.
        time_left: Until its lock expires; nobody waits for the attempt any longer.
        is_first_run: Whether the execution never ran before.
        end: Returns the write that ends the execution with a canonical result, under the attempt's lock.

    Raises:
        JournalUnavailable: If the function's transaction was to end the execution and the storage did not answer.
    """
    if services.host_functions is None:
        return Impossible(f"cannot run {function.name}", "this executor has no host functions")
    execution_id = facts.execution_id
    call = HostCall(function=function, args=args, facts=facts, end=end)
    waiting = _Waiting(services.host_functions, call, (facts, run_id, services.executor_id))
    services.running.attempt_begins(execution_id, waiting)
    try:
        services.threads.start(waiting.run)
        result = waiting.wait(time_left)
    except JournalUnavailable:
        raise
    except DeploymentError as error:
        return Impossible(f"cannot run {function.name}", str(error))
    finally:
        services.running.attempt_ends(execution_id, waiting)
    if result is None:
        return HandedBack() if services.running.is_closing else TimedOut()
    if isinstance(result, HostEnd):
        return Written(result)
    limits = services.settings.limits
    if result.note.trace is not None:
        store_line(
            log_quota(services, execution_id, limits.log_lines, is_first_run=is_first_run),
            function.component,
            execution_id,
            run_id,
            LogLevel.ERROR,
            result.note.trace,
            now=services.clock.now(),
        )
    return _completed(function, result, limits)


def _completed(function: DeployedFunction, answer: HostAnswer, limits: RunLimits) -> Outcome:
    result = function.type.result
    assert isinstance(result, ResultType)
    codec, note = return_codec(result), answer.note
    try:
        value = read_value(result, answer.value, path="result")
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
        return Broken(FailureKind.UNCATEGORIZED, "activity returned what is not of its type, or too large", str(error))
