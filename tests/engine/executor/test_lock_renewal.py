"""A workflow's lock is extended when half of it is over, as long as its run gets on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from engine.deployment.spec import WorkflowPolicy
from engine.executor.settings import ExecutorSettings
from engine.executor.workflow_driver import WorkflowDriver
from engine.journal.records import LogLine
from tests.harness import steps as s
from tests.harness.components import deploy, probe, stepper
from tests.harness.live import LiveWorld
from tests.harness.simulation import Simulation

EXPIRY = timedelta(minutes=10)
HALF = EXPIRY / 2
MOMENT = timedelta(milliseconds=1)


def make_world(*, lock_extension: bool = True) -> Simulation:
    policy = WorkflowPolicy(lock_extension=lock_extension)
    return Simulation(registry=deploy(probe(lock_expiry=10 * EXPIRY), stepper(policy=policy, lock_expiry=EXPIRY)))


def run_with(world: Simulation, *, in_guest: Callable[[WorkflowDriver], None]) -> list[timedelta]:
    """Act while a guest writes a log line, which is no step; return when its lock was to end, each time."""
    executor = world.start_executor()
    services = executor.executor._services
    started = world.clock.now()

    def act(row: LogLine) -> None:
        (run,) = services.running.runs()
        assert isinstance(run, WorkflowDriver)
        in_guest(run)

    services.guest_log.add = act  # type: ignore[method-assign]  # a place to act at
    target = world.submit_steps(s.generate_id(), s.log("info", "now"), s.generate_id())
    world.run(target)
    world.check(target)
    return [lock.lock_expires_at - started for lock in world.locks_of(target)]


def test_a_lock_is_left_alone_until_half_of_it_is_over() -> None:
    world = make_world()

    def look_early(run: WorkflowDriver) -> None:
        world.advance(HALF - MOMENT)
        run.renew(world.clock.now())

    assert run_with(world, in_guest=look_early) == [EXPIRY]


def test_a_run_that_got_on_has_its_lock_for_longer() -> None:
    world = make_world()

    def look_at_half(run: WorkflowDriver) -> None:
        world.advance(HALF)
        run.renew(world.clock.now())

    assert run_with(world, in_guest=look_at_half) == [EXPIRY, HALF + EXPIRY]


def test_a_guest_that_makes_no_call_any_more_loses_its_lock() -> None:
    world = make_world()

    def compute_for_long(run: WorkflowDriver) -> None:
        for _ in range(2):
            world.advance(HALF)
            run.renew(world.clock.now())
        assert run.run_expires_at() == world.clock.now() + HALF

    locks = run_with(world, in_guest=compute_for_long)

    # With its next step the run counts as alive again, and sees to its lock itself.
    assert locks == [EXPIRY, HALF + EXPIRY, 2 * HALF + EXPIRY]


def test_a_run_that_is_busy_extends_its_lock_itself() -> None:
    world = make_world()

    assert run_with(world, in_guest=lambda _: world.advance(HALF)) == [EXPIRY, HALF + EXPIRY]


def test_a_run_that_works_on_its_journal_is_not_waited_for() -> None:
    world = make_world()

    def look_at_a_busy_one(run: WorkflowDriver) -> None:
        world.advance(HALF - MOMENT)
        with run.mutex:
            run.renew(world.clock.now() + MOMENT)

    assert run_with(world, in_guest=look_at_a_busy_one) == [EXPIRY]


def test_a_lock_that_is_not_to_be_extended_is_left_alone() -> None:
    world = make_world(lock_extension=False)

    def look_late(run: WorkflowDriver) -> None:
        world.advance(EXPIRY - MOMENT)
        run.renew(world.clock.now())

    assert run_with(world, in_guest=look_late) == [EXPIRY]


def test_a_run_that_waits_for_its_child_counts_as_alive() -> None:
    world = make_world()
    attempts = 0

    def outlast_the_lock(_: object) -> None:
        nonlocal attempts
        attempts += 1
        (run,) = world.executors[0].executor._services.running.runs()
        for _ in range(5):
            world.advance(HALF)
            run.renew(world.clock.now())

    world.start_executor(on_attempt=outlast_the_lock)
    target = world.submit_steps(s.call("add", 1, 2))

    world.run(target)

    assert attempts == 1
    assert len(world.locks_of(target)) == 6
    assert world.result_of(target) == {"ok": ["ok 3"]}
    world.check(target)


def test_a_run_without_lock_extension_is_taken_over_when_its_lock_expires() -> None:
    world = make_world(lock_extension=False)
    attempts = 0

    def outlast_the_lock_once(_: object) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            world.advance(EXPIRY)

    world.start_executor(on_attempt=outlast_the_lock_once)
    target = world.submit_steps(*[s.call("add", 1, 2)] * 3)

    world.run(target)

    first, second = world.locks_of(target)
    assert second.run_id != first.run_id
    assert world.result_of(target) == {"ok": ["ok 3"] * 3}
    world.check(target)


def test_a_run_that_outlives_its_lock_renews_it() -> None:
    registry = deploy(probe(lock_expiry=timedelta(seconds=20)), stepper(lock_expiry=timedelta(seconds=1)))
    with LiveWorld(registry=registry) as world:
        for _ in range(2):
            world.start_executor(settings=ExecutorSettings(tick=timedelta(milliseconds=20)))
        # Seconds of computing, in calls too short to lose the lock in.
        target = world.submit_steps(*[s.call("work", 3_000_000)] * 500)

        world.run(target)

        log = world.log_of(target)
        assert log[-1].created_at - log[0].created_at > timedelta(seconds=1)
        assert len({lock.executor_id for lock in world.locks_of(target)}) == 1
        assert len(world.locks_of(target)) >= 2
        world.check(target)
