"""Typed imports: direct calls, and the generated submit, await-next, get, schedule and stub functions."""

from __future__ import annotations

import pytest

from engine.log.events import ChildRequested, JoinNext, JoinNextTooMany, JoinSetCreated, Persist, Scheduled, Stubbed
from engine.log.ids import ExecutionId, JoinSetId
from engine.log.return_values import Failed
from engine.log.schedules import Now
from engine.simulation.recordings import record
from tests.harness import steps as s
from tests.harness.components import ADD, ASK, ASK_AND_WAIT, deploy, probe, stepper
from tests.harness.plays import Play, play
from tests.harness.replay import replay
from tests.harness.simulation import Simulation
from tests.harness.steps import Step

OTHER = "test:probe/activity.nothing"


def _failure_reason(played: Play) -> str:
    retval = played.world.retval_of(played.target)
    assert isinstance(retval, Failed), retval
    return str(retval.reason)


def test_a_direct_call_returns_the_childs_value() -> None:
    played = play(s.typed_call(1, 2), s.typed_call(2**32 - 1, 1), s.last_direct_call_id())

    assert played.outcomes == ["ok 3", "err", played.child("o:2-add")]
    assert [type(event) for event in played.history[:3]] == [JoinSetCreated, ChildRequested, JoinNext]


def test_a_direct_call_and_one_by_name_leave_the_same_history() -> None:
    assert play(s.typed_call(1, 2)).history == play(s.call("add", 1, 2)).history


def test_a_platform_failure_looks_like_the_functions_own_error() -> None:
    # Nothing can run `add`: its parameters are fine, but the component's binary is gone.
    registry = deploy(probe(max_retries=0, wasm_digest="sha256:" + "0" * 64), stepper())

    played = play(s.typed_call(1, 2), s.last_direct_call_id(), s.failure_kind(s.of_step(1)), registry=registry)

    assert played.outcomes == ["err", played.child("o:1-add"), "uncategorized"]


def test_submit_and_await_next_exchange_typed_values() -> None:
    played = play(
        s.create(), s.typed_submit(0, 1, 2), s.typed_await_next(0), s.join_set_last_id(0), s.typed_await_next(0)
    )

    child = played.child("g:1")
    assert played.outcomes[1:] == [child, "ok 3", f"execution-id {child}", "error all-processed"]
    await_next, too_many = played.history[2:]
    assert isinstance(await_next, JoinNext)
    assert await_next.requested_ffqn == ADD
    assert too_many == JoinNextTooMany(join_set_id=JoinSetId("g:1"), requested_ffqn=ADD)


def test_what_was_submitted_by_name_can_be_awaited_typed_and_the_other_way_round() -> None:
    played = play(s.create(), s.submit(0, "add", 1, 2), s.typed_await_next(0), s.typed_submit(0, 3, 4), s.join_next(0))

    assert played.outcomes[2::2] == ["ok 3", "ok 7"]


def test_another_functions_response_is_consumed_and_can_be_fetched_by_name() -> None:
    played = play(
        s.create(),
        s.submit(0, "nothing"),
        s.typed_await_next(0),
        s.join_set_last_id(0),
        s.get_result(s.of_step(1)),
        s.typed_get(s.of_step(1)),
        s.typed_await_next(0),
    )

    child = played.child("g:1")
    mismatch = f"error function-mismatch: specified {ADD}, actual {OTHER}, execution-id {child}"
    assert played.outcomes[2:] == [mismatch, f"execution-id {child}", "ok", mismatch, "error all-processed"]


def test_a_delays_response_is_a_mismatch_without_a_function() -> None:
    played = play(s.create(), s.submit_delay(0, s.NOW), s.typed_await_next(0))

    delay = f"Delay_{played.target[2:]}.g:1_1"
    assert played.outcomes[2] == f"error function-mismatch: specified {ADD}, actual none, delay-id {delay}"


def test_get_finds_processed_responses_only() -> None:
    played = play(
        s.create(),
        s.typed_submit(0, 1, 2),
        s.typed_get(s.of_step(1)),
        s.typed_await_next(0),
        s.typed_get(s.of_step(1)),
        s.typed_get(s.of_step(1)),
    )

    assert played.outcomes[2:] == ["error not-found-in-processed-responses", "ok 3", "ok 3", "ok 3"]
    assert len(played.history) == 3  # getting leaves no event


@pytest.mark.parametrize("text", ["", "nonsense", "E_01J00000000000000000000001"])
def test_getting_what_is_not_a_childs_id_is_fatal(text: str) -> None:
    assert "ConstraintViolation" in _failure_reason(play(s.typed_get(s.of_text(text))))


def test_schedule_mints_an_id_and_starts_a_top_level_execution() -> None:
    played = play(s.typed_schedule(s.NOW, 1, 2), s.typed_schedule(s.NOW, 1, 2))

    first, second = played.outcomes
    assert first != second
    assert played.world.result_of(ExecutionId(first)) == {"ok": 3}
    assert [type(event) for event in played.history] == [Persist, Scheduled] * 2
    scheduled = played.history[1]
    assert isinstance(scheduled, Scheduled)
    assert (scheduled.execution_id, scheduled.schedule_at, scheduled.target_ffqn) == (first, Now(), ADD)


@pytest.mark.parametrize("at", [{"in": {"milliseconds": 2**64 - 1}}, {"at": {"seconds": 2**60, "nanoseconds": 0}}])
def test_a_schedule_out_of_range_is_fatal(at: Step) -> None:
    assert "out of range" in _failure_reason(play(s.typed_schedule(at, 1, 2)))


@pytest.mark.parametrize(
    "steps", [[s.typed_call(1, 2)], [s.create(), s.typed_submit(0, 1, 2)], [s.typed_schedule(s.NOW, 1, 2)]]
)
def test_a_typed_import_that_nobody_exports_is_fatal(steps: list[Step]) -> None:
    # Verification refuses such deployments; one that is forced through must not hang.
    played = play(*steps, registry=deploy(stepper()))

    assert f"function {ADD} is not deployed" in _failure_reason(played)


def _ask(ffqn: str) -> tuple[Simulation, ExecutionId]:
    world = Simulation()
    world.start_executor()
    return world, world.submit(ffqn, ["may I?"])


def test_a_workflow_answers_its_own_question_through_the_stub_function() -> None:
    world, target = _ask(ASK)

    world.run(target)

    assert world.result_of(target) == {"ok": True}
    assert [type(event) for event in world.history_of(target)] == [JoinSetCreated, ChildRequested, Stubbed, JoinNext]
    world.check(target)
    assert replay(record(world.journal, target), target) == world.retval_of(target)


def test_a_question_stays_open_until_somebody_answers() -> None:
    world, target = _ask(ASK_AND_WAIT)
    world.run_to_rest()
    assert not world.is_finished(target)

    (question,) = world.children_of(target)
    answering = world.submit_steps(s.stub(s.of_text(question), {"err": "no"}))
    world.run(answering)
    world.run(target)

    assert world.result_of(target) == {"err": "no"}
    world.check(target, answering)
