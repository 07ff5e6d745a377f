"""Signals that came before they were awaited, delivered while executors die."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.executor.settings import ExecutorSettings
from engine.journal.records import Mail, PostSignal
from engine.log.events import Created
from engine.log.ids import ExecutionId
from engine.log.return_values import JsonText, Returned, TypedValue
from engine.simulation.connection import Cut, Moment, ProcessKilled
from engine.simulation.recordings import record
from engine.simulation.stepped import simulated_settings
from engine.simulation.timeless import normalised
from tests.harness import steps as s
from tests.harness.components import APPROVE
from tests.harness.replay import replay
from tests.harness.simulation import Simulation

HUMAN = "test:stubs/human"
STEPS = [
    s.create(),
    s.submit(0, "add", 1, 2),
    s.submit(0, "approve", "a", interface=HUMAN),
    s.join_next(0),
    s.join_next(0),
    s.call("approve", "b", interface=HUMAN),
    s.random_u64(0, 9),
]
_MOST_TRANSACTIONS = 60


def _post(world: Simulation, target: ExecutionId, value: str) -> None:
    retval = Returned(ok=True, payload=TypedValue("bool", JsonText(value)))
    mail = Mail(execution_id=target, ffqn=APPROVE, signal_id=None, at=world.clock.now(), retval=retval)
    world.write(PostSignal(mail=mail, expected=world.state_of(target).next_version))


def _live(settings: ExecutorSettings, cut: Cut | None = None) -> tuple[Simulation, ExecutionId, bool]:
    world = Simulation()
    target = world.submit_steps(*STEPS)
    for value in ("true", "false"):
        _post(world, target, value)
    world.start_executor(settings=settings, cut=cut)
    try:
        world.run_to_the_end(target)
    except ProcessKilled:
        world.start_executor(settings=settings)
        world.run_to_the_end(target)
        return world, target, True
    return world, target, False


@pytest.mark.parametrize("settings", [simulated_settings(), simulated_settings(commit_window=timedelta())])
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.value)
def test_a_signal_is_delivered_once_whenever_an_executor_dies(settings: ExecutorSettings, moment: Moment) -> None:
    whole, target, _ = _live(settings)
    expected: dict[str, Any] = whole.result_of(target)
    assert list(expected) == ["ok"], expected

    for number in range(1, _MOST_TRANSACTIONS):
        world, target, was_killed = _live(settings, Cut(number, moment))

        assert sorted(world.result_of(target)["ok"]) == sorted(expected["ok"]), number
        assert normalised(world.history_of(target)) == normalised(whole.history_of(target)), number
        assert all(mail.is_delivered for mail in world.memory._mail.values())
        world.check(target)
        if not was_killed:
            break
    else:
        pytest.fail("the executor never came to the workflow's end")


def test_a_run_that_was_answered_by_mail_replays() -> None:
    world, target, _ = _live(simulated_settings())

    assert replay(record(world.journal, target), target) == world.retval_of(target)
    for child in world.children_of(target):
        assert isinstance(world.events_of(child)[0], Created)
