"""The shortest way to show what a workflow's steps lead to: run them, check the log, and replay it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.deployment.registry import Registry
from engine.executor.settings import ExecutorSettings
from engine.log.events import HistoryEvent
from engine.log.ids import ExecutionId
from engine.simulation.recordings import record
from tests.harness.replay import replay
from tests.harness.simulation import Simulation
from tests.harness.steps import Step


@dataclass(frozen=True, slots=True)
class Play:
    """A workflow that was run to its end, and replayed.

    Args:
        world: Where it ran.
        target: Its id.
        result: Its result as clients see it.
        history: Its history events.
    """

    world: Simulation
    target: ExecutionId
    result: Any
    history: list[HistoryEvent]

    @property
    def outcomes(self) -> list[str]:
        """The outcomes of the steps; the workflow must have ended well."""
        assert list(self.result) == ["ok"], self.result
        outcomes: list[str] = self.result["ok"]
        return outcomes

    def child(self, join_set: str, index: int = 1) -> ExecutionId:
        return ExecutionId(f"{self.target}.{join_set}_{index}")


def play(*steps: Step, registry: Registry | None = None, settings: ExecutorSettings | None = None) -> Play:
    """Run a workflow of these steps, check all logs, and check that a replay agrees and writes nothing."""
    world = Simulation(registry=registry)
    world.start_executor(settings=settings)
    target = world.submit_steps(*steps)
    world.run_to_the_end(target)
    world.run_to_rest()
    world.check(target)
    retval = replay(record(world.journal, target), target, registry=world.registry)
    assert retval == world.retval_of(target), "the replay ended otherwise"
    return Play(world, target, world.result_of(target), world.history_of(target))
