"""Faults around the executor: a database that goes away, a log that cannot be read, a clock that steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.clock import SimulatedClock
from engine.errors import JournalUnavailable
from engine.executor.activity_run import ActivityRuns
from engine.executor.settings import ExecutorSettings
from engine.journal.memory import _StoredEvent
from engine.journal.records import Lockable, LockRequest
from engine.log.events import CancellationRequested, Locked, Unlocked
from engine.log.ids import DeploymentId, RunId
from engine.log.return_values import CANCELLED
from engine.log.state import Holder, Status
from engine.simulation.connection import Moment
from tests.engine.journal.commits import lock_pending
from tests.harness import steps as s
from tests.harness.components import ADD, RUN_CANCELLABLE, deploy, probe, stepper
from tests.harness.eventually import eventually
from tests.harness.live import LiveWorld
from tests.harness.simulation import Simulation

SHORT = timedelta(milliseconds=150)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.executor.executor._UNAVAILABLE_PAUSE_S", 0.01)


def _steps() -> list[s.Step]:
    return [s.create(), *[s.submit(0, "add", 1, 1)] * 3, *[s.join_next(0)] * 3, *[s.typed_call(1, 2)] * 20]


def test_a_database_that_goes_away_and_comes_back_costs_nothing_but_time() -> None:
    registry = deploy(probe(lock_expiry=SHORT), stepper(lock_expiry=SHORT))
    settings = ExecutorSettings(timer_leeway=timedelta(milliseconds=10), commit_window=timedelta())
    with LiveWorld(registry=registry) as world:
        executor = world.start_executor(settings=settings)
        targets = [world.submit_steps(*_steps()) for _ in range(4)]
        for number in range(5):
            before = executor.connection.transactions
            world.wait_until(
                lambda before=before: (
                    executor.connection.transactions > before + 3  # type: ignore[misc]  # mypy gives a lambda's default no type
                    or all(map(world.is_finished, targets))
                )
            )
            executor.connection.was_refused.clear()
            executor.connection.is_cut = True
            world.submit(ADD, [number, 1])
            assert executor.connection.was_refused.wait(20)
            executor.connection.is_cut = False

        for target in targets:
            world.run(target)

        assert all(world.result_of(target)["ok"][4:] == ["ok 2"] * 3 + ["ok 3"] * 20 for target in targets)
        world.check(*targets)


def test_an_executor_tells_why_it_takes_nothing_until_it_does_again() -> None:
    with LiveWorld(registry=deploy(probe())) as world:
        executor = world.start_executor()
        assert executor.executor.trouble == ""

        executor.connection.is_cut = True
        target = world.submit(ADD, [1, 2])
        eventually(lambda: executor.executor.trouble == "the connection is cut")

        executor.connection.is_cut = False
        world.run(target)
        eventually(lambda: executor.executor.trouble == "")


@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.value)
def test_a_commit_whose_answer_is_lost_is_looked_up_and_not_repeated(moment: Moment) -> None:
    world = Simulation()
    world.start_executor()
    target = world.submit_steps(*_steps())
    world.step()
    fault: Callable[[object], None] = _once_unavailable()
    if moment is Moment.BEFORE:
        world.memory.before_commit = fault
    else:
        world.memory.after_commit = fault

    world.run(target)

    assert world.result_of(target)["ok"][4:] == ["ok 2"] * 3 + ["ok 3"] * 20
    world.check(target)


def _once_unavailable() -> Callable[[object], None]:
    faults = [JournalUnavailable("the answer got lost")]

    def fault(_: object) -> None:
        if faults:
            raise faults.pop()

    return fault


def test_one_log_that_cannot_be_read_does_not_keep_the_others_from_being_run() -> None:
    with LiveWorld() as world:
        broken = world.submit_steps(s.sleep({"in": {"days": 1}}), ffqn=RUN_CANCELLABLE)
        world.append(broken, CancellationRequested())
        stored = world.memory._events[broken]
        stored[1] = _StoredEvent(stored[1].created_at, '{"of_a_later_version":{}}')
        world.start_executor()

        for number in range(5):
            target = world.submit(ADD, [number, 1])
            world.run(target)
            assert world.result_of(target) == {"ok": number + 1}

        assert not world.is_finished(broken)


def test_a_clock_that_steps_back_delays_and_breaks_nothing() -> None:
    clock = SimulatedClock()
    world = Simulation(clock=clock)
    world.start_executor()
    target = world.submit_steps(*_steps(), s.sleep(s.after_ms(20)), s.call("fail-variant", True))
    world.step()
    clock.advance(-timedelta(hours=1))
    world.step()
    clock.advance(-timedelta(minutes=1))

    world.run(target)

    assert world.result_of(target)["ok"][-1] == 'err {"permanent_refusal":"never"}'


def test_a_clock_that_leaps_forward_looks_like_expired_locks() -> None:
    world = Simulation()
    world.start_executor()
    target = world.submit_steps(*_steps())
    world.step()
    world.advance(timedelta(days=365))

    world.run(target)

    assert world.result_of(target)["ok"][4:] == ["ok 2"] * 3 + ["ok 3"] * 20
    world.check(target)


def test_activities_that_were_locked_together_and_not_begun_are_given_back_in_time() -> None:
    world = Simulation()
    executor = world.start_executor()
    services = executor.executor._services
    targets = [world.submit(ADD, [number, 1]) for number in range(3)]
    services.commits.lock_for(None)
    runs, holder = _locked_together(world, services.registry.deployment.id)
    world.advance(timedelta(milliseconds=400))
    runs.renew(world.clock.now())
    assert all(world.state_of(target).status is Status.LOCKED for target in targets)

    world.advance(timedelta(milliseconds=100))
    runs.renew(world.clock.now())

    for target in targets:
        last = world.events_of(target)[-1]
        assert last == Unlocked(backoff_expires_at=world.clock.now(), reason="not begun in time")
        assert world.state_of(target).holder == holder
    runs.execute()  # nothing is left to run
    world.start_executor()
    for target in targets:
        world.run(target)


def test_an_activity_that_is_cancelled_before_it_begins_ends_at_once() -> None:
    world = Simulation()
    executor = world.start_executor()
    targets = [world.submit(ADD, [number, 1]) for number in range(2)]
    services = executor.executor._services
    services.commits.lock_for(None)
    runs, _ = _locked_together(world, services.registry.deployment.id)
    world.append(targets[0], CancellationRequested())

    runs.stop()

    assert world.retval_of(targets[0]) == CANCELLED
    assert world.state_of(targets[1]).status is Status.PENDING_AT


def _locked_together(world: Simulation, deployment_id: str) -> tuple[ActivityRuns, Holder]:
    """Lock everything that is due, as an executor does, and return the runs before they begin."""
    executor = world.executors[0].executor
    function = executor.registry.find(ADD)
    assert function is not None
    component, now = function.component, world.clock.now()
    holder = Holder(executor.executor_id, RunId("Run_1"))
    event = Locked(
        component_id=component.id,
        executor_id=holder.executor_id,
        deployment_id=DeploymentId(deployment_id),
        run_id=holder.run_id,
        lock_expires_at=now + component.exec.lock_expiry,
        max_retries=component.retry.max_retries,
        retry_backoff=component.retry.backoff,
    )
    lockable = Lockable(component_id=component.id, ffqns=(ADD,), strategy=component.exec.locking_strategy, limit=10)
    locked = lock_pending(world.journal, LockRequest(now=now, choices=((lockable, event),), limit=10))
    jobs = [(execution, function) for execution in locked]
    return ActivityRuns(executor._services, executor._flusher, jobs, holder), holder
