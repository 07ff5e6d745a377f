"""Runs of activities that an executor locked."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from engine.activity.outcome import Impossible, Outcome, event_after
from engine.deployment.limits import size_problem
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import Runner
from engine.errors import JournalError, JournalUnavailable, ValueMismatch
from engine.executor.attempts import attempt_activity, unlock_write
from engine.executor.cancellation import end_refused_run
from engine.executor.ends import responses_of
from engine.executor.flusher import Flusher, HeldBack
from engine.executor.host_attempt import Written, attempt_host_function
from engine.executor.limit_problems import LIMIT_EXCEEDED
from engine.executor.services import ExecutorServices
from engine.executor.ticket import Ticket
from engine.host.context import RunFacts
from engine.journal.records import Append, LockedExecution
from engine.log.events import ExecutionEvent, Finished, LogEntry
from engine.log.return_codec import return_codec
from engine.log.state import Holder
from engine.wit.json_values import load_json
from engine.wit.types import ResultType

_SHARE_S = 0.01

Job = tuple[LockedExecution, DeployedFunction]
"""A locked execution of an activity, and what to run."""


class ActivityRuns:
    """Runs of activities that were locked together: once each, one after the other, on one thread.

    Ends that come within a moment of each other share a commit; the end of an activity that can touch the world is
    written at once. What is not begun in time, or when the executor stops, is given back for others to run.

    Args:
        services: The executor's parts.
        flusher: Commits ends while a later attempt takes its time.
        jobs: What to run, at least one.
        holder: Whose locks they are.
    """

    def __init__(self, services: ExecutorServices, flusher: Flusher, jobs: Sequence[Job], holder: Holder) -> None:
        self._services = services
        self._flusher = flusher
        self._holder = holder
        self._waiting = deque(jobs)
        self._mutex = threading.Lock()
        # Calls may say how long theirs may take, so that locks taken together end at different times.
        first_end = min(locked.state.due_at for locked, _ in jobs)
        self._late_at = first_end - (first_end - services.clock.now()) / 2

    def execute(self) -> None:
        """Run them all and write how they ended.

        Raises:
            JournalUnavailable: If nothing can be written; the locks expire and the attempts are made again.
        """
        ends: list[Append] = []
        tickets: list[Ticket] = []
        oldest = time.monotonic()
        while (job := self._next()) is not None:
            locked, function = job
            if not ends:
                oldest = time.monotonic()
            end = _run(self._services, locked, function, self._holder)
            if end is None:
                continue
            ends.append(end)
            tickets.append(self._services.commits.enqueue(end))
            if function.component.may_touch_world or time.monotonic() - oldest > _SHARE_S:
                self._settle(ends, tickets)
                ends, tickets = [], []
            elif len(tickets) == 1 and self._waiting:
                self._flusher.register(HeldBack(tickets[0], _SHARE_S))
        self._settle(ends, tickets)

    def renew(self, now: datetime) -> None:
        """Give back what was not begun although half of its lock is over."""
        if now >= self._late_at:
            self._give_back("not begun in time")

    def stop(self) -> None:
        """Give back what was not begun."""
        self._give_back("executor closing")

    def _next(self) -> Job | None:
        with self._mutex:
            return self._waiting.popleft() if self._waiting else None

    def _give_back(self, reason: str) -> None:
        with self._mutex:
            states = [locked.state for locked, _ in self._waiting]
            self._waiting.clear()
        now = self._services.clock.now()
        outcomes = self._services.commits.commit_all(
            [
                unlock_write(state.execution_id, state.next_version, self._holder, now=now, reason=reason)
                for state in states
            ]
        )
        for state, outcome in zip(states, outcomes, strict=True):
            if isinstance(outcome, JournalError) and not isinstance(outcome, JournalUnavailable):
                # It is not this run's any more, or it is being cancelled.
                end_refused_run(self._services, state.execution_id, self._holder)

    def _settle(self, ends: Sequence[Append], tickets: Sequence[Ticket]) -> None:
        for end, outcome in zip(ends, self._services.commits.settle_all(tickets), strict=True):
            if isinstance(outcome, JournalUnavailable):
                raise outcome
            if isinstance(outcome, JournalError):
                end_refused_run(self._services, end.execution_id, self._holder)


def _run(
    services: ExecutorServices, locked: LockedExecution, function: DeployedFunction, holder: Holder
) -> Append | None:
    """Run an activity and return the write that says how it ended; ``None`` if it has written that itself."""
    state = locked.state
    started = time.monotonic()
    outcome = _attempt(services, locked, function, holder)
    services.durations.note(state.ffqn, time.monotonic() - started)
    if isinstance(outcome, Written):
        services.wakeups.on_hints(outcome.end.hints)
        if outcome.end.refusal is not None:
            end_refused_run(services, state.execution_id, holder)
        return None
    now = services.clock.now()
    event = event_after(
        outcome,
        failures=state.temporary_failures,
        max_retries=state.max_retries,
        backoff=state.retry_backoff,
        now=now,
    )
    return _end(locked, holder, event, now)


def _end(locked: LockedExecution, holder: Holder, event: ExecutionEvent, now: datetime) -> Append:
    state = locked.state
    entry = LogEntry(state.next_version, now, event)
    return Append(
        execution_id=state.execution_id,
        expected=state.next_version,
        holder=holder,
        entries=(entry,),
        responses=responses_of(state.parent, state.execution_id, entry),
    )


def _attempt(
    services: ExecutorServices, locked: LockedExecution, function: DeployedFunction, holder: Holder
) -> Outcome | Written:
    try:
        args = function.read_params(load_json(locked.created.params))
    except ValueMismatch as error:
        return Impossible(f"the stored parameters do not fit {function.name}", str(error))
    time_left = locked.state.due_at - services.clock.now()
    if function.component.runner is Runner.HOST:
        result = function.type.result
        assert isinstance(result, ResultType)
        codec = return_codec(result)
        return attempt_host_function(
            services,
            function,
            args,
            facts=facts_of(locked),
            run_id=holder.run_id,
            time_left=time_left,
            is_first_run=locked.is_first_run,
            end=lambda value: _end(locked, holder, Finished(retval=codec.to_retval(value)), services.clock.now()),
        )
    limits = services.settings.limits.lowered(function.component.limits)
    if problem := size_problem("params_bytes", locked.created.params, limits.params_bytes):
        return Impossible(LIMIT_EXCEEDED, problem)
    return attempt_activity(
        services,
        function,
        args,
        facts=facts_of(locked),
        run_id=holder.run_id,
        time_left=time_left,
        is_first_run=locked.is_first_run,
    )


def facts_of(locked: LockedExecution) -> RunFacts:
    """Return which execution was locked, and for which attempt."""
    state = locked.state
    return RunFacts(
        execution_id=state.execution_id,
        ffqn=state.ffqn,
        parent_id=None if state.parent is None else state.parent[0],
        created_at=state.created_at,
        attempt=state.temporary_failures + 1,
        expires_at=state.due_at,
        metadata=locked.created.metadata,
    )
