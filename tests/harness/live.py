"""Executors with threads of their own, for what only threads and real time can show."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from engine.clock import Clock, SimulatedClock, SystemClock
from engine.deployment.registry import Registry
from engine.executor.executor import Executor
from engine.executor.settings import ExecutorSettings
from engine.journal.memory import MemoryJournal
from engine.log.ids import ExecutionId
from engine.log.return_values import ReturnValue
from engine.simulation.connection import Connection, Cut
from tests.harness.components import load, read
from tests.harness.simulation import AttemptHook, WatchedRunning
from tests.harness.world import World

_TIMEOUT_S = 20.0
_MOMENT_S = 0.02


class LiveExecutor:
    """An executor and its connection to the journal."""

    def __init__(
        self,
        world: LiveWorld,
        *,
        settings: ExecutorSettings,
        cut: Cut | None,
        on_attempt: AttemptHook | None,
    ) -> None:
        self.connection = Connection(world.journal, on_write=lambda: world.on_write_of(self), cut=cut)
        self.executor = Executor(
            journal=self.connection,
            clock=world.clock,
            registry=world.registry,
            load=load,
            read=read,
            settings=settings,
            randomness=os.urandom,
        )
        if on_attempt is not None:
            self.executor._services.running = WatchedRunning(on_attempt)

    @property
    def id(self) -> str:
        return self.executor.executor_id

    def kill(self) -> None:
        """Take its journal away: nothing that it still does can be seen."""
        self.connection.is_cut = True


class LiveWorld(World):
    """A world whose executors run by themselves, each woken by what the others write; to be used in a ``with``."""

    def __init__(
        self,
        *,
        registry: Registry | None = None,
        clock: Clock | None = None,
        journal: MemoryJournal | None = None,
    ) -> None:
        self.memory = journal or MemoryJournal()
        super().__init__(registry=registry, clock=clock or SystemClock(), journal=self.memory)
        self.executors: list[LiveExecutor] = []
        self._changed = threading.Condition()
        self._changes = 0

    def __enter__(self) -> LiveWorld:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for executor in self.executors:
            # After a failure runs may be stuck; they can end only where the journal answers.
            executor.connection.is_cut |= kind is not None
        for executor in list(self.executors):
            self.stop(executor)

    def start_executor(
        self,
        *,
        settings: ExecutorSettings | None = None,
        cut: Cut | None = None,
        on_attempt: AttemptHook | None = None,
    ) -> LiveExecutor:
        """Add an executor and start it."""
        added = LiveExecutor(self, settings=settings or ExecutorSettings(), cut=cut, on_attempt=on_attempt)
        self.executors.append(added)
        added.executor.start()
        return added

    def stop(self, executor: LiveExecutor) -> None:
        """Stop an executor as SIGTERM does, and wait for it."""
        self.executors.remove(executor)
        executor.executor.stop()

    def on_write(self) -> None:
        """Wake everybody: a client wrote."""
        self._wake(self.executors)

    def on_write_of(self, writer: LiveExecutor) -> None:
        """Wake everybody else, as the watcher of another process does."""
        self._wake([executor for executor in self.executors if executor is not writer])

    def advance(self, by: timedelta) -> None:
        """Move the simulated clock, and let everybody look at it."""
        assert isinstance(self.clock, SimulatedClock)
        self.clock.advance(by)
        self._wake(self.executors)

    def wait_until(self, holds: Callable[[], bool], *, timeout_s: float = _TIMEOUT_S) -> None:
        """Return once something holds of the journal; looked at after every write."""
        deadline = time.monotonic() + timeout_s
        while True:
            with self._changed:
                seen = self._changes
            if holds():
                return
            with self._changed:
                self._changed.wait_for(lambda seen=seen: self._changes != seen, deadline - time.monotonic())  # type: ignore[misc]  # mypy gives a lambda's default no type
            assert time.monotonic() < deadline, "it never came to hold"

    def run(self, target: ExecutionId, *, timeout_s: float = _TIMEOUT_S) -> ReturnValue:
        """Return how an execution ends."""
        self.wait_until(lambda: self.is_finished(target), timeout_s=timeout_s)
        return self.retval_of(target)

    def run_through_time(self, target: ExecutionId, *, step: timedelta = timedelta(seconds=1)) -> ReturnValue:
        """Move the simulated clock whenever nothing is written for a moment, until an execution ends."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not self.is_finished(target):
            assert time.monotonic() < deadline, "it never ended"
            with self._changed:
                seen = self._changes
                is_quiet = not self._changed.wait_for(lambda seen=seen: self._changes != seen, _MOMENT_S)  # type: ignore[misc]  # as above
            if is_quiet:
                self.advance(step)
        return self.retval_of(target)

    def _wake(self, executors: list[LiveExecutor]) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()
        for executor in executors:
            executor.executor.wakeups.broadcast()
