from __future__ import annotations

from datetime import timedelta

import pytest

from engine.clock import SystemClock
from engine.errors import ExecutionNotFound
from engine.log.ids import ExecutionId
from engine.log.return_values import CANCELLED
from engine.log.state import Lifecycle, Status
from executions.operations.cancelling import Cancelling, cancel
from executions.operations.pausing import pause
from tests.harness import steps as s
from tests.harness.components import ADD, PROBE, RUN_CANCELLABLE, deploy, probe
from tests.harness.live import LiveWorld
from tests.harness.world import World

SPIN = f"{PROBE}.spin"


@pytest.fixture
def world() -> World:
    return World(clock=SystemClock())


def test_each_wish_is_told_what_became_of_it() -> None:
    with LiveWorld() as world:
        target = world.submit(ADD, [1, 2])

        assert cancel(target, journal=world.journal) is Cancelling.REQUESTED
        assert cancel(target, journal=world.journal) is Cancelling.ALREADY_CANCELLING
        world.start_executor()
        assert world.run(target) == CANCELLED
        assert cancel(target, journal=world.journal) is Cancelling.ALREADY_CANCELLED


def test_what_has_ended_otherwise_stays_so() -> None:
    with LiveWorld() as world:
        world.start_executor()
        target = world.submit(ADD, [1, 2])
        world.run(target)

        assert cancel(target, journal=world.journal) is Cancelling.ALREADY_FINISHED


def test_a_workflow_that_does_not_say_so_is_not_cancelled(world: World) -> None:
    target = world.submit_steps(s.random_u64(0, 10))

    assert cancel(target, journal=world.journal) is Cancelling.NOT_CANCELLABLE
    assert world.state_of(target).lifecycle is Lifecycle.ACTIVE


def test_a_paused_workflow_is_cancelled() -> None:
    with LiveWorld() as world:
        target = world.submit_steps(s.random_u64(0, 10), ffqn=RUN_CANCELLABLE)
        pause(target, journal=world.journal)

        assert cancel(target, journal=world.journal) is Cancelling.REQUESTED
        world.start_executor()

        assert world.run(target) == CANCELLED
        world.check(target)


def test_an_activity_that_runs_is_stopped_long_before_its_time_is_over() -> None:
    with LiveWorld(registry=deploy(probe(lock_expiry=timedelta(hours=1)))) as world:
        world.start_executor()
        target = world.submit(SPIN, [])
        world.wait_until(lambda: world.state_of(target).status is Status.LOCKED)

        cancel(target, journal=world.journal)
        world.on_write()

        assert world.run(target) == CANCELLED


def test_nobody_is_not_cancelled(world: World) -> None:
    with pytest.raises(ExecutionNotFound):
        cancel(ExecutionId("E_01J00000000000000000009999"), journal=world.journal)
