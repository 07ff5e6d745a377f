"""Which due executions this executor locks, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import ComponentSpec, ComponentType, CronSpec, FunctionSpec, LockingStrategy, RetryPolicy
from engine.executor.activity_run import Job
from engine.executor.attempts import lock_event
from engine.executor.lane import Lane
from engine.executor.services import ExecutorServices
from engine.executor.slots import Slots
from engine.journal.records import Lockable, LockedExecution, LockRequest
from engine.log.events import Locked
from engine.log.ids import DeploymentId, make_run_id
from engine.log.state import Holder

log = structlog.get_logger(__name__)

_SHORT_S = 0.002
_SEED_BACKOFF = timedelta(milliseconds=100)

Start = Callable[[list[Job], Holder], None]
"""Begins to run executions that were locked together, on one thread."""

Tick = Callable[[list[LockedExecution], Holder], None]
"""Begins to do what is due of schedules whose seeds were locked together."""


class Locker:
    """Fills an executor's free slots; `engine.executor.lock_source.LockSource`.

    Args:
        services: The executor's parts.
        slots: Its places.
        randomness: Gives as many random bytes as asked for.
        start: Runs what was locked.
        lane: Runs workflows that are over soon.
        tick: Does what is due of the schedules that were locked; they take no slots.
    """

    def __init__(
        self,
        services: ExecutorServices,
        slots: Slots,
        randomness: Callable[[int], bytes],
        start: Start,
        lane: Lane,
        tick: Tick,
    ) -> None:
        self._services = services
        self._slots = slots
        self._randomness = randomness
        self._start = start
        self._lane = lane
        self._tick = tick
        self._registry = services.registry
        self._holder: Holder | None = None
        self._turn = 0

    @property
    def has_room(self) -> bool:
        """Whether more executions could run."""
        return self._slots.free > 0

    def request(self, now: datetime) -> LockRequest | None:
        """Return what may be locked now, or ``None`` if nothing may be."""
        free = self._slots.free
        self._registry = registry = self._services.registry
        crons = registry.deployment.crons
        if free <= 0 and not crons:
            return None
        self._holder = holder = Holder(self._services.executor_id, make_run_id(now, self._randomness(10)))
        choices = tuple(
            (
                _lockable(component, functions, limit),
                lock_event(
                    DeployedFunction(functions[0], component), holder, DeploymentId(registry.deployment.id), now
                ),
            )
            for component in (registry.deployment.components if free > 0 else ())
            if _is_run_here(component) and (limit := self._slots.free_for(component)) > 0
            for functions in self._groups(component)
        )
        choices += tuple((_seed_of(cron), _seed_lock(cron, registry, holder, now)) for cron in crons)
        return LockRequest(now=now, choices=choices, limit=free if free > 0 else len(crons)) if choices else None

    def take(self, locked: Sequence[LockedExecution]) -> None:
        """Start what the last request locked."""
        holder = self._holder
        assert holder is not None
        short: list[Job] = []
        runs: list[Job] = []
        seeds: list[LockedExecution] = []
        for execution in locked:
            if execution.state.component_id.component_type is ComponentType.CRON:
                seeds.append(execution)
                continue
            function = self._registry.find(execution.state.ffqn)
            if function is None:
                log.warning("run.function_gone", ffqn=execution.state.ffqn)
                continue
            self._slots.take(function.component)
            if self._lane.is_for(function):
                runs.append((execution, function))
            elif self._is_short(function):
                short.append((execution, function))
            else:
                self._start([(execution, function)], holder)
        if seeds:
            self._tick(seeds, holder)
        if short:
            self._start(short, holder)
        if runs:
            self._lane.add(runs, holder)

    def _groups(self, component: ComponentSpec) -> Sequence[Sequence[FunctionSpec]]:
        """Return the functions of a component that may be locked now, by how they are locked."""
        groups = _by_policy(component)
        if component.exec.instance_limit is None or len(groups) == 1:
            return groups
        # Each group would take the whole limit, so they take turns.
        self._turn += 1
        return [groups[self._turn % len(groups)]]

    def _is_short(self, function: DeployedFunction) -> bool:
        """Whether an execution is over so soon that a thread and a commit of its own would cost more than it."""
        component = function.component
        if component.may_touch_world or component.id.component_type is not ComponentType.ACTIVITY:
            return False
        mean = self._services.durations.expected(str(function.name))
        return mean is not None and mean < _SHORT_S


def _is_run_here(component: ComponentSpec) -> bool:
    return (
        component.is_run_here
        and bool(component.functions)
        and component.id.component_type in (ComponentType.ACTIVITY, ComponentType.WORKFLOW)
    )


def _by_policy(component: ComponentSpec) -> list[list[FunctionSpec]]:
    """Return a component's functions in groups that are locked for as long and retried as often."""
    groups: dict[tuple[RetryPolicy | None, timedelta | None], list[FunctionSpec]] = {}
    for function in component.functions:
        groups.setdefault((function.retry, function.lock_expiry), []).append(function)
    return list(groups.values())


def _lockable(component: ComponentSpec, functions: Sequence[FunctionSpec], limit: int) -> Lockable:
    return Lockable(
        component_id=component.id,
        ffqns=tuple(str(function.name) for function in functions),
        strategy=component.exec.locking_strategy,
        limit=limit,
    )


def _seed_of(cron: CronSpec) -> Lockable:
    return Lockable(component_id=cron.id, ffqns=(cron.ffqn,), strategy=LockingStrategy.BY_COMPONENT_DIGEST, limit=1)


def _seed_lock(cron: CronSpec, registry: Registry, holder: Holder, now: datetime) -> Locked:
    return Locked(
        component_id=cron.id,
        executor_id=holder.executor_id,
        deployment_id=DeploymentId(registry.deployment.id),
        run_id=holder.run_id,
        lock_expires_at=now + cron.lock_expiry,
        max_retries=None,
        retry_backoff=_SEED_BACKOFF,
    )
