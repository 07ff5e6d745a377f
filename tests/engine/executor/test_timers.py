"""What time alone brings about, on a clock that only the test moves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.activity.outcome import TOO_LATE
from engine.executor.timers import Timers
from engine.log.events import (
    Created,
    DelayFinished,
    ExecutionEvent,
    Finished,
    JoinSetCreated,
    Locked,
    LogEntry,
    Paused,
    TemporarilyTimedOut,
    Unlocked,
)
from engine.log.ids import DeploymentId, ExecutionId, ExecutorId, JoinSetId, RunId
from engine.log.state import Status
from engine.simulation.stepped import simulated_settings
from tests.harness import steps as s
from tests.harness.components import ADD, deploy, probe, stepper
from tests.harness.simulation import Simulation

SECOND = timedelta(seconds=1)


def _world(**settings: timedelta) -> tuple[Simulation, Timers]:
    world = Simulation(registry=deploy(probe(max_retries=2), stepper()))
    executor = world.start_executor(settings=simulated_settings())
    services = executor.executor._services
    if settings:
        services.settings = type(services.settings)(**settings)  # type: ignore[arg-type]  # all of them are durations
    return world, Timers(services)


def _lock(world: Simulation, target: ExecutionId, *, max_retries: int | None) -> None:
    """Lock an execution as somebody who is never heard of again."""
    world.append(
        target,
        Locked(
            component_id=world.state_of(target).component_id,
            executor_id=ExecutorId("Exr_1"),
            deployment_id=DeploymentId("Dep_1"),
            run_id=RunId("Run_1"),
            lock_expires_at=world.clock.now() + SECOND,
            max_retries=max_retries,
            retry_backoff=timedelta(milliseconds=100),
        ),
    )


def _kinds(world: Simulation, target: ExecutionId) -> list[type[ExecutionEvent]]:
    return [type(event) for event in world.events_of(target)]


def test_an_expired_lock_costs_an_attempt_and_a_backoff() -> None:
    world, timers = _world()
    target = world.submit(ADD, [1, 2])
    for failures in range(2):
        _lock(world, target, max_retries=2)
        world.advance(SECOND)
        assert timers.tick(world.clock.now()) == 1

        state = world.state_of(target)
        assert (state.status, state.temporary_failures) == (Status.PENDING_AT, failures + 1)
        backoff = timedelta(milliseconds=100) * 2**failures
        assert state.due_at == world.clock.now() + backoff
        world.advance(backoff)

    _lock(world, target, max_retries=2)
    world.advance(SECOND)
    timers.tick(world.clock.now())

    assert world.retval_of(target) == TOO_LATE
    assert _kinds(world, target) == [Created, *[Locked, TemporarilyTimedOut] * 2, Locked, Finished]


def test_the_parent_hears_of_an_end_by_timeout() -> None:
    world = Simulation(registry=deploy(probe(max_retries=0, may_touch_world=True), stepper()))
    executor = world.start_executor()
    target = world.submit_steps(s.create(), *[s.submit(0, "add", 1, 2)] * 2, *[s.join_next(0)] * 2)
    world.step()
    services = executor.executor._services
    services.commits.lock_for(None)
    world.step()
    # The children are visible and nobody has them yet.
    first, second = world.children_of(target)
    _lock(world, first, max_retries=0)
    services.commits.lock_for(executor.executor._locker)
    world.run_until(lambda: world.is_finished(second))
    world.advance(SECOND)

    Timers(services).tick(world.clock.now())
    world.run(target)

    assert sorted(world.result_of(target)["ok"][3:]) == ["err", "ok 3"]
    assert world.retval_of(first) == TOO_LATE


def test_a_lock_is_left_alone_until_the_leeway_is_over() -> None:
    world, timers = _world(timer_leeway=timedelta(milliseconds=300))
    target = world.submit(ADD, [1, 2])
    _lock(world, target, max_retries=2)

    world.advance(SECOND + timedelta(milliseconds=299))
    assert timers.tick(world.clock.now()) == 0
    world.advance(timedelta(milliseconds=1))
    assert timers.tick(world.clock.now()) == 1


def test_the_lock_of_a_paused_execution_is_not_the_timers_business() -> None:
    world, timers = _world()
    target = world.submit(ADD, [1, 2])
    world.append(target, Paused())
    world.advance(timedelta(hours=1))

    assert timers.tick(world.clock.now()) == 0


@pytest.mark.parametrize("has_written", [True, False])
def test_a_workflow_that_wrote_something_is_not_made_to_wait(has_written: bool) -> None:
    world, timers = _world()
    world.executors[0].executor._services.commits.lock_for(None)
    target = world.submit_steps(s.generate_id())
    _lock(world, target, max_retries=None)
    if has_written:
        world.append(target, JoinSetCreated(join_set_id=JoinSetId("g:1")))
    world.advance(SECOND)

    timers.tick(world.clock.now())

    last = world.events_of(target)[-1]
    if has_written:
        assert last == Unlocked(backoff_expires_at=world.clock.now(), reason="made progress")
    else:
        assert isinstance(last, TemporarilyTimedOut)


def test_what_was_written_before_the_lock_was_extended_is_progress() -> None:
    world, timers = _world()
    world.executors[0].executor._services.commits.lock_for(None)
    target = world.submit_steps(s.generate_id())
    _lock(world, target, max_retries=None)
    world.append(target, JoinSetCreated(join_set_id=JoinSetId("g:1")))
    _lock(world, target, max_retries=None)
    world.advance(SECOND)

    timers.tick(world.clock.now())

    assert isinstance(world.events_of(target)[-1], Unlocked)


def test_of_a_long_log_the_newest_event_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    world, timers = _world()
    journal = world.executors[0].executor._services.journal
    world.executors[0].executor._services.commits.lock_for(None)
    target = world.submit_steps(s.generate_id())
    _lock(world, target, max_retries=None)
    for number in range(1, 6):
        world.append(target, JoinSetCreated(join_set_id=JoinSetId(f"g:{number}")))
    world.advance(SECOND)
    read: list[int] = []
    load = journal.load_log

    def count(execution_id: ExecutionId, *, start: int = 0) -> list[LogEntry]:
        entries = load(execution_id, start=start)
        read.append(len(entries))
        return entries

    monkeypatch.setattr(journal, "load_log", count)
    timers.tick(world.clock.now())

    assert read == [1]


def test_extending_the_lock_is_no_progress() -> None:
    world, timers = _world()
    target = world.submit_steps(s.generate_id())
    _lock(world, target, max_retries=None)
    world.advance(SECOND / 2)
    _lock(world, target, max_retries=None)
    world.advance(SECOND)

    timers.tick(world.clock.now())

    assert isinstance(world.events_of(target)[-1], TemporarilyTimedOut)


def test_a_delay_fires_once_however_many_executors_look() -> None:
    world, timers = _world()
    target = world.submit_steps(s.create(), s.submit_delay(0, s.after_ms(50)), s.join_next(0))
    world.run_to_rest()
    others = [Timers(world.start_executor().executor._services) for _ in range(2)]

    assert [each.tick(world.clock.now()) for each in (timers, *others)] == [0, 0, 0]
    world.advance(timedelta(milliseconds=50))
    assert timers.tick(world.clock.now()) == 1
    assert [each.tick(world.clock.now()) for each in others] == [0, 0]

    (response,) = world.responses_of(target)
    assert isinstance(response.event, DelayFinished)
    assert not response.event.cancelled


def test_delays_that_are_due_fire_in_the_order_of_their_instants() -> None:
    world, timers = _world()
    target = world.submit_steps(s.create(), *[s.submit_delay(0, s.after_ms(ms)) for ms in (30, 10, 20)], s.join_next(0))
    world.run_to_rest()
    world.advance(timedelta(hours=1))

    timers.tick(world.clock.now())

    fired = [r.event.delay_id for r in world.responses_of(target) if isinstance(r.event, DelayFinished)]
    assert [delay[-1] for delay in fired] == ["2", "3", "1"]


def test_two_who_look_at_the_same_expired_lock_end_it_once() -> None:
    world, timers = _world()
    target = world.submit(ADD, [1, 2])
    _lock(world, target, max_retries=2)
    world.advance(SECOND)
    journal = timers._services.journal
    expired = journal.expired_locks(world.clock.now(), limit=10)
    # The other one read the same row before this one wrote.
    timers.tick(world.clock.now())

    journal.expired_locks = lambda now, *, limit: expired  # type: ignore[method-assign]  # forces the race
    timers.tick(world.clock.now())

    assert _kinds(world, target) == [Created, Locked, TemporarilyTimedOut]


def test_a_clock_that_steps_back_ends_no_lock_early() -> None:
    world, timers = _world()
    target = world.submit(ADD, [1, 2])
    _lock(world, target, max_retries=2)

    world.advance(-timedelta(hours=1))

    assert timers.tick(world.clock.now()) == 0
    assert world.state_of(target).status is Status.LOCKED
