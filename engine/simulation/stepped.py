"""An executor that does nothing by itself: whoever has it looks for work and lets runs take place, on one thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from engine.clock import Clock
from engine.deployment.registry import Registry
from engine.executor.executor import Executor
from engine.executor.programs import ComponentLoader, FileReader, Programs
from engine.executor.running import Running
from engine.executor.settings import ExecutorSettings
from engine.simulation.connection import Connection

Task = Callable[[], None]

PATIENCE_S = 8.0
"""How long a workflow's guest may compute in real time, however short its lock is by the simulated clock."""

_NEVER = timedelta(days=1)


def simulated_settings(
    *, slots: int = 4, commit_window: timedelta = _NEVER, buffer_events: int = 1000
) -> ExecutorSettings:
    """Return settings under which nothing depends on real time.

    Args:
        slots: Executions locked at once.
        commit_window: Zero commits every host call; anything else stands for one that is never over, as the thread
            that looks after windows does not run.
        buffer_events: Events that force a commit.
    """
    return ExecutorSettings(
        slots=slots,
        commit_window=commit_window,
        buffer_events=buffer_events,
        hot_wait=timedelta(),
        timer_leeway=timedelta(),
    )


class Tasks:
    """Stands in for an executor's pool of threads: what it is given waits until somebody runs it."""

    def __init__(self) -> None:
        self.waiting: deque[Task] = deque()

    def submit(self, function: Callable[..., None], *args: Any) -> None:
        """Put a run in line."""
        self.waiting.append(lambda: function(*args))

    def shutdown(self, *, wait: bool = True) -> None:
        """Have everything run."""
        while self.waiting:
            self.waiting.popleft()()


class SteppedExecutor(Executor):
    """An executor whose runs take place when somebody says so.

    Args:
        connection: Its way to the journal.
        clock: The source of time.
        registry: Functions of the active deployment.
        load: Where compiled components come from.
        read: Where the stored files of source components come from.
        settings: How it behaves; see `simulated_settings`.
        randomness: Gives as many random bytes as asked for.
        programs: What runs, where that is not just what ``load`` and ``read`` give.
        running: Hears of runs and attempts, where somebody wants to.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        clock: Clock,
        registry: Registry,
        load: ComponentLoader,
        read: FileReader,
        settings: ExecutorSettings,
        randomness: Callable[[int], bytes],
        programs: Programs | None = None,
        running: Running | None = None,
    ) -> None:
        super().__init__(
            journal=connection,
            clock=clock,
            registry=registry,
            load=load,
            read=read,
            settings=settings,
            randomness=randomness,
        )
        self.connection = connection
        self.tasks = self._pool = Tasks()
        if programs is not None:
            self._services.programs = programs
        if running is not None:
            self._services.running = running

    def look(self, now: datetime) -> bool:
        """Look for work; tell whether anything was written."""
        before = self.connection.transactions
        self.tick(now)
        return self.connection.transactions > before

    def release(self) -> None:
        """Free what is kept for further runs; to the journal it is as if the process had been killed."""
        self.tasks.waiting.clear()
        self._services.programs.close()
        self._services.transport.close()
