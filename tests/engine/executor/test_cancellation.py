"""Cancelling what waits, what runs here, what runs elsewhere, and what must be awaited."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from engine.executor.cancellation import request_cancellation
from engine.executor.services import ExecutorServices
from engine.executor.settings import ExecutorSettings
from engine.log.events import (
    CancellationRequested,
    DelayFinished,
    Finished,
    JoinNext,
    JoinNextTry,
    Locked,
    Paused,
    Unpaused,
)
from engine.log.ids import DelayId, ExecutionId
from engine.log.return_values import CANCELLED
from engine.log.state import Lifecycle, Status
from tests.harness import steps as s
from tests.harness.components import (
    ADD,
    APPROVE,
    PROBE,
    RUN_CANCELLABLE,
    STEPPER,
    approve,
    deploy,
    probe,
    stepper,
    stub_flow,
)
from tests.harness.live import LiveWorld
from tests.harness.simulation import SimulatedExecutor, Simulation

HUMAN = "test:stubs/human"
LONG = {"in": {"days": 30}}
LONG_LOCK = timedelta(minutes=10)


def _world() -> tuple[Simulation, SimulatedExecutor]:
    world = Simulation()
    return world, world.start_executor()


def _services(executor: SimulatedExecutor) -> ExecutorServices:
    return executor.executor._services


# What nobody runs.


@pytest.mark.parametrize("ffqn", [ADD, APPROVE])
def test_an_activity_that_waits_ends_at_once(ffqn: str) -> None:
    world, executor = _world()
    target = world.submit(ffqn, ["q"] if ffqn == APPROVE else [1, 2])

    assert request_cancellation(_services(executor), target)

    assert world.retval_of(target) == CANCELLED
    assert [type(event) for event in world.events_of(target)[1:]] == [CancellationRequested, Finished]


def test_cancelling_twice_changes_nothing() -> None:
    world, executor = _world()
    target = world.submit(ADD, [1, 2])
    request_cancellation(_services(executor), target)
    log = world.log_of(target)

    assert not request_cancellation(_services(executor), target)

    assert world.log_of(target) == log


def test_what_ended_or_never_was_cannot_be_cancelled() -> None:
    world, executor = _world()
    target = world.submit(ADD, [1, 2])
    world.run(target)

    assert not request_cancellation(_services(executor), target)
    assert not request_cancellation(_services(executor), ExecutionId("E_01J00000000000000000009999"))


def test_only_workflows_that_say_so_can_be_cancelled() -> None:
    world, executor = _world()
    plain = world.submit_steps(s.sleep(LONG))
    cancellable = world.submit_steps(s.sleep(LONG), ffqn=RUN_CANCELLABLE)
    world.run_to_rest()

    assert not request_cancellation(_services(executor), plain)
    assert request_cancellation(_services(executor), cancellable)

    world.run_to_rest()
    assert world.state_of(plain).lifecycle is Lifecycle.ACTIVE
    assert world.retval_of(cancellable) == CANCELLED


def test_a_cancelled_workflow_ends_when_all_below_it_has() -> None:
    world, executor = _world()
    target = world.submit_steps(
        s.create(),
        s.submit_delay(0, LONG),
        s.submit(0, "approve", "q", interface=HUMAN),
        s.submit(0, "run", [s.sleep(s.after_ms(9000))], interface=STEPPER),
        s.join_next_try(0),
        s.join_next(0),
        ffqn=RUN_CANCELLABLE,
    )
    world.run_to_rest()

    assert request_cancellation(_services(executor), target)
    world.run_to_rest()
    assert not world.is_finished(target)
    world.run(target)

    question, workflow = world.children_of(target)
    assert world.retval_of(target) == CANCELLED
    assert world.retval_of(question) == CANCELLED
    assert set(world.result_of(workflow)) == {"ok"}
    ends = [event for event in world.events_of(target) if isinstance(event, JoinNext)]
    assert [event.closing for event in ends] == [False, True, True]
    world.check(target)


def test_a_response_taken_by_a_try_is_not_closed_again() -> None:
    world, executor = _world()
    target = world.submit_steps(
        s.create(), s.submit_delay(0, s.NOW), s.join_next_try(0), s.sleep(LONG), ffqn=RUN_CANCELLABLE
    )
    world.run_to_rest()

    assert request_cancellation(_services(executor), target)
    world.run(target)

    closing = [event for event in world.events_of(target) if isinstance(event, JoinNext) and event.closing]
    assert any(isinstance(event, JoinNextTry) for event in world.events_of(target))
    assert closing == []  # nor the sleep, whose await was answered by its cancellation
    world.check(target)


def test_a_delay_is_cancelled_once_and_its_workflow_hears_of_it() -> None:
    world, executor = _world()
    target = world.submit_steps(s.create(), s.submit_delay(0, LONG), s.join_next(0), s.sleep(s.NOW))
    world.run_to_rest()
    delay = DelayId(f"Delay_{target[2:]}.g:1_1")

    assert request_cancellation(_services(executor), delay)
    assert not request_cancellation(_services(executor), delay)
    world.run(target)

    assert world.result_of(target)["ok"][2] == "err"
    (response,) = [r for r in world.responses_of(target) if r.join_set_id == "g:1"]
    assert response.event == DelayFinished(delay_id=delay, cancelled=True)


def test_a_cancelled_sleep_is_an_error() -> None:
    world, executor = _world()
    target = world.submit_steps(s.sleep(LONG))
    world.run_to_rest()

    request_cancellation(_services(executor), DelayId(f"Delay_{target[2:]}.o:1-sleep_1"))
    world.run(target)

    assert world.result_of(target) == {"ok": ["err"]}


def test_a_paused_execution_can_be_cancelled() -> None:
    world, executor = _world()
    target = world.submit(ADD, [1, 2])
    world.append(target, Paused())

    assert request_cancellation(_services(executor), target)

    assert world.retval_of(target) == CANCELLED


def test_a_request_that_meets_another_write_tries_again() -> None:
    world, executor = _world()
    target = world.submit(ADD, [1, 2])
    journal = executor.connection
    # Between the look at the state and the write, somebody else writes.
    original = journal.state_of
    done: list[bool] = []

    def state_of(execution_id: ExecutionId) -> object:
        state = original(execution_id)
        if not done:
            done.append(True)
            world.append(target, Paused())
            world.append(target, Unpaused())
        return state

    journal.state_of = state_of  # type: ignore[method-assign,assignment]  # forces the race

    assert request_cancellation(_services(executor), target)

    assert world.retval_of(target) == CANCELLED


# What runs.


def test_an_activity_that_runs_here_is_stopped_and_then_reported() -> None:
    registry = deploy(probe(lock_expiry=LONG_LOCK), stepper())
    begun = threading.Event()
    with LiveWorld(registry=registry) as world:
        executor = world.start_executor(on_attempt=lambda _: begun.set())
        target = world.submit(f"{PROBE}.spin")
        assert begun.wait(20)
        world.wait_until(lambda: bool(executor.executor._services.running._attempts))

        assert request_cancellation(executor.executor._services, target)
        world.run(target)

        assert world.retval_of(target) == CANCELLED
        assert [type(event) for event in world.events_of(target)[1:]] == [Locked, CancellationRequested, Finished]


def test_closing_a_join_set_stops_the_activities_that_run() -> None:
    registry = deploy(probe(lock_expiry=LONG_LOCK, instance_limit=9), stepper(lock_expiry=LONG_LOCK))
    with LiveWorld(registry=registry) as world:
        world.start_executor()
        target = world.submit_steps(
            s.create(), s.submit(0, "spin"), s.submit(0, "spin"), s.sleep(s.after_ms(50)), s.close(0)
        )

        world.run(target)

        assert world.result_of(target)["ok"][-1] == "closed"
        assert [world.retval_of(child) for child in world.children_of(target)] == [CANCELLED] * 2
        world.check(target)


def test_an_activity_that_runs_elsewhere_ends_when_its_lock_does() -> None:
    registry = deploy(probe(lock_expiry=timedelta(milliseconds=300)), stepper())
    begun = threading.Event()
    with LiveWorld(registry=registry) as world:
        elsewhere = world.start_executor(on_attempt=lambda _: begun.set())
        target = world.submit(f"{PROBE}.spin")
        assert begun.wait(20)
        world.wait_until(lambda: world.state_of(target).status is Status.LOCKED)
        elsewhere.kill()
        here = world.start_executor(settings=ExecutorSettings(tick=timedelta(milliseconds=20)))

        assert request_cancellation(here.executor._services, target)
        assert not world.is_finished(target)
        world.run(target)

        assert world.retval_of(target) == CANCELLED
        assert world.log_of(target)[-1].created_at >= world.log_of(target)[1].created_at + timedelta(milliseconds=300)


def test_a_workflow_that_runs_here_is_stopped() -> None:
    registry = deploy(probe(), stepper(lock_expiry=LONG_LOCK), stub_flow(), approve())
    with LiveWorld(registry=registry) as world:
        executor = world.start_executor(settings=ExecutorSettings(hot_wait=LONG_LOCK))
        target = world.submit_steps(
            s.create(), s.submit(0, "approve", "q", interface=HUMAN), s.join_next(0), ffqn=RUN_CANCELLABLE
        )
        world.wait_until(lambda: world.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)

        assert request_cancellation(executor.executor._services, target)
        world.run(target)

        assert world.retval_of(target) == CANCELLED
        assert world.retval_of(world.children_of(target)[0]) == CANCELLED
        world.check(target)


def test_a_workflow_that_computes_here_ends_long_before_its_lock() -> None:
    registry = deploy(probe(), stepper(lock_expiry=LONG_LOCK))
    with LiveWorld(registry=registry) as world:
        executor = world.start_executor()
        target = world.submit_steps(s.generate_id(), s.spin(), ffqn=RUN_CANCELLABLE)
        world.wait_until(lambda: len(world.history_of(target)) == 1)
        assert world.state_of(target).status is Status.LOCKED

        assert request_cancellation(executor.executor._services, target)
        world.run(target)

        assert world.retval_of(target) == CANCELLED
        world.check(target)
