"""Executors with real threads: they share work, take over from the dead, hand back when stopped, and keep limits."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest

from engine.activity.outcome import TOO_LATE
from engine.clock import SimulatedClock
from engine.deployment.spec import BlockingStrategy, WorkflowPolicy
from engine.executor.settings import ExecutorSettings
from engine.log.events import ChildFinished, TemporarilyTimedOut
from engine.log.ids import ExecutionId
from engine.log.state import Status
from engine.simulation.connection import Cut, Moment
from tests.harness import steps as s
from tests.harness.components import ADD, NESTED, PROBE, STEPPER, approve, deploy, probe, stepper, stub_flow
from tests.harness.live import LiveExecutor, LiveWorld

SHORT = timedelta(milliseconds=150)
HUMAN = "test:stubs/human"


class Gate:
    """Holds attempts at activities back until a test lets them begin."""

    def __init__(self, *, opened: bool = False) -> None:
        self.begun: list[ExecutionId] = []
        self._changed = threading.Condition()
        self._is_open = opened
        self.most_at_once = 0
        self._inside = 0

    def __call__(self, execution_id: ExecutionId) -> None:
        with self._changed:
            self.begun.append(execution_id)
            self._inside += 1
            self.most_at_once = max(self.most_at_once, self._inside)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._is_open, 20)
            self._inside -= 1

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.begun) >= count, 20)

    def open(self) -> None:
        with self._changed:
            self._is_open = True
            self._changed.notify_all()


def _kill(world: LiveWorld, executor: LiveExecutor) -> None:
    executor.kill()
    world.executors.remove(executor)


# One executor.


@pytest.mark.parametrize("strategy", BlockingStrategy)
@pytest.mark.parametrize("window_ms", [0, 10, 60_000])
@pytest.mark.parametrize("hot_wait_ms", [0, 60_000])
def test_a_workflow_ends_the_same_under_all_settings(
    strategy: BlockingStrategy, window_ms: int, hot_wait_ms: int
) -> None:
    policy = WorkflowPolicy(blocking_strategy=strategy, commit_window=timedelta(milliseconds=window_ms))
    registry = deploy(probe(backoff=timedelta(milliseconds=5)), stepper(policy=policy), stub_flow(), approve())
    settings = ExecutorSettings(hot_wait=timedelta(milliseconds=hot_wait_ms))
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=settings)
        target = world.submit_steps(
            s.create(),
            *[s.submit(0, "add", 2, 2)] * 20,
            s.submit_delay(0, s.after_ms(20)),
            *[s.join_next(0)] * 22,
            s.call("nested", 2, 9, interface=STEPPER),
            s.call("fail-unit"),
            s.sleep(s.after_ms(5)),
        )

        world.run(target)

        outcomes = world.result_of(target)["ok"]
        assert Counter(outcomes[22:44]) == {"ok 4": 20, "ok": 1, "error all-processed": 1}
        assert outcomes[44:46] == ["ok 9", "err"]
        world.check(target)


def test_a_sleep_ends_on_time_although_the_executor_ticks_seldom() -> None:
    with LiveWorld() as world:
        world.start_executor(settings=ExecutorSettings(tick=timedelta(minutes=10)))
        target = world.submit_steps(*[s.sleep(s.after_ms(5))] * 20)

        world.run(target)

        log = world.log_of(target)
        assert log[-1].created_at - log[0].created_at < timedelta(minutes=1)


def test_a_workflow_of_another_process_is_woken_by_its_childs_response() -> None:
    with LiveWorld() as world:
        world.start_executor(settings=ExecutorSettings(tick=timedelta(minutes=10), hot_wait=timedelta(minutes=10)))
        waiting = world.submit_steps(s.create(), s.submit(0, "approve", "q", interface=HUMAN), s.join_next(0))
        question = ExecutionId(f"{waiting}.g:1_1")
        world.wait_until(lambda: world.exists(question))
        other = world.start_executor()
        answering = world.submit_steps(s.stub(s.of_text(question), {"ok": True}))

        world.run(answering)
        world.run(waiting)

        assert world.result_of(waiting)["ok"][-1] == "ok true"
        assert other.connection.transactions >= 0


# Several executors.


def test_executors_share_the_work_and_nothing_is_run_twice() -> None:
    attempts: Counter[ExecutionId] = Counter()
    with LiveWorld() as world:
        for _ in range(3):
            world.start_executor(
                settings=ExecutorSettings(slots=2), on_attempt=lambda execution_id: attempts.update([execution_id])
            )
        targets = [world.submit(ADD, [number, 1]) for number in range(40)]
        targets += [world.submit(NESTED, [2, number]) for number in range(10)]

        for target in targets:
            world.run(target)

        assert [world.result_of(target) for target in targets[:40]] == [{"ok": number + 1} for number in range(40)]
        assert [world.result_of(target) for target in targets[40:]] == [{"ok": number} for number in range(10)]
        assert set(attempts.values()) == {1}
        assert all(len(world.locks_of(target)) == 1 for target in targets[:40])
        world.check(*targets)


def test_a_dead_executors_work_is_taken_over_when_its_lock_expires() -> None:
    registry = deploy(probe(lock_expiry=SHORT), stepper(lock_expiry=SHORT))
    gate = Gate()
    with LiveWorld(registry=registry) as world:
        dead = world.start_executor(on_attempt=gate)
        target = world.submit_steps(s.random_u64(0, 10**9), s.call("add", 1, 2))
        gate.wait_for(1)
        _kill(world, dead)
        second = world.start_executor()

        world.run(target)

        assert world.result_of(target)["ok"][1] == "ok 3"
        assert world.locks_of(target)[-1].executor_id == second.id
        world.check(target)
        gate.open()
        dead.executor.stop()


def test_the_late_owners_writes_are_refused() -> None:
    clock = SimulatedClock()
    # Much longer than the second owner may have to wait for a processor, while the clock is moved.
    registry = deploy(probe(max_retries=3, lock_expiry=timedelta(hours=1)), stepper())
    gate = Gate()
    with LiveWorld(registry=registry, clock=clock) as world:
        late = world.start_executor(settings=ExecutorSettings(slots=1), on_attempt=gate)
        target = world.submit(ADD, [1, 2])
        gate.wait_for(1)
        # The first owner is stuck in its attempt while its lock runs out and another one takes over.
        second = world.start_executor()
        world.advance(timedelta(hours=1))
        world.run_through_time(target)
        log = world.log_of(target)

        gate.open()
        world.stop(late)

        assert world.log_of(target) == log
        assert [lock.executor_id for lock in world.locks_of(target)] == [late.id, second.id]


def test_a_workflow_whose_lock_was_taken_over_writes_nothing_more() -> None:
    clock = SimulatedClock()
    gate = Gate()
    with LiveWorld(clock=clock) as world:
        late = world.start_executor(settings=ExecutorSettings(slots=1), on_attempt=gate)
        target = world.submit_steps(s.call("add", 1, 2), s.call("add", 3, 4), s.generate_id())
        gate.wait_for(1)
        world.start_executor(settings=ExecutorSettings(slots=4))
        world.run_through_time(target)
        log = world.log_of(target)

        gate.open()
        world.stop(late)

        assert world.log_of(target) == log
        assert [response.cursor for response in world.responses_of(target)] == [1, 2]
        world.check(target)


@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.value)
@pytest.mark.parametrize("number", range(1, 9))
def test_a_kill_among_many_executions_loses_none_of_them(number: int, moment: Moment) -> None:
    registry = deploy(probe(lock_expiry=SHORT), stepper(lock_expiry=SHORT))
    settings = ExecutorSettings(slots=4, timer_leeway=timedelta(milliseconds=10))
    with LiveWorld(registry=registry) as world:
        targets = [
            world.submit_steps(s.create(), *[s.submit(0, "add", 1, 1)] * 3, *[s.join_next(0)] * 3, s.typed_call(1, 2))
            for _ in range(12)
        ]
        dying = world.start_executor(settings=settings, cut=Cut(number, moment))
        world.start_executor(settings=settings)

        for target in targets:
            world.run(target)

        for target in targets:
            assert world.result_of(target)["ok"][4:] == ["ok 2"] * 3 + ["ok 3"]
            sources = [
                response.event.child_execution_id
                for response in world.responses_of(target)
                if isinstance(response.event, ChildFinished)
            ]
            assert sorted(sources) == sorted(world.children_of(target))
        world.check(*targets)
        assert dying.connection.transactions > 0


# Stopping.


def test_a_stopped_executor_hands_its_workflows_back_and_another_finishes_them() -> None:
    gate = Gate()
    registry = deploy(probe(lock_expiry=timedelta(minutes=5)), stepper(lock_expiry=timedelta(minutes=5)))
    with LiveWorld(registry=registry) as world:
        first = world.start_executor(on_attempt=gate)
        target = world.submit_steps(s.generate_id(), *[s.call("add", 1, number) for number in range(5)])
        gate.wait_for(1)
        stopping = threading.Thread(target=world.stop, args=[first])
        stopping.start()
        assert first.executor._is_stopping.wait(20)
        for run in first.executor._services.running.runs():
            run.stop()  # as the other thread is about to do, or did
        gate.open()
        stopping.join()
        assert not world.is_finished(target)
        assert world.state_of(target).status is Status.PENDING_AT

        second = world.start_executor()
        world.run(target)

        assert world.result_of(target)["ok"][1:] == [f"ok {number + 1}" for number in range(5)]
        assert [lock.executor_id for lock in world.locks_of(target)] == [first.id, second.id]
        assert "executor closing" in world.unlock_reasons_of(target)
        world.check(target)


def test_stopping_leaves_nothing_locked() -> None:
    with LiveWorld() as world:
        executor = world.start_executor(settings=ExecutorSettings(slots=4))
        targets = [world.submit_steps(*[s.call("add", 1, 2)] * 200) for _ in range(8)]
        world.wait_until(lambda: any(world.state_of(target).status is Status.LOCKED for target in targets))

        world.stop(executor)

        assert all(world.state_of(target).status is not Status.LOCKED for target in targets)
        world.check(*targets)


def test_a_workflow_that_computes_without_end_does_not_hold_up_the_stop() -> None:
    with LiveWorld(registry=deploy(probe(), stepper(lock_expiry=timedelta(minutes=5)))) as world:
        executor = world.start_executor()
        target = world.submit_steps(s.generate_id(), s.spin())
        world.wait_until(lambda: len(world.history_of(target)) == 1)

        world.stop(executor)

        assert world.unlock_reasons_of(target) == ["executor closing"]
        assert world.state_of(target).status is Status.PENDING_AT


@pytest.mark.parametrize("in_workflow", [False, True])
def test_an_activity_that_outlasts_the_grace_is_handed_back_and_loses_no_attempt(in_workflow: bool) -> None:
    registry = deploy(probe(lock_expiry=timedelta(minutes=5), max_retries=0), stepper(lock_expiry=timedelta(minutes=5)))
    gate = Gate(opened=True)
    with LiveWorld(registry=registry) as world:
        settings = ExecutorSettings(stop_grace=timedelta(milliseconds=10))
        executor = world.start_executor(settings=settings, on_attempt=gate)
        target = world.submit_steps(s.call("spin")) if in_workflow else world.submit(f"{PROBE}.spin")
        gate.wait_for(1)

        world.stop(executor)

        activity = world.children_of(target)[0] if in_workflow else target
        assert world.unlock_reasons_of(activity) == ["executor closing"]
        assert world.state_of(activity).status is Status.PENDING_AT
        assert world.state_of(activity).temporary_failures == 0
        assert world.state_of(target).status in (Status.PENDING_AT, Status.BLOCKED_BY_JOIN_SET)


def test_an_activity_that_ends_within_the_grace_is_let_end() -> None:
    gate = Gate()
    with LiveWorld(registry=deploy(probe(lock_expiry=timedelta(minutes=5)), stepper())) as world:
        executor = world.start_executor(on_attempt=gate)
        target = world.submit(ADD, [1, 2])
        gate.wait_for(1)
        stopping = threading.Thread(target=world.stop, args=[executor])
        stopping.start()
        assert executor.executor._is_stopping.wait(20)

        gate.open()
        stopping.join()

        assert world.result_of(target) == {"ok": 3}


# Limits.


def test_nested_workflows_get_by_with_one_slot() -> None:
    with LiveWorld() as world:
        world.start_executor(settings=ExecutorSettings(slots=1, tick=timedelta(minutes=10)))
        targets = [world.submit(NESTED, [4, number]) for number in range(3)]

        for number, target in enumerate(targets):
            world.run(target)
            assert world.result_of(target) == {"ok": number}


@pytest.mark.parametrize("in_workflow", [False, True])
def test_no_more_instances_of_a_component_run_than_its_limit_allows(in_workflow: bool) -> None:
    registry = deploy(probe(instance_limit=2), stepper())
    gate = Gate()
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=ExecutorSettings(slots=16), on_attempt=gate)
        targets = [
            world.submit_steps(s.call("add", number, 1)) if in_workflow else world.submit(ADD, [number, 1])
            for number in range(8)
        ]
        gate.wait_for(2)
        if in_workflow:
            # All of them wait for their activity by now.
            world.wait_until(
                lambda: all(world.state_of(target).status is Status.BLOCKED_BY_JOIN_SET for target in targets)
            )
        gate.open()

        for target in targets:
            world.run(target)

        assert gate.most_at_once <= 2


def test_an_executor_runs_no_more_at_once_than_it_has_slots() -> None:
    gate = Gate()
    with LiveWorld() as world:
        world.start_executor(settings=ExecutorSettings(slots=3), on_attempt=gate)
        targets = [world.submit(ADD, [number, 1]) for number in range(9)]
        gate.wait_for(3)
        assert sum(world.state_of(target).status is Status.LOCKED for target in targets) == 3
        gate.open()

        for target in targets:
            world.run(target)

        assert gate.most_at_once <= 3


# Time limits.


def test_an_activity_that_never_returns_is_stopped_and_tried_again() -> None:
    registry = deploy(
        probe(lock_expiry=timedelta(milliseconds=60), max_retries=1, backoff=timedelta(milliseconds=5)), stepper()
    )
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=ExecutorSettings(timer_leeway=timedelta(milliseconds=20)))
        target = world.submit(f"{PROBE}.spin")

        assert world.run(target) == TOO_LATE

        kinds = [type(event).__name__ for event in world.events_of(target)]
        assert kinds == ["Created", "Locked", "TemporarilyTimedOut", "Locked", "Finished"]


def test_a_caller_sees_a_timeout_as_the_functions_error() -> None:
    registry = deploy(probe(lock_expiry=timedelta(milliseconds=60), max_retries=0), stepper())
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=ExecutorSettings(timer_leeway=timedelta(milliseconds=20)))
        target = world.submit_steps(s.call("spin"), s.last_direct_call_id(), s.failure_kind(s.of_step(1)))

        world.run(target)

        assert world.result_of(target)["ok"][::2] == ["err", "timed-out"]


def test_a_slow_child_does_not_cost_its_siblings_an_attempt() -> None:
    registry = deploy(probe(lock_expiry=timedelta(milliseconds=300), max_retries=0), stepper())
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=ExecutorSettings(slots=2, timer_leeway=timedelta(milliseconds=20)))
        target = world.submit_steps(
            s.create(),
            s.submit(0, "add", 1, 1),
            *[s.submit(0, "spin")] * 2,
            *[s.submit(0, "add", 1, 1)] * 10,
            *[s.join_next(0)] * 13,
        )

        world.run(target)

        assert Counter(world.result_of(target)["ok"][14:]) == {"ok 2": 11, "err": 2}
        world.check(target)


def test_a_result_is_committed_although_the_next_child_on_the_same_thread_is_slow() -> None:
    policy = WorkflowPolicy(commit_window=timedelta())
    registry = deploy(probe(lock_expiry=timedelta(seconds=2), max_retries=0), stepper(policy=policy))
    with LiveWorld(registry=registry) as world:
        # The one slot is the workflow's: it runs both children, locked at the same instant.
        world.start_executor(settings=ExecutorSettings(slots=1, timer_leeway=timedelta(milliseconds=20)))
        target = world.submit_steps(
            s.create(), s.submit(0, "add", 1, 1), s.submit(0, "spin"), s.join_next(0), s.join_next(0)
        )

        world.run(target)

        assert world.result_of(target)["ok"][3:] == ["ok 2", "err"]
        quick = world.children_of(target)[0]
        log = world.log_of(quick)
        assert log[-1].created_at - log[1].created_at < timedelta(seconds=1.5)
        world.check(target)


def test_a_workflow_that_never_returns_is_stopped_again_and_again() -> None:
    registry = deploy(probe(), stepper(lock_expiry=timedelta(milliseconds=60), backoff=timedelta(milliseconds=5)))
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=ExecutorSettings(timer_leeway=timedelta(milliseconds=10)))
        target = world.submit_steps(s.spin())

        world.wait_until(lambda: world.state_of(target).temporary_failures >= 2)

        assert not world.is_finished(target)
        instants = [
            event.backoff_expires_at for event in world.events_of(target) if isinstance(event, TemporarilyTimedOut)
        ]
        assert len(instants) >= 2
