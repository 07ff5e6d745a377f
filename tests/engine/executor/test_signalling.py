"""Sending signals, at the very moment when something else happens, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from engine.deployment.limits import RunLimits
from engine.errors import SignalRefusal, SignalRefused
from engine.executor.signalling import send_signal
from engine.journal.memory import MemoryJournal
from engine.journal.protocol import CommitReport
from engine.journal.records import LockRequest, PostSignal, Write
from engine.log.events import Finished
from engine.log.ids import ExecutionId
from engine.log.return_values import CANCELLED
from tests.harness import steps as s
from tests.harness.simulation import Simulation

HUMAN = "test:stubs/human"
ASK_TWICE = [s.call("approve", "a", interface=HUMAN), s.call("approve", "b", interface=HUMAN)]


class Interrupted(MemoryJournal):
    """Lets something happen between the look at how a workflow stands and the signal that follows from it."""

    meanwhile: Callable[[], object] | None = None

    def commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> CommitReport:
        if self.meanwhile is not None and any(isinstance(write, PostSignal) for write in writes):
            happens, self.meanwhile = self.meanwhile, None
            happens()
        return super().commit(writes, now=now, lock=lock)


@pytest.fixture
def journal() -> Interrupted:
    return Interrupted()


@pytest.fixture
def world(journal: Interrupted) -> Simulation:
    world = Simulation(journal=journal)
    world.start_executor()
    return world


def send(world: Simulation, target: ExecutionId, payload: object, signal_id: str | None = None) -> bool:
    return send_signal(
        world.journal, world.registry, RunLimits(), world.clock, target, "approve", payload, signal_id=signal_id
    )


def test_the_call_that_waits_longest_has_the_signal(world: Simulation) -> None:
    asked = [s.submit(0, "approve", word, interface=HUMAN) for word in ("a", "b")]
    target = world.submit_steps(s.create(), *asked, s.join_next(0), s.join_next(0))
    world.run_to_rest()
    first, second = world.children_of(target)

    send(world, target, True)

    assert (world.is_finished(first), world.is_finished(second)) == (True, False)
    send(world, target, False)
    world.run(target)
    world.check(target)


def test_a_call_that_is_made_meanwhile_has_the_signal(world: Simulation, journal: Interrupted) -> None:
    target = world.submit_steps(*ASK_TWICE)
    journal.meanwhile = world.run_to_rest

    assert send(world, target, True)

    (child,) = world.children_of(target)
    assert world.is_finished(child)
    send(world, target, False)
    world.run(target)
    assert world.result_of(target) == {"ok": ["ok true", "ok false"]}
    world.check(target)


def test_a_call_that_is_answered_meanwhile_leaves_the_signal_to_the_next_one(
    world: Simulation, journal: Interrupted
) -> None:
    target = world.submit_steps(*ASK_TWICE)
    world.run_to_rest()
    journal.meanwhile = lambda: send(world, target, False)

    assert send(world, target, True)

    world.run(target)
    assert world.result_of(target) == {"ok": ["ok false", "ok true"]}
    world.check(target)


def test_a_signal_that_somebody_sends_meanwhile_counts_once(world: Simulation, journal: Interrupted) -> None:
    target = world.submit_steps(*ASK_TWICE)
    journal.meanwhile = lambda: send(world, target, True, "payment-1")

    assert not send(world, target, True, "payment-1")

    world.run_to_rest()
    assert len(world.children_of(target)) == 2
    assert not world.is_finished(target)


def test_a_workflow_that_ends_meanwhile_takes_none(world: Simulation, journal: Interrupted) -> None:
    target = world.submit_steps(*ASK_TWICE)
    journal.meanwhile = lambda: world.append(target, Finished(retval=CANCELLED))

    with pytest.raises(SignalRefused, match="has finished; it does not wait for approve any more") as caught:
        send(world, target, True)

    assert caught.value.refusal is SignalRefusal.FINISHED
