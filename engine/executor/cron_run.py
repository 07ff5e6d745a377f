"""Ticks: what an executor does with the seed of a schedule that it locked.

A seed is an execution without a guest. Each tick is one write: the executions that it starts, the events that say so,
and the instant of the next tick. So whoever dies in between has started nothing, and a tick is never done twice.

A log does not grow for ever: the tick that makes a seed's log long enough ends it instead, and creates another seed,
due at the next tick, in the same write.

Source:
    Obelisk reference, section 5.12; missed ticks, overlap, several executions a tick and successors are ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import structlog

from engine.cron.ticks import Due, Overlap, what_is_due
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import CronSpec, Runner
from engine.errors import ExecutionNotFound, JournalError, ValueMismatch
from engine.executor.attempts import unlock_write
from engine.executor.cron_seeds import STARTED_KEY, TICK, make_seed, next_seed, started_before
from engine.executor.services import ExecutorServices
from engine.journal.records import Append, LockedExecution, NewExecution
from engine.log.events import (
    Created,
    ExecutionEvent,
    Finished,
    FunctionNotFound,
    LogEntry,
    Scheduled,
    SubmitError,
    TypeCheckError,
    Unlocked,
)
from engine.log.ids import DeploymentId, ExecutionId, Version, make_execution_id
from engine.log.return_values import JsonText, Returned
from engine.log.schedules import Now
from engine.log.state import ExecutionState, Holder
from engine.wit.json_values import dump_json, load_json
from engine.workflow.inheritance import SEED_KEY

log = structlog.get_logger(__name__)

T = TypeVar("T")

MAX_EVENTS = 10_000
"""A seed whose log has so many hands over to another one: some three thousand ticks."""
_WINDOWS = (8, 64, 512)
"""How many of the newest events are looked at, before all of them are."""


class CronRuns:
    """Does what is due of schedules.

    Args:
        services: The executor's parts.
        randomness: Gives as many random bytes as asked for.
    """

    def __init__(self, services: ExecutorServices, randomness: Callable[[int], bytes]) -> None:
        self._services = services
        self._randomness = randomness
        # By entry: its seed, up to which version that one's log was read, and what had been started last by then.
        self._started: dict[str, tuple[ExecutionId, int, ExecutionId | None]] = {}

    def execute(self, seeds: Sequence[LockedExecution], holder: Holder) -> None:
        """Do one tick of each of these seeds.

        Args:
            seeds: Just locked.
            holder: Whose locks they are.

        Raises:
            JournalUnavailable: If nothing can be written; the locks expire and others do it.
        """
        crons = {cron.id.digest: cron for cron in self._services.registry.deployment.crons}
        now = self._services.clock.now()
        writes = []
        for seed in seeds:
            cron = crons.get(seed.state.component_id.digest)
            if cron is None:
                # Another deployment was taken up meanwhile; the seed's entry may be in the next one again.
                state = seed.state
                write = unlock_write(state.execution_id, state.next_version, holder, now=now, reason="not deployed")
            else:
                write = self._tick(cron, seed, holder, now)
            writes.append(write)
        for write, outcome in zip(writes, self._services.commits.commit_all(writes), strict=True):
            if isinstance(outcome, JournalError):
                # It was retired or paused, or its lock expired: somebody else's tick, or nobody's.
                log.warning("cron.tick_refused", execution_id=write.execution_id, error=str(outcome))

    def _tick(self, cron: CronSpec, seed: LockedExecution, holder: Holder, now: datetime) -> Append:
        state = seed.state
        planned = self._newest(state, _next_tick) or seed.created.scheduled_at
        due = what_is_due(cron.schedule, planned=min(planned, now), now=now, missed=cron.missed)
        count, why = self._allowed(cron, seed, due)
        started = [self._start(cron, state, now) for _ in range(count)]
        created = [execution for _, execution in started if execution is not None]
        events: list[ExecutionEvent] = [scheduled for scheduled, _ in started]
        is_long = state.next_version + len(events) >= MAX_EVENTS
        if due.next_at is not None and not is_long:
            events.append(Unlocked(backoff_expires_at=due.next_at, reason=why))
        else:
            events.append(Finished(retval=Returned(ok=True, payload=None)))
        if due.next_at is not None and is_long:
            last = created[-1].execution_id if created else self._last_started(seed)
            created.append(self._successor(cron, state, now=now, first_tick=due.next_at, last=last))
        return Append(
            execution_id=state.execution_id,
            expected=state.next_version,
            holder=holder,
            entries=tuple(
                LogEntry(Version(version), now, event) for version, event in enumerate(events, start=state.next_version)
            ),
            created=tuple(created),
        )

    def _successor(
        self, cron: CronSpec, state: ExecutionState, *, now: datetime, first_tick: datetime, last: ExecutionId | None
    ) -> NewExecution:
        return make_seed(
            cron,
            next_seed(state.execution_id),
            DeploymentId(self._services.registry.deployment.id),
            now=now,
            first_tick=first_tick,
            scheduled_by=state.execution_id,
            metadata=() if last is None else ((STARTED_KEY, last),),
        )

    def _allowed(self, cron: CronSpec, seed: LockedExecution, due: Due) -> tuple[int, str]:
        """Return how often to start it now, and the reason for people."""
        if due.count == 0:
            return 0, f"{TICK}: a tick was missed"
        if cron.overlap is Overlap.ALLOW:
            return due.count, TICK
        last = self._last_started(seed)
        if last is not None and self._goes_on(last):
            return 0, f"{TICK}: {last} is not finished"
        return 1, TICK

    def _start(self, cron: CronSpec, state: ExecutionState, now: datetime) -> tuple[Scheduled, NewExecution | None]:
        execution_id = make_execution_id(now, self._randomness(10))
        registry = self._services.registry
        function = registry.find(str(cron.target))
        params = _canonical_params(cron, function)
        scheduled = Scheduled(
            execution_id=execution_id,
            schedule_at=Now(),
            target_ffqn=str(cron.target),
            params_hash=hashlib.sha256(cron.params.encode()).hexdigest(),
            error=None if isinstance(params, str) else params,
        )
        if function is None or not isinstance(params, str):
            log.error("cron.not_started", component=cron.id.name, ffqn=str(cron.target), error=str(params))
            return scheduled, None
        created = Created(
            ffqn=str(cron.target),
            params=JsonText(params),
            scheduled_at=now,
            component_id=function.component.id,
            deployment_id=DeploymentId(registry.deployment.id),
            metadata=self._metadata(function),
            scheduled_by=state.execution_id,
        )
        return scheduled, NewExecution(execution_id, (LogEntry(Version(0), now, created),))

    def _metadata(self, function: DeployedFunction) -> tuple[tuple[str, str], ...]:
        return ((SEED_KEY, self._randomness(16).hex()),) if function.component.runner is Runner.SOURCE else ()

    def _goes_on(self, execution_id: ExecutionId) -> bool:
        try:
            return not self._services.journal.state_of(execution_id).is_finished
        except ExecutionNotFound:
            return False  # it was deleted, as only finished ones are

    def _last_started(self, seed: LockedExecution) -> ExecutionId | None:
        state, entry = seed.state, seed.state.component_id.digest
        known, since, last = self._started.get(entry, (None, 0, None))
        if known != state.execution_id:
            since, last = 0, started_before(seed.created)
        found = self._newest(state, _started_execution, since=since) or last
        self._started[entry] = (state.execution_id, state.next_version, found)
        return found

    def _newest(self, state: ExecutionState, read: Callable[[ExecutionEvent], T | None], *, since: int = 0) -> T | None:
        """Return what the newest event tells of which ``read`` tells anything; few events back, as a rule."""
        end: int = state.next_version
        for window in (*_WINDOWS, end):
            start = max(since, state.next_version - window)
            entries = self._services.journal.load_log(state.execution_id, start=start)
            for entry in reversed(entries):
                if entry.version < end and (found := read(entry.event)) is not None:
                    return found
            if start == since:
                return None
            end = start
        return None


def _canonical_params(cron: CronSpec, function: DeployedFunction | None) -> str | SubmitError:
    if function is None:
        return FunctionNotFound()
    try:
        return dump_json(function.read_params(load_json(cron.params)))
    except ValueMismatch as error:
        return TypeCheckError(str(error))


def _next_tick(event: ExecutionEvent) -> datetime | None:
    return event.backoff_expires_at if isinstance(event, Unlocked) and event.reason.startswith(TICK) else None


def _started_execution(event: ExecutionEvent) -> ExecutionId | None:
    return event.execution_id if isinstance(event, Scheduled) and event.error is None else None
