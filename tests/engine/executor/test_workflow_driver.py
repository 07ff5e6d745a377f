"""One run of a workflow: how it ends, gives way, and what it leaves behind. Locks last as long as the clock stands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.clock import SimulatedClock
from engine.errors import JournalUnavailable
from engine.log.events import ExecutionEvent, Finished, HistoryEvent, TemporarilyTimedOut, Unlocked
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind
from engine.log.state import Status
from tests.harness import steps as s
from tests.harness.components import RUN, deploy, probe, stepper
from tests.harness.simulation import Simulation

# Long enough for a loaded machine to come to the first host call in it.
SHORT = timedelta(milliseconds=150)


def _world() -> Simulation:
    world = Simulation(registry=deploy(probe(), stepper(lock_expiry=SHORT)), clock=SimulatedClock())
    world.start_executor()
    return world


def _run_once(world: Simulation, target: ExecutionId) -> ExecutionEvent:
    """Let one run take place, and return the event that ended it."""
    if world.state_of(target).status is not Status.LOCKED:
        # One that is due at once is locked by the very commit that ends its run.
        world.step()
    before = len(world.events_of(target))
    world.step()
    ends = (Unlocked, TemporarilyTimedOut, Finished)
    return next(event for event in world.events_of(target)[before:] if isinstance(event, ends))


def test_a_run_whose_time_is_up_goes_on_at_once_if_it_got_on_and_else_waits() -> None:
    world = _world()
    target = world.submit_steps(s.generate_id(), s.spin())

    first, second = _run_once(world, target), _run_once(world, target)

    assert first == Unlocked(backoff_expires_at=world.clock.now(), reason="made progress")
    assert second == TemporarilyTimedOut(backoff_expires_at=world.clock.now() + timedelta(milliseconds=100))
    world.advance(timedelta(milliseconds=100))
    assert _run_once(world, target) == TemporarilyTimedOut(
        backoff_expires_at=world.clock.now() + timedelta(milliseconds=200)
    )


@pytest.mark.parametrize(
    ("step", "kind", "reason"),
    [
        (s.panic(), FailureKind.UNCATEGORIZED, "workflow trap: "),
        (s.random_u64(5, 5), FailureKind.UNCATEGORIZED, "ConstraintViolation: random-u64"),
    ],
)
def test_a_workflow_that_dies_is_not_tried_again(step: s.Step, kind: FailureKind, reason: str) -> None:
    world = _world()
    target = world.submit_steps(step)

    end = _run_once(world, target)

    assert isinstance(end, Finished)
    assert isinstance(end.retval, Failed)
    assert end.retval.kind is kind
    assert end.retval.reason is not None
    assert end.retval.reason.startswith(reason)


def test_an_error_that_a_workflow_returns_is_its_result_and_not_tried_again() -> None:
    world = _world()
    target = world.submit_steps(s.fail("no"))

    _run_once(world, target)

    assert world.result_of(target) == {"err": "no"}


def test_stored_parameters_that_no_longer_fit_end_the_workflow() -> None:
    world = _world()
    target = world.submit(RUN, ["not a list of steps"])

    end = _run_once(world, target)

    assert isinstance(end, Finished)
    assert isinstance(end.retval, Failed)
    assert end.retval.reason is not None
    assert end.retval.reason.startswith("ValueMismatch")


def test_log_lines_of_a_replay_are_marked_and_below_the_level_that_is_stored() -> None:
    world = _world()
    target = world.submit_steps(s.log("info", "before"), s.sleep(s.after_ms(10)), s.log("info", "after"))

    world.run(target)
    world.run_to_rest()

    assert [line.message for line in world.memory.log_lines] == ["before", "after"]


def test_a_journal_that_goes_away_ends_the_run_and_another_one_finishes_it() -> None:
    world = _world()
    connection = world.executors[0].connection
    connection._error = lambda: JournalUnavailable("away")
    target = world.submit_steps(s.typed_call(1, 2), s.sleep(s.after_ms(5)), s.typed_call(3, 4))
    world.step()
    connection.is_cut = True
    with pytest.raises(JournalUnavailable):
        connection.state_of(target)
    world.step()
    assert not any(isinstance(event, HistoryEvent) for event in world.events_of(target))

    connection.is_cut = False
    world.run(target)

    assert world.result_of(target)["ok"][::2] == ["ok 3", "ok 7"]
    assert not world.executors[0].executor.wakeups._subscriptions
    world.check(target)


def test_a_run_that_cannot_even_load_its_log_leaves_no_subscription_behind() -> None:
    world = _world()
    connection = world.executors[0].connection
    connection._error = lambda: JournalUnavailable("away")
    target = world.submit_steps(s.sleep(s.after_ms(5)))
    world.run_to_rest()
    world.run_until(lambda: world.state_of(target).status is Status.LOCKED)
    connection.is_cut = True

    world.step()

    assert not world.executors[0].executor.wakeups._subscriptions
    connection.is_cut = False
    world.run(target)
