"""An executor that runs a greedy component and modest ones.

A neighbour's patience is generous, for the machine may be busy; what matters is that it does not wait for the others.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from engine.deployment.limits import ComponentLimits, RunLimits
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentSpec
from engine.executor.settings import ExecutorSettings
from engine.journal.records import LogLine
from engine.log.events import Locked
from tests.harness.components import PROBE, deploy, probe
from tests.harness.live import LiveWorld

_NEIGHBOURS = 15
_NEIGHBOUR_S = 5.0
"""How long a neighbour may take that is done in a millisecond on an idle machine."""
_GREEDY_S = 60.0


def with_limits(component: ComponentSpec, **limits: int) -> ComponentSpec:
    """Return a component that asks for less than the operator gives."""
    return replace(component, limits=ComponentLimits(**limits))


def failure_of(result: Any) -> tuple[str, str]:
    """Return the kind of a failure, and its words."""
    failure = result["execution_failed"]
    return failure["kind"], f"{failure['reason']}: {failure.get('detail')}"


class Site:
    """One executor with four slots.

    Args:
        world: Where it runs.

    Attributes:
        meanwhile: How many neighbours were done before the greedy one was.
    """

    def __init__(self, world: LiveWorld) -> None:
        self.world = world
        self.meanwhile = 0

    def start(self, *components: ComponentSpec, limits: RunLimits | None = None) -> None:
        """Deploy components, with a modest one beside them, and start."""
        others = () if any(each.id.name == "probe" for each in components) else (probe(),)
        self.world.registry = Registry(deploy(*components, *others).deployment)
        self.world.start_executor(settings=ExecutorSettings(slots=4, limits=limits or RunLimits()))

    def run(self, ffqn: str, *params: object) -> Any:
        """Run a function to its end and return its result as clients see it."""
        target = self.world.submit(ffqn, params)
        self.world.run(target, timeout_s=_GREEDY_S)
        return self.world.result_of(target)

    def run_beside_others(self, ffqn: str, *params: object) -> Any:
        """Run something greedy; until it ends run neighbours, one after the other, none of which may wait for long."""
        greedy = self.world.submit(ffqn, params)
        self.world.wait_until(lambda: any(isinstance(event, Locked) for event in self.world.events_of(greedy)))
        done, until = 0, time.monotonic() + _GREEDY_S
        while done < _NEIGHBOURS or not self.world.is_finished(greedy):
            started = time.monotonic()
            assert started < until, "the greedy one never ends"
            assert self.run(f"{PROBE}.add", done, 1) == {"ok": done + 1}
            assert time.monotonic() - started < _NEIGHBOUR_S
            done += 1
            self.meanwhile += not self.world.is_finished(greedy)
        return self.world.result_of(greedy)

    def lines_of(self) -> list[LogLine]:
        """Return all log lines."""
        for executor in self.world.executors:
            executor.executor._services.guest_log.flush()
        return list(self.world.memory.log_lines)
