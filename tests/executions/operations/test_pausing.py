from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.clock import SystemClock
from engine.errors import ExecutionNotFound
from engine.log.events import ExecutionEvent, Locked, Paused, Unlocked, Unpaused
from engine.log.ids import ExecutionId, ExecutorId, RunId
from engine.log.state import Lifecycle, Status
from executions.operations.cancelling import cancel
from executions.operations.pausing import pause, unpause
from executions.operations.refusals import OperationRefused
from tests.builders import DEPLOYMENT
from tests.harness import steps as s
from tests.harness.components import ADD, RUN_CANCELLABLE
from tests.harness.live import LiveWorld
from tests.harness.world import World


def lock(world: World, target: ExecutionId) -> None:
    world.append(
        target,
        Locked(
            component_id=world.state_of(target).component_id,
            executor_id=ExecutorId("Exr_1"),
            deployment_id=DEPLOYMENT,
            run_id=RunId("Run_1"),
            lock_expires_at=world.clock.now() + timedelta(minutes=1),
            max_retries=None,
            retry_backoff=timedelta(),
        ),
    )


def last_events(world: World, target: ExecutionId, count: int) -> list[ExecutionEvent]:
    return world.events_of(target)[-count:]


@pytest.fixture
def world() -> World:
    return World(clock=SystemClock())


def test_what_waits_is_paused_and_goes_on(world: World) -> None:
    target = world.submit(ADD, [1, 2])

    pause(target, journal=world.journal)
    assert world.state_of(target).lifecycle is Lifecycle.PAUSED
    unpause(target, journal=world.journal)

    assert last_events(world, target, 2) == [Paused(), Unpaused()]
    state = world.state_of(target)
    assert (state.status, state.lifecycle) == (Status.PENDING_AT, Lifecycle.ACTIVE)


def test_a_running_activity_is_not_paused(world: World) -> None:
    target = world.submit(ADD, [1, 2])
    lock(world, target)

    with pytest.raises(OperationRefused, match="cannot pause a running activity; cancel it instead"):
        pause(target, journal=world.journal)

    assert world.state_of(target).lifecycle is Lifecycle.ACTIVE


def test_a_running_workflow_loses_its_lock_and_is_paused(world: World) -> None:
    target = world.submit_steps(s.random_u64(0, 10))
    lock(world, target)

    pause(target, journal=world.journal)

    unlocked, paused = last_events(world, target, 2)
    assert isinstance(unlocked, Unlocked)
    assert unlocked.reason == "paused"
    assert paused == Paused()
    assert world.state_of(target).status is Status.PENDING_AT


def test_a_paused_run_writes_nothing_more_and_another_goes_on_after_it() -> None:
    with LiveWorld() as world:
        world.start_executor()
        target = world.submit_steps(s.sleep({"in": {"milliseconds": 300}}), s.random_u64(0, 10))
        world.wait_until(lambda: world.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)

        pause(target, journal=world.journal)
        world.on_write()
        world.wait_until(lambda: world.state_of(target).response_count == 1)
        version = world.state_of(target).next_version
        world.wait_until(lambda: world.state_of(target).status is Status.PENDING_AT)

        assert world.state_of(target).lifecycle is Lifecycle.PAUSED
        unpause(target, journal=world.journal)
        world.on_write()
        world.run(target)
        assert set(world.result_of(target)) == {"ok"}
        assert world.events_of(target)[version] == Unpaused()
        world.check(target)


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [("it is paused already", pause), ("it is being cancelled", cancel)],
    ids=["paused", "cancel"],
)
def test_what_is_wanted_otherwise_is_not_paused(world: World, sentence: str, wanted: Callable[..., object]) -> None:
    target = world.submit_steps(ffqn=RUN_CANCELLABLE)
    wanted(target, journal=world.journal)

    with pytest.raises(OperationRefused, match=sentence):
        pause(target, journal=world.journal)


def test_only_what_is_paused_is_unpaused(world: World) -> None:
    target = world.submit(ADD, [1, 2])

    with pytest.raises(OperationRefused, match=f"cannot unpause {target}: it is not paused"):
        unpause(target, journal=world.journal)


def test_a_finished_execution_is_not_paused() -> None:
    with LiveWorld() as world:
        world.start_executor()
        target = world.submit(ADD, [1, 2])
        world.run(target)

        with pytest.raises(OperationRefused, match="it has finished"):
            pause(target, journal=world.journal)


def test_nobody_is_not_paused(world: World) -> None:
    with pytest.raises(ExecutionNotFound):
        pause(ExecutionId("E_01J00000000000000000009999"), journal=world.journal)
