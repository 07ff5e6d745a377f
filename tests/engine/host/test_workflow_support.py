"""Every function of `obelisk:workflow/workflow-support`, called by a real component; `play` replays each history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from engine.log.events import (
    ChildRequested,
    Created,
    DelayRequested,
    FunctionNotFound,
    GeneratedExecutionId,
    JoinNext,
    JoinNextTooMany,
    JoinNextTry,
    JoinSetCreated,
    Persist,
    RandomString,
    RandomU64,
    Scheduled,
    Stubbed,
    StubConflict,
    StubNotFound,
    TryOutcome,
    TypeCheckError,
)
from engine.log.ids import ExecutionId, JoinSetId, parse_top_level_id, top_level_of, ulid_timestamp_ms
from engine.log.return_values import Failed, FailureKind, JsonText
from engine.log.schedules import At, In, Now
from engine.simulation.recordings import record
from engine.simulation.timeless import normalised
from tests.harness import steps as s
from tests.harness.components import ADD, APPROVE, NESTED, PROBE, STEPPER, approve, deploy, probe, stepper
from tests.harness.plays import Play, play
from tests.harness.replay import replay
from tests.harness.steps import Step

HUMAN = "test:stubs/human"
START = datetime(2026, 1, 1, tzinfo=UTC)
START_S = int(START.timestamp())
UNKNOWN_CHILD = "E_01J00000000000000000009999.n:x_1"


def _failure(*steps: Step) -> Failed:
    """Run steps that are fatal to the workflow, and return how it ends."""
    played = play(*steps)
    retval = played.world.retval_of(played.target)
    assert isinstance(retval, Failed), retval
    return retval


# Ids of the workflow itself.


def test_execution_id_current_is_the_workflows_own_id_and_leaves_no_event() -> None:
    played = play(s.current_id())

    assert played.outcomes == [played.target]
    assert played.history == []


def test_execution_id_generate_gives_a_fresh_recorded_id_with_the_workflows_time() -> None:
    played = play(s.generate_id(), s.generate_id())

    first, second = played.outcomes
    assert first != second
    assert [type(event) for event in played.history] == [Persist, Persist]
    assert all(isinstance(event, Persist) and event.kind == GeneratedExecutionId() for event in played.history)
    assert ulid_timestamp_ms(parse_top_level_id(first)[2:]) == ulid_timestamp_ms(played.target[2:])


def test_a_childs_generated_id_has_the_time_of_its_top_level_execution() -> None:
    played = play(s.call("run", [s.generate_id()], interface=STEPPER))

    (generated,) = played.world.result_of(played.child("o:1-run"))["ok"]
    assert ulid_timestamp_ms(generated[2:]) == ulid_timestamp_ms(top_level_of(played.target)[2:])


# Random values.


@pytest.mark.parametrize(
    ("step", "kind", "low", "high"),
    [
        (s.random_u64(5, 6), RandomU64(5, 5), 5, 5),
        (s.random_u64_inclusive(5, 5), RandomU64(5, 5), 5, 5),
        (s.random_u64(0, 10), RandomU64(0, 9), 0, 9),
        (s.random_u64_inclusive(0, 2**64 - 1), RandomU64(0, 2**64 - 1), 0, 2**64 - 1),
        (s.random_u64(2**64 - 2, 2**64 - 1), RandomU64(2**64 - 2, 2**64 - 2), 2**64 - 2, 2**64 - 2),
    ],
)
def test_random_numbers_are_recorded_with_their_range(step: Step, kind: RandomU64, low: int, high: int) -> None:
    played = play(step)

    (outcome,) = played.outcomes
    assert low <= int(outcome) <= high
    assert played.history == [Persist(value=int(outcome).to_bytes(8, "big"), kind=kind)]


def test_both_bounds_of_an_inclusive_range_occur() -> None:
    played = play(*[s.random_u64_inclusive(0, 1)] * 30)

    assert set(played.outcomes) == {"0", "1"}


@pytest.mark.parametrize("step", [s.random_u64(5, 5), s.random_u64(0, 0), s.random_u64_inclusive(6, 5)])
def test_an_empty_range_is_fatal(step: Step) -> None:
    failed = _failure(step)

    assert failed.kind is FailureKind.UNCATEGORIZED
    assert failed.reason is not None
    assert "is empty" in failed.reason


def test_random_strings_are_recorded_with_their_lengths() -> None:
    played = play(s.random_string(3, 6), s.random_string(0, 1))

    text, empty = played.outcomes
    assert 3 <= len(text) <= 5
    assert text.isascii()
    assert text.isalnum()
    assert empty == ""
    assert played.history == [
        Persist(value=text.encode(), kind=RandomString(3, 6)),
        Persist(value=b"", kind=RandomString(0, 1)),
    ]


def test_an_empty_range_of_lengths_is_fatal() -> None:
    assert "is empty" in str(_failure(s.random_string(4, 4)).reason)


# Join sets.


def test_join_sets_without_a_name_are_numbered() -> None:
    played = play(s.create(), s.create(), s.join_set_id(0), s.join_set_id(1))

    assert played.outcomes == ["created 0", "created 1", "g:1", "g:2"]
    assert played.history == [
        JoinSetCreated(join_set_id=JoinSetId("g:1")),
        JoinSetCreated(join_set_id=JoinSetId("g:2")),
    ]


@pytest.mark.parametrize("name", ["workers", "", "a-b/C9", "1"])
def test_a_join_set_keeps_its_name(name: str) -> None:
    played = play(s.create(), s.create(name), s.join_set_id(1))

    assert played.outcomes[-1] == f"n:{name}"


def test_a_name_can_be_used_once_even_if_its_join_set_was_closed() -> None:
    played = play(s.create("x"), s.create("x"), s.close(0), s.create("x"))

    assert played.outcomes == ["created 0", "error conflict", "closed", "error conflict"]
    assert played.history == [JoinSetCreated(join_set_id=JoinSetId("n:x"))]


@pytest.mark.parametrize("name", ["a_b", "a.b", "a:b", "ä", "a b"])
def test_a_name_with_other_characters_is_refused_without_an_event(name: str) -> None:
    played = play(s.create(name))

    (outcome,) = played.outcomes
    assert outcome.startswith("error invalid-name: ")
    assert played.history == []


def test_an_invalid_name_leaves_the_name_of_a_later_join_set_free() -> None:
    assert play(s.create("a_b"), s.create("ab")).outcomes[-1] == "created 0"


# Submitting children, and what they respond.


def test_a_submitted_child_is_recorded_created_and_answered() -> None:
    played = play(s.create(), s.submit(0, "add", 1, 2), s.join_next(0), s.join_set_last_id(0))

    child = played.child("g:1")
    assert played.outcomes == ["created 0", child, "ok 3", f"execution-id {child}"]
    assert normalised(played.history)[1:] == normalised(
        [
            ChildRequested(
                join_set_id=JoinSetId("g:1"),
                child_execution_id=child,
                target_ffqn=ADD,
                params=JsonText("[1,2]"),
            ),
            JoinNext(join_set_id=JoinSetId("g:1"), run_expires_at=START),
        ]
    )
    created = played.world.events_of(child)[0]
    assert isinstance(created, Created)
    assert created.parent == (played.target, "g:1")
    assert created.params == "[1,2]"
    assert created.component_id.name == "probe"


def test_children_and_delays_are_numbered_each_on_their_own_and_refused_ones_count() -> None:
    played = play(
        s.create(),
        s.submit(0, "add", "x"),
        s.submit(0, "add", 1, 2),
        s.submit_delay(0, s.NOW),
        s.submit(0, "add", 3, 4),
        s.submit_delay(0, s.NOW),
    )

    _, refused, second, delay, third, other_delay = played.outcomes
    assert refused.startswith("error type-check-error: ")
    assert (second, third) == (played.child("g:1", 2), played.child("g:1", 3))
    ulid = played.target[2:]
    assert (delay, other_delay) == (f"Delay_{ulid}.g:1_1", f"Delay_{ulid}.g:1_2")


@pytest.mark.parametrize(
    ("step", "outcome", "error"),
    [
        (s.submit(0, "nope"), "error function-not-found", FunctionNotFound()),
        (s.submit(0, "add", 1, interface="test:other/api"), "error function-not-found", FunctionNotFound()),
        (
            s.submit(0, "add", 1),
            "error type-check-error: parameter cardinality mismatch, expected: 2, specified: 1",
            TypeCheckError("parameter cardinality mismatch, expected: 2, specified: 1"),
        ),
    ],
)
def test_a_request_that_cannot_be_met_is_recorded_without_its_parameters(
    step: Step, outcome: str, error: FunctionNotFound | TypeCheckError
) -> None:
    played = play(s.create(), step, s.join_next(0), s.join_next_try(0))

    assert played.outcomes[1:] == [outcome, "error all-processed", "error all-processed"]
    request = played.history[1]
    assert isinstance(request, ChildRequested)
    assert (request.error, request.params) == (error, "[]")
    assert not played.world.exists(request.child_execution_id)


@pytest.mark.parametrize(
    ("step", "case"),
    [
        (s.submit_raw(0, "no interface", "add", "[]"), "ffqn-parsing-error"),
        (s.submit_raw(0, PROBE, "a.b", "[]"), "ffqn-parsing-error"),
        (s.submit_raw(0, PROBE, "add", "[1,"), "type-check-error"),
        (s.submit_raw(0, PROBE, "add", "{}"), "type-check-error"),
        (s.submit_raw(0, PROBE, "add", ""), "type-check-error"),
    ],
)
def test_a_malformed_request_is_refused_without_an_event(step: Step, case: str) -> None:
    played = play(s.create(), step)

    assert played.outcomes[1].startswith(f"error {case}: ")
    assert played.history == [JoinSetCreated(join_set_id=JoinSetId("g:1"))]


def test_parameters_are_recorded_in_their_canonical_form() -> None:
    played = play(
        s.create(),
        s.submit_raw(0, PROBE, "echo-record", '[ {"age": 5.0, "first-name": "Ada", "nick-name": null} ]'),
        s.join_next(0),
    )

    request = played.history[1]
    assert isinstance(request, ChildRequested)
    assert request.params == '[{"first_name":"Ada","age":5,"nick_name":null}]'
    assert played.outcomes[2] == 'ok {"first_name":"Ada","age":5,"nick_name":null}'


@pytest.mark.parametrize(
    ("function", "params", "outcome"),
    [
        ("add", [1, 2], "ok 3"),
        ("add", [2**32 - 1, 1], "err"),
        ("nothing", [], "ok"),
        ("fail-string", ["no"], 'err "no"'),
        ("fail-variant", [True], 'err {"permanent_refusal":"never"}'),
        ("echo-nested-option", [{"some": None}], 'ok {"some":null}'),
        ("echo-f64", ["NaN"], 'ok "NaN"'),
        ("panic", [], "err"),
    ],
)
def test_a_response_is_the_json_of_what_the_case_carries(function: str, params: list[Any], outcome: str) -> None:
    played = play(s.create(), s.submit(0, function, *params), s.join_next(0))

    assert played.outcomes[2] == outcome


def test_a_platform_failure_is_projected_into_the_childs_error_type() -> None:
    registry = deploy(probe(max_retries=0), stepper(), approve())
    played = play(
        s.create(),
        s.submit(0, "run", [s.panic()], interface=STEPPER),
        s.join_next(0),
        s.failure_kind(s.of_step(1)),
        s.call("panic"),
        s.last_direct_call_id(),
        s.failure_kind(s.of_step(5)),
        registry=registry,
    )

    assert played.outcomes[2:4] == ['err "execution_failed"', "uncategorized"]
    assert played.outcomes[4:] == ["err", played.child("o:1-panic"), "uncategorized"]


def test_awaiting_beyond_the_submissions_is_answered_at_once() -> None:
    played = play(s.create(), s.join_next(0), s.submit(0, "add", 1, 2), s.join_next(0), s.join_next(0))

    assert played.outcomes == ["created 0", "error all-processed", played.child("g:1"), "ok 3", "error all-processed"]
    assert [event for event in played.history if isinstance(event, JoinNextTooMany)] == [
        JoinNextTooMany(join_set_id=JoinSetId("g:1"))
    ] * 2


def test_a_response_taken_by_a_try_counts_as_processed() -> None:
    played = play(
        s.create(),
        s.submit_delay(0, s.NOW),
        s.join_next_try(0),
        s.join_next(0),
        s.join_next_try(0),
    )

    assert played.outcomes[2:] == ["ok", "error all-processed", "error all-processed"]
    assert [event.outcome for event in played.history if isinstance(event, JoinNextTry)] == [
        TryOutcome.FOUND,
        TryOutcome.ALL_PROCESSED,
    ]


def test_a_try_before_the_response_is_pending() -> None:
    played = play(s.create(), s.submit_delay(0, s.after_ms(20)), s.join_next_try(0), s.join_next(0))

    assert played.outcomes[2:] == ["error pending", "ok"]


def test_a_poll_loop_gives_others_a_turn_and_ends() -> None:
    played = play(s.create(), s.submit(0, "approve", "q", interface=HUMAN), *[s.join_next_try(0)] * 250)

    assert set(played.outcomes[2:]) == {"error pending"}
    assert played.world.executors[0].connection.transactions < 20


def test_responses_are_delivered_in_the_order_of_their_arrival() -> None:
    played = play(
        s.create(),
        s.submit_delay(0, s.after_ms(30)),
        s.submit_delay(0, s.after_ms(10)),
        s.submit_delay(0, s.after_ms(20)),
        *[s.join_next(0), s.join_set_last_id(0)] * 3,
    )

    ulid = played.target[2:]
    assert played.outcomes[5::2] == [f"delay-id Delay_{ulid}.g:1_{index}" for index in (2, 3, 1)]


# Processed responses.


def test_only_processed_responses_can_be_read_again() -> None:
    played = play(
        s.create(),
        s.submit(0, "add", 1, 2),
        s.get_result(s.of_step(1)),
        s.failure_kind(s.of_step(1)),
        s.join_next(0),
        s.get_result(s.of_step(1)),
        s.failure_kind(s.of_step(1)),
    )

    not_found = "error not-found-in-processed-responses"
    assert played.outcomes[2:] == [not_found, not_found, "ok 3", "ok 3", "none"]


@pytest.mark.parametrize("text", ["", "E_1", "E_01J00000000000000000000001", "E_01J00000000000000000000001.x_1"])
def test_what_is_not_a_childs_id_has_no_result(text: str) -> None:
    played = play(s.get_result(s.of_text(text)), s.failure_kind(s.of_text(text)))

    assert all(outcome.startswith("error execution-id-parsing-error: ") for outcome in played.outcomes)
    assert played.history == []


def test_the_response_of_a_direct_call_can_be_read_again() -> None:
    played = play(s.call("add", 1, 2), s.last_direct_call_id(), s.get_result(s.of_step(1)))

    assert played.outcomes == ["ok 3", played.child("o:1-add"), "ok 3"]


# Delays and sleep.


@pytest.mark.parametrize(
    ("timeout", "schedule", "expires_at"),
    [
        (s.NOW, Now(), START),
        (s.after_ms(20), In(timedelta(milliseconds=20)), START + timedelta(milliseconds=20)),
        ({"in": {"days": 2}}, In(timedelta(days=2)), START + timedelta(days=2)),
        ({"in": {"hours": 2}}, In(timedelta(hours=2)), START + timedelta(hours=2)),
        ({"in": {"minutes": 2}}, In(timedelta(minutes=2)), START + timedelta(minutes=2)),
        (s.at_s(START_S + 5), At(START + timedelta(seconds=5)), START + timedelta(seconds=5)),
        (s.at_s(5), At(datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)), datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)),
    ],
)
def test_a_delay_is_recorded_with_its_intention_and_fires(
    timeout: Any, schedule: Now | In | At, expires_at: datetime
) -> None:
    played = play(s.create(), s.submit_delay(0, timeout), s.join_next(0))

    request = played.history[1]
    assert isinstance(request, DelayRequested)
    assert (request.schedule_at, request.expires_at) == (schedule, expires_at)
    assert played.outcomes[2] == "ok"
    assert played.world.clock.now() >= expires_at


def test_sleep_returns_the_instant_as_first_computed() -> None:
    played = play(s.sleep(s.after_ms(1500)), s.sleep(s.NOW, "nap"), s.last_oneoff_id(), s.last_direct_call_id())

    woken = START_S + 1.5
    assert played.outcomes[:2] == [f"ok {woken:.9f}"] * 2
    assert played.outcomes[2:] == [f"delay-id Delay_{played.target[2:]}.o:2-nap_1", "none"]
    assert [event.join_set_id for event in played.history if isinstance(event, JoinSetCreated)] == [
        "o:1-sleep",
        "o:2-nap",
    ]


def test_a_sleep_of_an_instant_is_one_commit() -> None:
    played = play(*[s.sleep(s.NOW)] * 3)

    assert played.world.executors[0].connection.transactions == 2  # the lock, and all the rest


@pytest.mark.parametrize("step", [s.sleep(s.NOW, "not_valid"), s.sleep({"in": {"days": 2**32 - 1}})])
def test_a_sleep_that_makes_no_sense_is_fatal(step: Step) -> None:
    assert _failure(step).kind is FailureKind.UNCATEGORIZED


# Calls.


def test_a_direct_call_makes_a_join_set_of_its_own() -> None:
    played = play(s.call("add", 1, 2), s.call("nothing"), s.last_direct_call_id(), s.last_oneoff_id())

    second = played.child("o:2-nothing")
    assert played.outcomes == ["ok 3", "ok", second, f"execution-id {second}"]
    assert normalised(played.history)[:3] == normalised(
        [
            JoinSetCreated(join_set_id=JoinSetId("o:1-add")),
            ChildRequested(
                join_set_id=JoinSetId("o:1-add"),
                child_execution_id=played.child("o:1-add"),
                target_ffqn=ADD,
                params=JsonText("[1,2]"),
            ),
            JoinNext(join_set_id=JoinSetId("o:1-add"), run_expires_at=START, requested_ffqn=ADD),
        ]
    )


def test_a_call_that_cannot_be_met_is_recorded() -> None:
    played = play(s.call("nope"), s.call("add", "x", 1))

    assert played.outcomes[0] == "error function-not-found"
    assert played.outcomes[1].startswith("error type-check-error: ")
    assert [event.error is not None for event in played.history if isinstance(event, ChildRequested)] == [True, True]


def test_the_record_of_a_refused_call_outlives_a_deployment_that_has_the_function() -> None:
    without_probe = deploy(stepper())
    played = play(s.call("add", 1, 2), s.create(), s.submit(0, "add", 1, 2), s.join_next(0), registry=without_probe)

    # `play` replayed it with the same deployment; now with one that offers the function.
    retval = replay(record(played.world.journal, played.target), played.target, registry=deploy())

    assert retval == played.world.retval_of(played.target)
    assert played.outcomes[0] == "error function-not-found"


def test_a_workflow_can_call_itself() -> None:
    assert play(s.call("nested", 3, 42, interface=STEPPER)).outcomes == ["ok 42"]


# Scheduling others.


def _scheduled(played: Play) -> list[Scheduled]:
    return [event for event in played.history if isinstance(event, Scheduled)]


def test_a_scheduled_execution_is_at_top_level_and_nobody_waits_for_it() -> None:
    played = play(s.generate_id(), s.schedule(s.of_step(0), s.after_ms(50), "add", 1, 2))

    scheduled = ExecutionId(played.outcomes[0])
    assert played.outcomes[1] == "ok"
    assert _scheduled(played) == [
        Scheduled(
            execution_id=scheduled,
            schedule_at=In(timedelta(milliseconds=50)),
            target_ffqn=ADD,
            params_hash=sha256(b"[1,2]").hexdigest(),
        )
    ]
    created = played.world.events_of(scheduled)[0]
    assert isinstance(created, Created)
    assert (created.parent, created.scheduled_by) == (None, played.target)
    assert created.scheduled_at == START + timedelta(milliseconds=50)
    assert played.world.result_of(scheduled) == {"ok": 3}


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (s.schedule(s.of_step(0), s.NOW, "nope"), "error function-not-found"),
        (s.schedule(s.of_step(0), s.NOW, "add", 1), "error type-check-error: parameter cardinality mismatch"),
    ],
)
def test_a_schedule_that_cannot_be_met_is_recorded_and_leaves_the_id_free(step: Step, outcome: str) -> None:
    played = play(s.generate_id(), step, s.schedule(s.of_step(0), s.NOW, "add", 1, 2))

    assert played.outcomes[1].startswith(outcome)
    assert played.outcomes[2] == "ok"
    refused, granted = _scheduled(played)
    assert refused.error is not None
    assert granted.error is None


@pytest.mark.parametrize("text", ["", "E_1", UNKNOWN_CHILD])
def test_a_schedule_under_what_is_no_top_level_id_is_refused_without_an_event(text: str) -> None:
    played = play(s.schedule(s.of_text(text), s.NOW, "add", 1, 2))

    assert played.outcomes[0].startswith("error ffqn-parsing-error: ")
    assert played.history == []


def test_an_id_can_be_scheduled_once() -> None:
    twice = [s.schedule(s.of_step(0), s.NOW, "add", 1, 2)] * 2

    assert "exists" in str(_failure(s.generate_id(), *twice).reason)
    assert "exists" in str(_failure(s.generate_id(), twice[0], s.sleep(s.after_ms(5)), twice[1]).reason)


def test_an_execution_that_exists_cannot_be_scheduled() -> None:
    assert "exists" in str(_failure(s.current_id(), s.schedule(s.of_step(0), s.NOW, "add", 1, 2)).reason)


# Stubs.


def _ask(*more: Step) -> Play:
    return play(s.create(), s.submit(0, "approve", "may I?", interface=HUMAN), *more)


def _stubbed(played: Play) -> list[Stubbed]:
    return [event for event in played.history if isinstance(event, Stubbed)]


def test_a_stub_is_given_its_result_once_and_the_same_again_is_fine() -> None:
    played = _ask(
        s.stub(s.of_step(1), {"ok": True}),
        s.stub(s.of_step(1), {"ok": True}),
        s.stub(s.of_step(1), {"ok": False}),
        s.stub(s.of_step(1), {"err": "no"}),
        s.join_next(0),
    )

    assert played.outcomes[2:] == ["ok", "ok", "error conflict", "error conflict", "ok true"]
    assert [event.error for event in _stubbed(played)] == [None, None, StubConflict(), StubConflict()]
    hashes = [event.retval_hash for event in _stubbed(played)]
    assert all(len(text) == 66 and text.startswith("01") for text in hashes)
    assert len(set(hashes)) == 3
    assert hashes[0] == hashes[1]
    assert played.world.result_of(played.child("g:1")) == {"ok": True}


@pytest.mark.parametrize("result", ['{"ok": 3}', "{", '{"some": true}', "true", '{"err": 1}'])
def test_a_stub_result_of_another_type_is_refused_and_recorded(result: str) -> None:
    played = _ask(s.stub_raw(s.of_step(1), result), s.stub(s.of_step(1), {"err": "no"}), s.join_next(0))

    assert played.outcomes[2].startswith("error type-check-error: ")
    assert played.outcomes[3:] == ["ok", 'err "no"']
    assert isinstance(_stubbed(played)[0].error, TypeCheckError)


def test_an_execution_that_does_not_exist_cannot_be_stubbed() -> None:
    played = play(s.stub(s.of_text(UNKNOWN_CHILD), {"ok": True}))

    assert played.outcomes == ["error execution-not-found"]
    assert [event.error for event in _stubbed(played)] == [StubNotFound()]


@pytest.mark.parametrize("text", ["", "E_1", "E_01J00000000000000000000001"])
def test_what_is_not_a_childs_id_cannot_be_stubbed(text: str) -> None:
    played = play(s.stub(s.of_text(text), {"ok": True}))

    assert played.outcomes[0].startswith("error execution-id-parsing-error: ")
    assert played.history == []


def test_an_activity_that_brings_its_own_results_cannot_be_stubbed() -> None:
    played = play(s.create(), s.submit(0, "add", 1, 2), s.stub(s.of_step(1), {"ok": 4}), s.join_next(0))

    assert played.outcomes[2].startswith("error type-check-error: ")
    assert "not a stub" in played.outcomes[2]
    assert played.outcomes[3] == "ok 3"


def test_a_workflow_can_stub_what_another_one_waits_for() -> None:
    registry = deploy()
    asked = [s.create("q"), s.submit(0, "approve", "?", interface=HUMAN), s.join_next(0)]
    question = "E_01J00000000000000000000001.g:1_1.n:q_1"

    played = play(
        s.create(),
        s.submit(0, "run", asked, interface=STEPPER),
        s.sleep(s.after_ms(10)),
        s.stub(s.of_text(question), {"ok": True}),
        s.stub(s.of_text(question), {"ok": False}),
        s.stub(s.of_text(question), {"ok": 7}),
        s.join_next(0),
        registry=registry,
    )

    assert played.outcomes[3:5] == ["ok", "error conflict"]
    assert played.outcomes[5].startswith("error type-check-error: ")
    assert played.outcomes[6].endswith('"ok true"]')


# Logging is no event.


def test_log_lines_leave_no_event() -> None:
    played = play(s.log("info", "hello"), s.log("trace", "quiet"))

    assert played.outcomes == ["logged", "logged"]
    assert played.history == []
    lines = [(line.level, line.message) for line in played.world.memory.log_lines]
    assert lines[0] == ("info", "hello")
    assert ("trace", "quiet") not in lines  # below the component's level


# Misuse.


@pytest.mark.parametrize(
    "step",
    [s.submit(0, "add", 1, 2), s.join_next(0), s.join_next_try(0), s.submit_delay(0, s.NOW), s.join_set_id(0)],
)
def test_a_closed_join_set_cannot_be_used(step: Step) -> None:
    # The component gives up its handle when it closes, so it is the component that says so.
    played = play(s.create(), s.close(0), step)

    assert played.result == {"err": "no open join set 0"}


def test_every_function_of_the_tests_deployment_is_known() -> None:
    registry = deploy()

    assert all(registry.find(ffqn) is not None for ffqn in (ADD, APPROVE, NESTED))
