"""Executors without threads or real time: one seed replays one run exactly."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from engine.clock import SimulatedClock
from engine.deployment.registry import Registry
from engine.executor.running import Running, Stoppable
from engine.executor.settings import ExecutorSettings
from engine.journal.memory import MemoryJournal
from engine.log.ids import ExecutionId
from engine.log.return_values import ReturnValue
from engine.simulation.connection import Connection, Cut, ProcessKilled
from engine.simulation.stepped import PATIENCE_S, SteppedExecutor, simulated_settings
from tests.harness.components import load, read
from tests.harness.world import World

AttemptHook = Callable[[ExecutionId], object]

_IDLE_STEP = timedelta(seconds=1)
_MAX_IDLE_STEPS = 30


class WatchedRunning(Running):
    """Tells of every attempt at an activity, just before it begins."""

    def __init__(self, hook: AttemptHook) -> None:
        super().__init__()
        self._hook = hook

    def attempt_begins(self, execution_id: ExecutionId, attempt: Stoppable) -> None:
        self._hook(execution_id)
        super().attempt_begins(execution_id, attempt)


_begun: list[SteppedExecutor] = []


def release_executors() -> None:
    """Free what executors of tests that are over keep for further runs, as they end without being asked to.

    It would stay for good: the engine knows every instance, and an instance for calls to come knows its executor.
    """
    while _begun:
        _begun.pop().release()


class SimulatedExecutor:
    """An executor whose runs take place when the simulation says so."""

    def __init__(
        self,
        world: Simulation,
        *,
        settings: ExecutorSettings,
        seed: int,
        cut: Cut | None = None,
        on_attempt: AttemptHook | None = None,
    ) -> None:
        self.connection = Connection(
            world.journal, on_write=lambda: world.interleave(self), cut=cut, error=ProcessKilled
        )
        self.executor = SteppedExecutor(
            connection=self.connection,
            clock=world.clock,
            registry=world.registry,
            load=load,
            read=read,
            settings=settings,
            randomness=random.Random(seed).randbytes,
            running=None if on_attempt is None else WatchedRunning(on_attempt),
        )
        self.tasks = self.executor.tasks
        _begun.append(self.executor)

    def tick(self, now: datetime) -> bool:
        """Let it look for work; tell whether it found any."""
        return self.executor.look(now)


class Simulation(World):
    """A world in which everything happens on the test's thread, in an order that the seed decides.

    Args:
        registry: The deployment.
        journal: The shared storage.
        seed: Decides who comes next where several could.
        clock: The source of time.
        interleaving: How likely it is that another executor gets a turn right after a transaction, while the run that
            wrote it is still under way.
    """

    def __init__(
        self,
        *,
        registry: Registry | None = None,
        journal: MemoryJournal | None = None,
        seed: int = 0,
        clock: SimulatedClock | None = None,
        interleaving: float = 0.0,
    ) -> None:
        self.simulated_clock = clock or SimulatedClock(patience_s=PATIENCE_S)
        self.memory = journal or MemoryJournal()
        super().__init__(registry=registry, clock=self.simulated_clock, journal=self.memory)
        self.executors: list[SimulatedExecutor] = []
        self._seed = seed
        self._random = random.Random(seed)
        self._started = 0
        self._interleaving = interleaving
        self._interrupted: set[SimulatedExecutor] = set()

    def start_executor(
        self,
        *,
        settings: ExecutorSettings | None = None,
        cut: Cut | None = None,
        on_attempt: AttemptHook | None = None,
    ) -> SimulatedExecutor:
        """Add an executor."""
        self._started += 1
        added = SimulatedExecutor(
            self,
            settings=settings or simulated_settings(),
            seed=self._seed * 1000 + self._started,
            cut=cut,
            on_attempt=on_attempt,
        )
        self.executors.append(added)
        return added

    def run(self, target: ExecutionId) -> ReturnValue:
        """Let time pass until an execution ends, and return how it did."""
        self.run_until(lambda: self.is_finished(target))
        return self.retval_of(target)

    def run_steps(self, *steps: Any, as_id: ExecutionId | None = None) -> list[str]:
        """Run a workflow of these steps and return their outcomes; it must end well."""
        target = self.submit_steps(*steps, as_id=as_id)
        self.run(target)
        result = self.result_of(target)
        assert list(result) == ["ok"], result
        outcomes: list[str] = result["ok"]
        return outcomes

    def run_until(self, is_done: Callable[[], bool]) -> None:
        """Let time pass until something holds.

        Raises:
            ProcessKilled: If the connection of an executor was cut; it is dropped from the world.
            AssertionError: If nothing more happens.
        """
        idle = 0
        while not is_done():
            if self.step():
                idle = 0
                continue
            idle += 1
            assert idle < _MAX_IDLE_STEPS, "nothing more happens"
            self._pass_time()

    def run_to_the_end(self, target: ExecutionId) -> None:
        """Let time pass until an execution, all below it and all that they scheduled have ended."""
        self.run(target)
        for other in self.kin_of(target):
            self.run(other)

    def run_to_rest(self) -> None:
        """Let everything happen that can happen at this instant."""
        while self.step():
            pass

    def step(self) -> bool:
        """Let one run take place, or every executor look for work; tell whether anything happened."""
        ready = [executor for executor in self.executors if executor.tasks.waiting]
        if not ready:
            # Everyone looks, also when somebody found work.
            found = [self._guarded(executor, self._tick) for executor in list(self.executors)]
            return any(found)
        executor = self._random.choice(ready)
        return self._guarded(executor, self._run_one)

    def interleave(self, writer: SimulatedExecutor) -> None:
        """Perhaps let another executor take some turns while this one is in the middle of its own."""
        if self._random.random() >= self._interleaving:
            return
        others = [other for other in self.executors if other is not writer and other not in self._interrupted]
        if not others:
            return
        other = self._random.choice(others)
        self._interrupted.add(writer)
        try:
            for _ in range(self._random.randint(1, 3)):
                self._guarded(other, self._run_one if other.tasks.waiting else self._tick)
        except ProcessKilled:
            # That was the other one's process.
            pass
        finally:
            self._interrupted.discard(writer)

    def advance(self, by: timedelta) -> None:
        """Move the clock."""
        self.simulated_clock.advance(by)

    def _tick(self, executor: SimulatedExecutor) -> bool:
        return executor.tick(self.clock.now())

    def _run_one(self, executor: SimulatedExecutor) -> bool:
        waiting = executor.tasks.waiting
        waiting.rotate(self._random.randrange(len(waiting)))
        waiting.popleft()()
        return True

    def _guarded(self, executor: SimulatedExecutor, action: Callable[[SimulatedExecutor], bool]) -> bool:
        if executor not in self.executors:
            return False  # it was killed in the middle of somebody else's turn
        try:
            return action(executor)
        except ProcessKilled:
            self.executors.remove(executor)
            raise

    def _pass_time(self) -> None:
        now = self.clock.now()
        wake_up = self.journal.outlook(now, leeway=timedelta()).next_at
        self.advance(_IDLE_STEP if wake_up is None else wake_up - now)
