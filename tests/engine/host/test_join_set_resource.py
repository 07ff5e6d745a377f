"""Closing join sets: explicitly, by dropping the handle, and at the end of the function, however it ends."""

from __future__ import annotations

import pytest

from engine.log.events import (
    CancellationRequested,
    ChildFinished,
    DelayFinished,
    ExecutionEvent,
    Finished,
    JoinNext,
    JoinSetCreated,
)
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind
from tests.harness import steps as s
from tests.harness.components import STEPPER
from tests.harness.plays import Play, play
from tests.harness.steps import Step

HUMAN = "test:stubs/human"
LONG = {"in": {"days": 30}}

# Every way in which a join set comes to its end while members are open.
ENDINGS: dict[str, list[Step]] = {
    "closed": [s.close(0)],
    "dropped": [s.drop(0)],
    "all dropped": [s.drop_all()],
    "left at the end": [],
    "left at an error": [s.fail("gave up")],
    "left at a trap": [s.panic()],
    "left at a violation": [s.random_u64(5, 5)],
}
every_ending = pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)


def _closings(played: Play) -> list[str]:
    return [event.join_set_id for event in played.history if isinstance(event, JoinNext) and event.closing]


def _end(played: Play, child: ExecutionId) -> ExecutionEvent:
    return played.world.events_of(child)[-1]


def _was_cancelled(played: Play, child: ExecutionId) -> bool:
    end = _end(played, child)
    return isinstance(end, Finished) and end.retval == Failed(kind=FailureKind.CANCELLED)


@every_ending
def test_an_activity_that_nobody_runs_is_cancelled(ending: list[Step]) -> None:
    played = play(s.create(), s.submit(0, "approve", "q", interface=HUMAN), *ending)

    child = played.child("g:1")
    assert _was_cancelled(played, child)
    assert any(isinstance(event, CancellationRequested) for event in played.world.events_of(child))
    assert _closings(played) == ["g:1"]


@every_ending
def test_a_delay_is_cancelled(ending: list[Step]) -> None:
    played = play(s.create(), s.submit_delay(0, LONG), *ending)

    (response,) = played.world.responses_of(played.target)
    assert isinstance(response.event, DelayFinished)
    assert response.event.cancelled
    assert _closings(played) == ["g:1"]


@every_ending
def test_a_workflow_is_awaited(ending: list[Step]) -> None:
    played = play(s.create(), s.submit(0, "run", [s.sleep(s.after_ms(500))], interface=STEPPER), *ending)

    child = played.child("g:1")
    assert set(played.world.result_of(child)) == {"ok"}
    assert not any(isinstance(event, CancellationRequested) for event in played.world.events_of(child))
    assert _closings(played) == ["g:1"]


@every_ending
def test_a_cancellable_workflow_is_cancelled_with_all_below_it(ending: list[Step]) -> None:
    below = [
        s.create(),
        s.submit(0, "approve", "q", interface=HUMAN),
        s.submit_delay(0, LONG),
        s.submit(0, "run-cancellable", [s.sleep(LONG)], interface=STEPPER),
        s.join_next(0),
    ]
    # The sleep lets the child come to its own wait.
    played = play(s.create(), s.submit(0, "run-cancellable", below, interface=STEPPER), s.sleep(s.after_ms(5)), *ending)

    child = played.child("g:1")
    family = [child, ExecutionId(f"{child}.g:1_1"), ExecutionId(f"{child}.g:1_2")]
    assert [_was_cancelled(played, member) for member in family] == [True] * 3
    assert len(played.world.responses_of(child)) == 3
    assert _closings(played) == ["g:1"]


def test_a_cancelled_workflow_awaits_its_children_that_cannot_be_cancelled() -> None:
    below = [s.create(), s.submit(0, "run", [s.sleep(s.after_ms(5000))], interface=STEPPER), s.join_next(0)]
    played = play(
        s.create(), s.submit(0, "run-cancellable", below, interface=STEPPER), s.sleep(s.after_ms(5)), s.close(0)
    )

    child = played.child("g:1")
    assert _was_cancelled(played, child)
    assert set(played.world.result_of(ExecutionId(f"{child}.g:1_1"))) == {"ok"}


def test_responses_that_were_not_consumed_are_consumed_by_the_closing() -> None:
    played = play(s.create(), *[s.submit(0, "add", 1, 2)] * 3, s.join_next(0), s.sleep(s.after_ms(5)), s.close(0))

    assert _closings(played) == ["g:1", "g:1"]
    assert all(played.world.result_of(child) == {"ok": 3} for child in played.world.children_of(played.target))


def test_an_empty_join_set_is_closed_without_an_event() -> None:
    played = play(s.create(), s.submit(0, "add", "x"), s.close(0), s.create(), s.drop(1), s.create())

    assert _closings(played) == []
    assert [event.join_set_id for event in played.history if isinstance(event, JoinSetCreated)] == ["g:1", "g:2", "g:3"]


def test_what_is_open_at_the_end_is_closed_newest_first() -> None:
    played = play(
        *[s.create() for _ in range(3)],
        *[s.submit_delay(index, LONG) for index in (1, 0, 2)],
        s.submit(1, "approve", "q", interface=HUMAN),
    )

    assert _closings(played) == ["g:3", "g:2", "g:2", "g:1"]


def test_members_are_cancelled_newest_first() -> None:
    played = play(
        s.create(),
        s.submit(0, "approve", "1", interface=HUMAN),
        s.submit_delay(0, LONG),
        s.submit(0, "approve", "2", interface=HUMAN),
        s.close(0),
    )

    order = [
        event.child_execution_id if isinstance(event, ChildFinished) else event.delay_id
        for event in (response.event for response in played.world.responses_of(played.target))
    ]
    ulid = played.target[2:]
    assert order == [played.child("g:1", 2), f"Delay_{ulid}.g:1_1", played.child("g:1", 1)]


def test_the_end_of_a_workflow_comes_after_the_end_of_all_below_it() -> None:
    played = play(
        s.create(),
        s.submit(0, "run", [s.create(), s.submit_delay(0, s.after_ms(70))], interface=STEPPER),
        s.submit(0, "nested", 2, 1, interface=STEPPER),
    )

    ended = {member: played.world.log_of(member)[-1].created_at for member in played.world.family_of(played.target)}
    assert all(instant <= ended[played.target] for instant in ended.values())


def test_the_result_is_not_changed_by_what_the_closing_waits_for() -> None:
    leftovers = [s.create(), s.submit(0, "panic"), s.submit(0, "fail-unit")]

    assert play(*leftovers, s.fail("gave up")).result == {"err": "gave up"}
    assert play(*leftovers, s.panic()).result["execution_failed"]["kind"] == "uncategorized"
    assert set(play(*leftovers, s.return_early(), s.panic()).result) == {"ok"}
