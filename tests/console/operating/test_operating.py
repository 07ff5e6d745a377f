"""Operations through the pages, with the real engine behind them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from console.operating.actions import ACTIONS
from engine.log.ids import ExecutionId
from executions.models import Execution, OperationRecord
from executions.operations.cancelling import cancel
from executions.operations.submitting import submit
from tests.executions.deployments import ADD, APPROVE, deploy_declared


@pytest.fixture
def target(db: None, tmp_path: Path) -> ExecutionId:
    deploy_declared(tmp_path)
    return submit(ADD, [1, []]).execution_id


def do(browser: Client, target: ExecutionId, key: str, seen: str = "Pending", **data: object) -> tuple[int, str]:
    response = browser.post(f"/admin/executions/{target}/do/{key}/", {"seen": seen, **data}, follow=True)
    return response.status_code, response.text


def test_who_did_what_and_why_is_on_the_page_at_once(operator: Client, target: ExecutionId) -> None:
    status, page = do(operator, target, "pause", reason="wait for <Ann>")

    assert status == 200
    assert "It is paused by user:operator" in page
    assert "wait for &lt;Ann&gt;" in page
    record = OperationRecord.objects.get()
    assert (record.operation, record.actor, record.reason) == ("pause", "user:operator", "wait for <Ann>")


def test_an_operation_that_is_not_possible_changes_nothing_and_says_why(operator: Client, target: ExecutionId) -> None:
    status, page = do(operator, target, "unpause")

    assert status == 422
    assert "it is not paused" in page
    assert not OperationRecord.objects.exists()


def test_what_was_confirmed_on_a_page_out_of_date_is_shown_again(operator: Client, target: ExecutionId) -> None:
    cancel(target)

    status, page = do(operator, target, "pause", seen="Pending")

    assert status == 409
    assert "Meanwhile it has changed: Pending, and now Cancelling." in page
    assert 'value="Cancelling"' in page, "the next confirmation is of what is shown now"


def test_cancelling_twice_has_one_clear_outcome_each(operator: Client, target: ExecutionId) -> None:
    assert "Cancellation requested." in do(operator, target, "cancel")[1]
    assert "Already cancelling." in do(operator, target, "cancel", seen="Cancelling")[1]
    assert OperationRecord.objects.count() == 1


def test_of_two_people_who_cancel_at_once_each_is_told_what_came_of_it(
    operator: Client, client_of: Callable[[str], Client], target: ExecutionId
) -> None:
    other = client_of("superuser")
    seen = [each.get(f"/admin/executions/{target}/do/cancel/").text for each in (operator, other)]
    assert ['value="Pending"' in page for page in seen] == [True, True]

    first = do(operator, target, "cancel", reason="not wanted")
    second = do(other, target, "cancel", reason="nor by me")
    again = do(other, target, "cancel", seen="Cancelling", reason="nor by me")

    assert (first[0], "Cancellation requested." in first[1]) == (200, True)
    assert (second[0], "Meanwhile it has changed: Pending, and now Cancelling." in second[1]) == (409, True)
    assert (again[0], "Already cancelling." in again[1]) == (200, True)
    assert "It is being cancelled by user:operator" in again[1]
    assert [record.actor for record in OperationRecord.objects.all()] == ["user:operator"]


def test_a_wrong_field_is_told_beside_it(operator: Client, target: ExecutionId) -> None:
    status, page = do(operator, target, "signal", name=APPROVE, payload="{nonsense")

    assert status == 422
    assert "That is no JSON" in page
    assert "{nonsense" in page, "what was typed is still there"


def test_a_retry_leads_to_the_new_execution(operator: Client, target: ExecutionId) -> None:
    Execution.objects.filter(pk=target).update(status="finished", result_kind="error")

    status, page = do(operator, target, "retry", seen="Error")

    assert status == 200
    assert f"this is the new execution, a retry of {target}." in page
    assert Execution.objects.count() == 2


def test_there_is_no_other_operation(operator: Client, target: ExecutionId) -> None:
    assert operator.get(f"/admin/executions/{target}/do/explode/").status_code == 404


@pytest.mark.parametrize("key", list(ACTIONS))
def test_nothing_is_done_by_looking(operator: Client, target: ExecutionId, key: str) -> None:
    before = Execution.objects.values().get(pk=target)

    assert operator.get(f"/admin/executions/{target}/do/{key}/").status_code == 200
    assert Execution.objects.values().get(pk=target) == before
