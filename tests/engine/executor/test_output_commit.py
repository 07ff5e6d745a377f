"""When a run's events become durable: as late as nobody can tell, and as early as anybody could."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from engine.deployment.spec import LogLevel, WorkflowPolicy
from engine.executor.flusher import Flushable, Flusher
from engine.executor.settings import ExecutorSettings
from engine.journal.records import Append, LogLine, Write
from engine.log.events import (
    CancellationRequested,
    ChildRequested,
    Created,
    JoinNext,
    JoinSetCreated,
    Locked,
    Unlocked,
)
from engine.log.ids import ExecutionId
from engine.log.return_values import CANCELLED
from engine.log.state import Status
from engine.simulation.stepped import simulated_settings
from tests.harness import steps as s
from tests.harness.components import RUN_CANCELLABLE, approve, deploy, probe, stepper
from tests.harness.live import LiveWorld
from tests.harness.simulation import Simulation
from tests.harness.steps import Step

HUMAN = "test:stubs/human"
LONG_LOCK = timedelta(minutes=10)


def _transactions(
    *steps: Step, window: timedelta | None = None, buffer_events: int = 1000, touches: bool = False
) -> int:
    policy = WorkflowPolicy(commit_window=window)
    world = Simulation(registry=deploy(probe(may_touch_world=touches), stepper(policy=policy), approve()))
    executor = world.start_executor(settings=simulated_settings(buffer_events=buffer_events))
    target = world.submit_steps(*steps)
    world.run(target)
    world.check(target)
    return executor.connection.transactions


def test_pure_steps_share_one_commit() -> None:
    calls = [s.call("add", 1, number) for number in range(50)]

    assert _transactions(*calls) == 2  # the lock, and everything else


def test_children_in_parallel_share_few_commits() -> None:
    steps = [s.create(), *[s.submit(0, "add", 1, 1)] * 50, *[s.join_next(0)] * 50]

    assert _transactions(*steps) == 2


def test_a_run_at_work_hands_its_buffer_over_when_the_window_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Flushable] = []
    handed_over: list[Write] = []

    def ask_at_once(_: Flusher, run: Flushable) -> None:
        asked.append(run)
        if len(asked) == 1:
            assert run.start_flush() is None, "the run's thread has the mutex, in the middle of a host call"

    monkeypatch.setattr(Flusher, "register", ask_at_once)
    monkeypatch.setattr(Flusher, "commit", lambda _, ticket: handed_over.append(ticket.write))
    calls = [s.call("add", 1, number) for number in range(10)]

    assert _transactions(*calls) == 3  # the lock, the first step, everything else
    (write,) = handed_over
    assert isinstance(write, Append)
    assert [type(entry.event) for entry in write.entries] == [JoinSetCreated, ChildRequested, JoinNext]
    assert len(asked) > 1, "should the run be busy for longer, the flusher asks again"


def test_a_window_of_zero_commits_every_call() -> None:
    calls = [s.call("add", 1, number) for number in range(10)]

    assert _transactions(*calls, window=timedelta()) == 1 + 10 + 1


def test_a_component_has_its_own_window() -> None:
    calls = [s.random_u64(0, 9)] * 5

    assert _transactions(*calls, window=timedelta()) == 1 + 5 + 1
    assert _transactions(*calls, window=timedelta(hours=1)) == 2


def test_a_full_buffer_is_committed() -> None:
    calls = [s.random_u64(0, 9)] * 20

    assert _transactions(*calls, buffer_events=5) == 1 + 4 + 1


def test_each_activity_that_can_touch_the_world_takes_two_commits() -> None:
    calls = [s.call("add", 1, number) for number in range(5)]

    # Its intent, with whatever came before, and its result.
    assert _transactions(*calls, touches=True) == 1 + 2 * 5 + 1


def test_everything_is_durable_before_a_stub_hears_of_its_result() -> None:
    world = Simulation()
    world.start_executor()
    target = world.submit_steps(
        s.create(), s.generate_id(), s.submit(0, "approve", "q", interface=HUMAN), s.stub(s.of_step(2), {"ok": True})
    )
    seen: list[tuple[bool, int]] = []
    world.memory.after_commit = lambda _: seen.append(
        (bool(world.memory._responses.get(target)), len(world.memory._events.get(target, ())))
    )

    world.run(target)

    first_answer = next(length for has_answer, length in seen if has_answer)
    assert first_answer == 5  # created, locked, join set, id, request


def test_everything_is_durable_before_a_member_is_cancelled() -> None:
    world = Simulation()
    world.start_executor()
    target = world.submit_steps(s.create(), s.submit(0, "approve", "q", interface=HUMAN), s.close(0))
    question = ExecutionId(f"{target}.g:1_1")
    lengths: list[tuple[int, int]] = []
    world.memory.after_commit = lambda _: lengths.append(
        (len(world.memory._events.get(target, ())), len(world.memory._events.get(question, ())))
    )

    world.run(target)

    assert lengths[0] == (2, 0)  # the lock
    assert lengths[1] == (4, 1)  # the request and the child it created, before anything else
    assert (4, 2) in lengths


# The short one is over before the activity is asked for, so that the step before it is committed by then.
@pytest.mark.parametrize("window", [timedelta(milliseconds=5), timedelta(microseconds=1)], ids=str)
def test_progress_is_visible_after_the_window_while_an_activity_still_runs(window: timedelta) -> None:
    registry = deploy(probe(), stepper(lock_expiry=LONG_LOCK))
    gate = threading.Event()
    with LiveWorld(registry=registry) as world:
        world.start_executor(
            settings=ExecutorSettings(commit_window=window),
            on_attempt=lambda _: gate.wait(20),
        )
        target = world.submit_steps(s.random_u64(0, 9), s.call("add", 1, 2))

        world.wait_until(lambda: any(isinstance(event, JoinNext) for event in world.events_of(target)))
        (child,) = world.children_of(target)
        assert [type(event) for event in world.events_of(child)] == [Created, Locked]
        assert world.state_of(target).status is Status.BLOCKED_BY_JOIN_SET
        gate.set()
        world.run(target)

        assert world.result_of(target)["ok"][1] == "ok 3"
        world.check(target)


def test_progress_is_visible_after_the_window_while_the_guest_computes() -> None:
    registry = deploy(probe(), stepper(lock_expiry=timedelta(milliseconds=300)))
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=ExecutorSettings(commit_window=timedelta(milliseconds=5)))
        target = world.submit_steps(s.random_u64(0, 9), s.spin())

        world.wait_until(lambda: len(world.history_of(target)) == 1)

        assert world.state_of(target).status is Status.LOCKED


def test_a_run_that_lost_its_events_has_no_further_effect() -> None:
    world = Simulation(registry=deploy(probe(), stepper(lock_expiry=LONG_LOCK), approve()))
    executor = world.start_executor()
    target = world.submit_steps(
        s.create(),
        s.submit(0, "approve", "q", interface=HUMAN),
        s.sleep(s.after_ms(5)),  # now the question is visible
        s.generate_id(),
        s.log("info", "here"),
        s.stub(s.of_step(1), {"ok": True}),
        ffqn=RUN_CANCELLABLE,
    )
    services = executor.executor._services
    store = services.guest_log.add

    def interfere(row: LogLine) -> None:
        # Somebody cancels the workflow, and the thread that renews its lock is refused. The run's own thread has not
        # heard of it when it comes to the stub.
        if row.level is LogLevel.INFO:
            world.append(target, CancellationRequested())
            for run in services.running.runs():
                run.renew(world.clock.now() + LONG_LOCK)

    services.guest_log.add = interfere  # type: ignore[method-assign]  # forces the race
    world.run(target)
    services.guest_log.add = store  # type: ignore[method-assign]  # as it was

    question = ExecutionId(f"{target}.g:1_1")
    assert world.result_of(question) == {"execution_failed": {"kind": "cancelled"}}


def test_children_that_the_run_is_not_about_to_run_are_everybodys() -> None:
    registry = deploy(probe(lock_expiry=LONG_LOCK), stepper(lock_expiry=LONG_LOCK))
    with LiveWorld(registry=registry) as world:
        world.start_executor(settings=ExecutorSettings(commit_window=timedelta(milliseconds=1)))
        # The workflow never waits for them: it spins.
        target = world.submit_steps(s.create(), *[s.submit(0, "add", 1, 1)] * 5, s.spin())

        world.wait_until(lambda: len(world.history_of(target)) == 6)
        for child in world.children_of(target):
            world.run(child)

        assert not world.is_finished(target)


def test_children_that_were_kept_and_are_not_needed_any_more_are_cancelled_without_being_run() -> None:
    attempts: list[ExecutionId] = []
    # Visible from the start, so the run locks a batch of them; each takes longer than it runs children in a row.
    policy = WorkflowPolicy(commit_window=timedelta())
    world = Simulation(registry=deploy(probe(), stepper(policy=policy)))
    world.start_executor(settings=simulated_settings(slots=1), on_attempt=attempts.append)
    target = world.submit_steps(s.create(), *[s.submit(0, "work", 30_000_000)] * 9, s.join_next(0), s.close(0))

    world.run(target)

    ends = [world.retval_of(child) for child in world.children_of(target)]
    assert len(attempts) == 1
    assert ends.count(CANCELLED) == 8
    world.check(target)


def test_children_that_take_longer_than_a_run_keeps_them_go_back_after_the_first() -> None:
    policy = WorkflowPolicy(commit_window=timedelta())
    world = Simulation(registry=deploy(probe(), stepper(policy=policy)))
    world.start_executor(settings=simulated_settings(slots=1))
    target = world.submit_steps(s.create(), *[s.submit(0, "work", 100_000_000)] * 9, s.join_next(0), s.close(0))

    world.run(target)

    given_back = [
        child for child in world.children_of(target) if any(isinstance(e, Unlocked) for e in world.events_of(child))
    ]
    assert len(given_back) > 1
    world.check(target)
