"""A workflow that waits stays in memory for a while, and then leaves it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.clock import SimulatedClock
from engine.deployment.spec import BlockingStrategy, WorkflowPolicy
from engine.executor.settings import ExecutorSettings
from engine.log.events import Unlocked
from engine.log.state import Status
from tests.harness import steps as s
from tests.harness.components import approve, deploy, probe, stepper
from tests.harness.live import LiveWorld

HUMAN = "test:stubs/human"
ASKING = (s.create(), s.submit(0, "approve", "q", interface=HUMAN), s.join_next(0))
LONG = timedelta(minutes=5)


@pytest.mark.parametrize(
    "policy",
    [
        WorkflowPolicy(blocking_strategy=BlockingStrategy.INTERRUPT),
        # Its lock is not extended, and would end before the wait does.
        WorkflowPolicy(lock_extension=False, lock_extension_leeway=2 * LONG),
    ],
)
def test_a_workflow_that_may_not_wait_in_memory_leaves_it_at_once(policy: WorkflowPolicy) -> None:
    registry = deploy(probe(), stepper(policy=policy, lock_expiry=2 * LONG), approve())
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=ExecutorSettings(hot_wait=LONG))
        target = world.submit_steps(*ASKING)

        world.wait_until(lambda: world.unlock_reasons_of(target) == ["waiting for a response"])


def test_a_workflow_leaves_memory_when_others_want_its_slot() -> None:
    registry = deploy(probe(), stepper(lock_expiry=2 * LONG), approve())
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=ExecutorSettings(hot_wait=LONG, slots=1))
        targets = [world.submit_steps(*ASKING) for _ in range(3)]

        for target in targets:
            world.wait_until(lambda each=target: "waiting for a response" in world.unlock_reasons_of(each))  # type: ignore[misc]  # mypy gives a lambda's default no type


def test_a_blocked_workflow_leaves_memory_and_comes_back() -> None:
    with LiveWorld() as world:
        world.start_executor(settings=ExecutorSettings(hot_wait=timedelta(milliseconds=10)))
        waiting = world.submit_steps(s.create(), s.submit(0, "approve", "q", interface=HUMAN), s.join_next(0))
        world.wait_until(lambda: "waiting for a response" in world.unlock_reasons_of(waiting))
        assert world.state_of(waiting).status is Status.BLOCKED_BY_JOIN_SET

        answering = world.submit_steps(s.stub(s.of_text(f"{waiting}.g:1_1"), {"ok": True}))
        world.run(answering)
        world.run(waiting)

        assert len(world.locks_of(waiting)) == 2


def test_a_run_that_renewed_its_lock_while_it_waited_can_be_resumed_at_once() -> None:
    clock = SimulatedClock()
    registry = deploy(probe(), stepper(lock_expiry=timedelta(minutes=10)), approve())
    with LiveWorld(registry=registry, clock=clock) as world:
        executor = world.start_executor(settings=ExecutorSettings(hot_wait=timedelta(minutes=5)))
        target = world.submit_steps(s.create(), s.submit(0, "approve", "q", interface=HUMAN), s.join_next(0))
        world.wait_until(lambda: world.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)
        world.advance(timedelta(minutes=6))
        world.wait_until(lambda: len(world.locks_of(target)) == 2)

        world.stop(executor)

        assert world.events_of(target)[-1] == Unlocked(backoff_expires_at=clock.now(), reason="waiting for a response")
        assert world.state_of(target).status is Status.BLOCKED_BY_JOIN_SET


def test_a_stopped_executor_hands_back_what_waits_in_memory() -> None:
    registry = deploy(probe(), stepper(lock_expiry=timedelta(minutes=5)), approve())
    with LiveWorld(registry=registry) as world:
        first = world.start_executor(settings=ExecutorSettings(hot_wait=timedelta(minutes=5)))
        target = world.submit_steps(s.create(), s.submit(0, "approve", "q", interface=HUMAN), s.join_next(0))
        world.wait_until(lambda: world.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)

        world.stop(first)
        world.start_executor()
        answering = world.submit_steps(s.stub(s.of_text(f"{target}.g:1_1"), {"ok": True}))
        world.run(answering)
        world.run(target)

        assert world.result_of(target)["ok"][-1] == "ok true"
