"""A Python workflow may be killed anywhere; another executor goes on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from engine.deployment.registry import Registry
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind
from engine.simulation.connection import Cut, Moment, ProcessKilled
from engine.simulation.recordings import record
from engine.simulation.stepped import simulated_settings
from tests.engine.guests.apps import EVERY_VERB, VERBS
from tests.harness.python_components import deploy_python, source
from tests.harness.replay import replay
from tests.harness.simulation import Simulation
from tests.harness.world import execution_id

REGISTRY = deploy_python(EVERY_VERB)
ID = execution_id(1)
EACH_CALL = simulated_settings(commit_window=timedelta())


def start(world: Simulation, name: str, params: Sequence[object]) -> ExecutionId:
    return world.submit(f"acme:app/workflows.{name}", params)


def run_whole(name: str, params: Sequence[object], registry: Registry = REGISTRY) -> tuple[Simulation, ExecutionId]:
    world = Simulation(registry=registry)
    world.start_executor(settings=EACH_CALL)
    target = start(world, name, params)
    world.run_to_the_end(target)
    return world, target


def timeless(result: Any) -> Any:
    """Return a result without what a kill may delay: the moments after a wait."""
    return {key: value[:5] if isinstance(value, list) and len(value) == 7 else value for key, value in result.items()}


@pytest.mark.parametrize(("name", "params"), VERBS)
def test_a_replay_asks_for_the_same_and_ends_the_same(name: str, params: Sequence[object]) -> None:
    world, target = run_whole(name, params)

    assert replay(record(world.journal, target), target, registry=REGISTRY) == world.retval_of(target)


@pytest.mark.parametrize(("name", "params"), [verb for verb in VERBS if verb[0] != "stubborn"])
def test_killed_at_any_commit_it_goes_on_and_ends_the_same(name: str, params: Sequence[object]) -> None:
    whole, target = run_whole(name, params)
    expected = timeless(whole.result_of(target))
    kills = 0
    for number in count(1):
        # Before and after a commit by turns: the one after this is almost the one before the next.
        world, was_killed = live(name, params, Cut(number, tuple(Moment)[number % 2]))
        assert timeless(world.result_of(ID)) == expected
        if not was_killed:
            break
        kills += 1
    assert kills > 2


def live(name: str, params: Sequence[object], cut: Cut) -> tuple[Simulation, bool]:
    """Run a workflow whose executor is killed at a commit, and another one's after that; tell whether it was."""
    world = Simulation(registry=REGISTRY)
    world.start_executor(settings=EACH_CALL, cut=cut)
    target = start(world, name, params)
    was_killed = False
    try:
        world.run_to_the_end(target)
    except ProcessKilled:
        was_killed = True
        world.start_executor(settings=EACH_CALL)
        world.run_to_the_end(target)
    world.check(target)
    return world, was_killed


def test_a_change_of_the_code_under_a_running_workflow_is_noticed() -> None:
    first = deploy_python(
        source("""
        from obelisk import *
        @activity
        def quote(city: str) -> int:
            return 1
        @workflow
        def flow() -> int:
            return quote("Rome")
    """)
    )
    second = deploy_python(
        source("""
        from obelisk import *
        @activity
        def quote(city: str) -> int:
            return 1
        @workflow
        def flow() -> int:
            return quote("Oslo")
    """)
    )
    world, target = run_whole("flow", (), registry=first)

    retval = replay(record(world.journal, target), target, registry=second)

    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.NONDETERMINISM_DETECTED
