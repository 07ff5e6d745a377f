from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from components.models import Deployment, DeploymentStatus
from engine.errors import ExecutionExists, ExecutionNotFound
from engine.journal.memory import MemoryJournal
from engine.log.events import Created
from engine.log.ids import ExecutionId, parse_top_level_id
from engine.log.return_values import JsonText
from engine.log.state import Status
from executions.journal.journal import SqlJournal
from executions.models import Event, Execution
from executions.operations.submitting import (
    Call,
    CallRefused,
    find_function,
    submit,
    submit_all,
)
from tests.builders import make_append, make_execution_id, make_finished
from tests.engine.journal.commits import assert_state_is_folded, commit
from tests.executions.deployments import ADD, APPROVE, declared, deploy_declared

pytestmark = pytest.mark.django_db

MINE = make_execution_id(7)


@pytest.fixture(autouse=True)
def deployment_id(tmp_path: Path) -> str:
    return deploy_declared(tmp_path, declared("test:other/api.remove"))


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def created_of(execution_id: ExecutionId) -> Created:
    event = SqlJournal.for_current_connection().load_log(execution_id)[0].event
    assert isinstance(event, Created)
    return event


# --- Names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [ADD, ".../api.add"])
def test_a_function_is_found_by_its_name_in_full_or_abbreviated(name: str) -> None:
    assert str(find_function(name).name) == ADD


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("test:nobody/api.add", f"no function test:nobody/api.add is deployed; did you mean {ADD}?"),
        ("test:nobody/api.subtract", "no function test:nobody/api.subtract is deployed"),
        (".../api.subtract", "no deployed function ends in /api.subtract"),
        (".../add", "no deployed function ends in /add"),
    ],
)
def test_a_name_that_no_function_has_is_refused_with_the_nearest(name: str, sentence: str) -> None:
    with pytest.raises(CallRefused) as caught:
        find_function(name)

    assert str(caught.value) == sentence


@pytest.mark.parametrize("name", ["", "add", "test:adder", "test:adder/api", "Test:adder/api.add"])
def test_what_is_no_function_name_is_said_to_be_none(name: str) -> None:
    with pytest.raises(CallRefused, match="is not a function name: "):
        find_function(name)


def test_an_abbreviation_that_fits_two_functions_names_both(tmp_path: Path) -> None:
    deploy_declared(tmp_path, declared("test:other/api.add"))

    with pytest.raises(CallRefused) as caught:
        find_function(".../api.add")

    assert str(caught.value) == f".../api.add may be {ADD} or test:other/api.add; name it in full"


# --- Submitting -------------------------------------------------------------------------------------------------------


def test_a_submitted_call_is_an_execution_that_is_due(deployment_id: str, journal: SqlJournal) -> None:
    submitted = submit(".../api.add", [1, ["x"]])

    state = journal.state_of(submitted.execution_id)
    assert (submitted.ffqn, submitted.is_new) == (ADD, True)
    assert parse_top_level_id(submitted.execution_id)
    assert (state.status, state.ffqn, state.deployment_id) == (Status.PENDING_AT, ADD, deployment_id)
    assert state.due_at == state.created_at
    assert created_of(submitted.execution_id).params == JsonText('[1,["x"]]')
    assert_state_is_folded(journal, submitted.execution_id)


def test_parameters_that_are_too_long_are_refused_before_anything_is_stored(settings: Settings) -> None:
    settings.OBELISK_PARAMS_BYTES = 20

    with pytest.raises(CallRefused) as caught:
        submit(ADD, [1, ["x" * 20]])

    assert str(caught.value) == f"{ADD}: the parameters take 28 bytes as JSON, more than limits.params_bytes = 20"
    assert not Execution.objects.exists()


def test_every_call_gets_an_id_of_its_own() -> None:
    assert len({submit(ADD, [1, []]).execution_id for _ in range(3)}) == 3


def test_calls_are_submitted_in_order() -> None:
    submitted = submit_all([Call(ADD, [number, []]) for number in range(3)])

    assert [created_of(each.execution_id).params for each in submitted] == ["[0,[]]", "[1,[]]", "[2,[]]"]


def test_no_calls_are_no_executions() -> None:
    assert submit_all([]) == []


def test_a_journal_can_be_handed_in() -> None:
    memory = MemoryJournal()

    submitted = submit(ADD, [1, []], journal=memory)

    assert memory.state_of(submitted.execution_id).ffqn == ADD
    assert not Execution.objects.exists()


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"a": 1}, "the parameters must be a JSON array, such as [a, names]"),
        ("[1, []]", "the parameters must be a JSON array, such as [a, names]"),
        (None, "the parameters must be a JSON array, such as [a, names]"),
        ([1], "parameter cardinality mismatch, expected: 2, specified: 1"),
        ([1, [], 2], "parameter cardinality mismatch, expected: 2, specified: 3"),
        ([256, []], "cannot parse 1-th parameter - params[0]: expected u8, got 256"),
        ([-1, []], "cannot parse 1-th parameter - params[0]: expected u8, got -1"),
        (["1", []], 'cannot parse 1-th parameter - params[0]: expected u8, got "1"'),
        ([1.5, []], "cannot parse 1-th parameter - params[0]: expected u8, got 1.5"),
        ([True, []], "cannot parse 1-th parameter - params[0]: expected u8, got true"),
        ([1, ["x", 2]], "cannot parse 2-th parameter - params[1][1]: expected string, got 2"),
        ([1, {}], "cannot parse 2-th parameter - params[1]: expected an array (string each), got an object"),
        ([1, None], "cannot parse 2-th parameter - params[1]: expected an array (string each), got null"),
    ],
)
def test_wrong_parameters_are_refused_with_their_place(params: Any, sentence: str) -> None:
    with pytest.raises(CallRefused) as caught:
        submit(ADD, params)

    assert str(caught.value) == f"{ADD}: {sentence}"
    assert not Execution.objects.exists()


def test_a_schedule_companion_starts_its_function_later() -> None:
    submitted = submit("test:adder-obelisk-schedule/api.add-schedule", [{"in": {"seconds": 60}}, 1, []])

    created = created_of(submitted.execution_id)
    assert (created.ffqn, created.params) == (ADD, "[1,[]]")
    assert created.scheduled_at - Execution.objects.get(pk=submitted.execution_id).created_at == timedelta(seconds=60)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ([], "the first parameter must be the time"),
        (["soon", 1, []], r"params\[0\]"),
        (["now", 1], "expected: 2, specified: 1"),
        ([{"in": {"seconds": 2**64 - 1}}, 1, []], "out of range"),
    ],
)
def test_a_wrong_schedule_is_refused(params: list[Any], sentence: str) -> None:
    with pytest.raises(CallRefused, match=sentence):
        submit("test:adder-obelisk-schedule/api.add-schedule", params)

    assert not Execution.objects.exists()


def test_a_stub_cannot_be_submitted() -> None:
    with pytest.raises(CallRefused) as caught:
        submit(APPROVE, [])

    assert str(caught.value) == f"{APPROVE} is a stub: only a workflow that waits for it can start it"


def test_nothing_can_be_submitted_before_a_deployment() -> None:
    Deployment.objects.update(status=DeploymentStatus.INACTIVE)

    with pytest.raises(CallRefused, match=f"no function {ADD} is deployed"):
        submit(ADD, [1, []])


def test_one_wrong_call_keeps_all_from_being_started() -> None:
    with pytest.raises(CallRefused):
        submit_all([Call(ADD, [1, []]), Call(ADD, [])])

    assert not Execution.objects.exists()


# --- Ids that callers choose ------------------------------------------------------------------------------------------


def test_the_same_call_under_the_same_id_is_one_execution() -> None:
    first = submit(ADD, [1, []], execution_id=MINE)
    # Written differently, the same value.
    second = submit(".../api.add", (1, []), execution_id=MINE)

    assert first.execution_id == second.execution_id == MINE
    assert (first.is_new, second.is_new) == (True, False)
    assert Event.objects.count() == 1


def test_the_same_call_twice_in_one_transaction_is_one_execution() -> None:
    submitted = submit_all([Call(ADD, [1, []], MINE), Call(ADD, [1, []], MINE)])

    assert [each.is_new for each in submitted] == [True, False]


def test_a_call_may_be_submitted_again_when_it_has_finished(journal: SqlJournal) -> None:
    submit(ADD, [1, []], execution_id=MINE)
    commit(journal, make_append(MINE, make_finished(), expected=1))

    assert not submit(ADD, [1, []], execution_id=MINE).is_new


@pytest.mark.parametrize(("name", "params"), [(ADD, [2, []]), ("test:other/api.remove", [])])
def test_an_id_that_another_call_has_is_refused(name: str, params: Any) -> None:
    submit(ADD, [1, []], execution_id=MINE)

    with pytest.raises(ExecutionExists) as caught:
        submit(name, params, execution_id=MINE)

    assert caught.value.execution_id == MINE
    assert created_of(MINE).params == "[1,[]]"
    assert Event.objects.count() == 1


def test_the_others_are_started_although_one_id_is_taken() -> None:
    submit(ADD, [1, []], execution_id=MINE)

    with pytest.raises(ExecutionExists):
        submit_all([Call(ADD, [2, []], MINE), Call(ADD, [3, []], make_execution_id(8))])

    assert created_of(make_execution_id(8)).params == "[3,[]]"


@pytest.mark.parametrize(
    "text",
    ["", "E_", "7", "E_123", f"{MINE}0", MINE.lower(), f"{MINE}.n:work_1", f" {MINE}", f"{MINE}\n"],
)
def test_an_id_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CallRefused) as caught:
        submit(ADD, [1, []], execution_id=text)

    assert repr(text) in str(caught.value) or repr(text.removeprefix("E_")) in str(caught.value)
    assert not Execution.objects.exists()


# --- Transactions -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_is_submitted_in_a_transaction_that_rolls_back_never_was() -> None:
    with transaction.atomic():
        submit(ADD, [1, []], execution_id=MINE)
        transaction.set_rollback(True)

    assert not Execution.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_submitted_in_a_transaction_appears_when_it_commits() -> None:
    others = SqlJournal.dedicated()
    try:
        with transaction.atomic():
            submit(ADD, [1, []], execution_id=MINE)
            with pytest.raises(ExecutionNotFound):
                others.state_of(MINE)

        assert others.state_of(MINE).ffqn == ADD
    finally:
        others.close()


@pytest.mark.django_db(transaction=True)
def test_a_refused_call_leaves_the_transaction_around_it_alone() -> None:
    submit(ADD, [1, []], execution_id=MINE)

    with transaction.atomic():
        submit(ADD, [2, []], execution_id=make_execution_id(8))
        with pytest.raises(ExecutionExists):
            submit(ADD, [3, []], execution_id=MINE)
        submit(ADD, [4, []], execution_id=make_execution_id(9))

    assert Execution.objects.count() == 3
