from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from engine.errors import ExecutionNotFound
from engine.log.ids import ExecutionId
from engine.log.retval_json import retval_to_api
from engine.log.state import Status
from executions.journal.journal import SqlJournal
from executions.models import Execution
from executions.operations.answering import AlreadyAnswered, AnswerRefused, answer
from executions.operations.cancelling import Cancelling, cancel
from executions.operations.submitting import submit
from executions.results import result_of
from tests.builders import make_execution_id
from tests.engine.journal.commits import assert_state_is_folded
from tests.executions.deployments import ADD, PING, deploy_declared, deploy_runnable

pytestmark = pytest.mark.django_db


@pytest.fixture
def external(tmp_path: Path) -> ExecutionId:
    """A call of an external activity, which returns ``result<u32>``."""
    deploy_declared(tmp_path)
    return submit(ADD, [1, []]).execution_id


def result(execution_id: ExecutionId) -> Any:
    retval = result_of(SqlJournal.for_current_connection(), execution_id)
    return None if retval is None else retval_to_api(retval)


def test_an_external_activity_is_answered(external: ExecutionId) -> None:
    assert answer(external, {"ok": 7})

    assert result(external) == {"ok": 7}
    assert_state_is_folded(SqlJournal.for_current_connection(), external)


def test_the_same_answer_again_changes_nothing(external: ExecutionId) -> None:
    answer(external, {"err": None})

    assert not answer(external, {"err": None})
    assert result(external) == {"err": None}


def test_another_answer_is_refused_with_the_first(external: ExecutionId) -> None:
    answer(external, {"ok": 7})

    with pytest.raises(AlreadyAnswered) as caught:
        answer(external, {"ok": 8})

    assert str(caught.value) == f'{external} has ended already, with {{"ok":7}}'


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"ok": -1}, "result.ok: expected u32, got -1"),
        ({"ok": "7"}, "result.ok: expected u32"),
        (7, "result: expected"),
        (None, "result: expected"),
        ({}, "result: expected"),
    ],
)
def test_an_answer_is_of_the_functions_type(external: ExecutionId, given: object, problem: str) -> None:
    with pytest.raises(AnswerRefused) as caught:
        answer(external, given)

    assert str(caught.value).startswith(f"{ADD} returns result<u32>: {problem}")
    assert result(external) is None


def test_an_answer_has_a_limit(external: ExecutionId, settings: Settings) -> None:
    settings.OBELISK_RESULT_BYTES = 3

    with pytest.raises(AnswerRefused, match=r"more than limits\.result_bytes = 3"):
        answer(external, {"ok": 70_000})


def test_an_answer_belongs_to_the_transaction(external: ExecutionId) -> None:
    with transaction.atomic():
        answer(external, {"ok": 7})
        transaction.set_rollback(True)

    assert Execution.objects.get(pk=external).status == Status.PENDING_AT.value


def test_nobody_answers_for_an_executor(tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    running = submit(PING, []).execution_id

    with pytest.raises(AnswerRefused, match="which executors run"):
        answer(running, {"ok": None})


def test_what_is_not_deployed_any_more_is_not_answered(external: ExecutionId, tmp_path: Path) -> None:
    deploy_runnable(tmp_path)

    with pytest.raises(AnswerRefused, match="is not deployed any more; deploy it to answer"):
        answer(external, {"ok": 7})


def test_nobody_is_not_answered(external: ExecutionId) -> None:
    with pytest.raises(ExecutionNotFound):
        answer(make_execution_id(404), {"ok": 7})


def test_an_answer_that_comes_before_the_end_of_a_cancellation_counts(external: ExecutionId) -> None:
    assert cancel(external) is Cancelling.REQUESTED

    assert answer(external, {"ok": 7})

    assert result(external) == {"ok": 7}
