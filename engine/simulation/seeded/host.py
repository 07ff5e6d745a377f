"""A machine with an executor on it, which may die, be stopped, stand still and be started again."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from engine.deployment.registry import Registry
from engine.deployment.spec import Runner
from engine.errors import InvalidComponent
from engine.executor.executor import Executor
from engine.executor.settings import ExecutorSettings
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.simulation.seeded.auditor import Auditor
from engine.simulation.seeded.faults import Fault, Weather
from engine.simulation.seeded.guests import Guest, ScriptPrograms
from engine.simulation.seeded.tasks import Group, Scheduler
from engine.wasm.component import CompiledComponent

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_QUICK_S = 0.004
_LONG_S = 2.0


class HostClock:
    """A wall clock, which somebody may put forward or back.

    Args:
        scheduler: Knows the simulated time.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.ahead = timedelta()
        self._scheduler = scheduler

    def now(self) -> datetime:
        """Return what it shows."""
        return BEGINNING + timedelta(seconds=self._scheduler.now_s) + self.ahead

    def seconds_until(self, instant: datetime) -> float:
        """See `engine.clock.Clock`."""
        return max(0.0, (instant - self.now()).total_seconds())


class Effects:
    """What activities did to the world."""

    def __init__(self) -> None:
        self.begun: Counter[ExecutionId] = Counter()
        self.done: Counter[ExecutionId] = Counter()


class SimulatedExecutor(Executor):
    """An executor whose guests are scripts."""

    def use_programs(self, programs: ScriptPrograms) -> None:
        """Run these from now on."""
        self._services.programs = programs  # type: ignore[assignment]  # it has the methods that are called


class Host:
    """A machine.

    Args:
        number: Which one, from 1.
        scheduler: Has its threads.
        weather: Decides what goes wrong.
        auditor: Knows what was written.
        effects: Counts what its activities do.
        settings: How its executors behave.
        registry: What they run.
        connect: Makes a process's way to the storage.
        on_death: Called when its process was killed.
    """

    def __init__(
        self,
        number: int,
        *,
        scheduler: Scheduler,
        weather: Weather,
        auditor: Auditor,
        effects: Effects,
        settings: ExecutorSettings,
        registry: Registry,
        connect: Callable[[Host, Group], Journal],
        on_death: Callable[[Host, Group], None],
        seed: str,
    ) -> None:
        self.number = number
        self.clock = HostClock(scheduler)
        self.executor: SimulatedExecutor | None = None
        self.group = Group(f"host {number}")
        self.has_notice = False
        self.is_stopping = False
        self._scheduler = scheduler
        self._weather = weather
        self._auditor = auditor
        self._effects = effects
        self._settings = settings
        self._registry = registry
        self._connect = connect
        self._on_death = on_death
        self._randomness = random.Random(f"{seed}/{number}")  # a seed decides everything

    # Life.

    def start(self, *, after_s: float = 0.0) -> None:
        """Have a new process begin."""
        group = self.group = Group(f"host {self.number}", lambda: self._on_death(self, group))
        self.executor = None
        self.is_stopping = False

        def boot() -> None:
            self._scheduler.sleep(after_s)
            executor = SimulatedExecutor(
                journal=self._connect(self, group),
                clock=self.clock,
                registry=self._registry,
                load=_no_component,
                settings=self._settings,
                randomness=self._randomness.randbytes,
            )
            executor.use_programs(ScriptPrograms(self))
            group.name = executor.executor_id
            executor.start()
            self.executor = executor

        self._scheduler.start(boot, name="boot", group=group)

    def use(self, registry: Registry) -> None:
        """Run another deployment from now on."""
        self._registry = registry
        if self.executor is not None and not self.is_stopping:
            self.executor.use(registry)

    def stop(self, then: Callable[[], None]) -> None:
        """Ask the process to end; do something when it did."""
        self.is_stopping = True
        executor = self.executor
        assert executor is not None

        def end() -> None:
            executor.stop()
            then()

        self._scheduler.start(end, name="stop", group=self.group)

    @property
    def is_up(self) -> bool:
        """Whether its executor works, or stands still for a while."""
        return self.executor is not None and not self.group.is_dead and not self.is_stopping

    def notice(self, after_s: float) -> None:
        """Have the executor hear, some time later, that somebody else wrote something."""
        executor, group = self.executor, self.group
        if executor is None or group.is_dead or self.has_notice:
            return
        self.has_notice = True

        def hear() -> None:
            self._scheduler.sleep(after_s)
            self.has_notice = False
            executor.wakeups.broadcast()

        self._scheduler.start(hear, name="notice", group=group)

    # engine.simulation.seeded.guests.Surroundings

    @property
    def now_s(self) -> float:
        """The simulated time."""
        return self._scheduler.now_s

    def compute(self, guest: Guest) -> None:
        """Let a guest's computing take its time."""
        chance = self._weather.chance
        most = _LONG_S if self._weather.strikes(Fault.SLOW) else _QUICK_S
        until = self.now_s + chance.random() * most
        task = self._scheduler.current
        guest.on_interrupt = lambda: self._scheduler.wake(task)
        while not guest.is_over and self.now_s < until:
            self._scheduler.block(min(until, guest.until_s) - self.now_s)
        guest.on_interrupt = _nothing

    def attempt_begins(self, execution_id: ExecutionId) -> None:
        """Note that an activity begins to have its effect."""
        self._effects.begun[execution_id] += 1
        self._auditor.check_intent(execution_id, self.group.name, self._effects.begun[execution_id])

    def attempt_ends(self, execution_id: ExecutionId) -> None:
        """Note that an activity had all of it."""
        self._effects.done[execution_id] += 1


def _nothing() -> None:
    """The guest does not compute."""


def _no_component(wasm_digest: str, _runner: Runner, /) -> CompiledComponent:
    raise InvalidComponent(f"there is no {wasm_digest} in a simulation")
