from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from engine.log.ids import ExecutionId
from engine.log.retval_json import retval_to_api
from executions.access.groups import make_groups
from executions.journal.journal import SqlJournal
from executions.models import OperationRecord, TaskAssignment
from executions.operations.answering import answer
from executions.operations.assigning import assign
from executions.operations.inbox import Assignee
from executions.operations.submitting import submit
from executions.results import result_of
from tests.builders import make_execution_id
from tests.console.conftest import ROLES
from tests.console.tasks.open_tasks import deploy_stub, open_task, person
from tests.executions.deployments import PING, deploy_runnable

pytestmark = pytest.mark.django_db

YES = {"result@": "ok", "result.ok.id": "18446744073709551615", "result.ok.note?": "some", "result.ok.note": "a\r\nb"}
NO = {"result@": "err", "result.err": "too late"}


@pytest.fixture
def task(tmp_path: Path) -> ExecutionId:
    make_groups()
    deploy_stub(tmp_path, title="Refund this?", group="finance")
    return open_task()


def post(browser: Client, task: str, **fields: Any) -> Any:
    return browser.post(f"/admin/tasks/{task}/", fields)


def result(task: ExecutionId) -> Any:
    retval = result_of(SqlJournal.for_current_connection(), task)
    return None if retval is None else retval_to_api(retval)


def records(task: str) -> list[tuple[str, str, str, str]]:
    found = OperationRecord.objects.filter(execution_id=task).order_by("pk")
    return list(found.values_list("operation", "detail", "actor", "reason"))


# --- Answering ---


def test_the_page_shows_what_is_asked_and_a_form_of_the_stubs_type(operator: Client, task: ExecutionId) -> None:
    page = operator.get(f"/admin/tasks/{task}/").text

    assert "Refund this?" in page
    assert "881" in page
    assert 'name="result@" value="ok"' in page
    assert 'name="result@" value="err"' in page


def test_a_task_is_answered_and_who_did_so_is_kept_and_shown(operator: Client, task: ExecutionId) -> None:
    answered = post(operator, task, **YES, reason="as agreed <b>")

    assert (answered.status_code, answered.headers["Location"]) == (302, f"/admin/tasks/{task}/")
    assert result(task) == {"ok": {"id": 18446744073709551615, "note": "a\nb"}}
    assert records(task) == [("stub", "", "user:operator", "as agreed <b>")]
    page = operator.get(f"/admin/tasks/{task}/").text
    assert "Answered by user:operator" in page
    assert "18446744073709551615" in page
    assert "as agreed &lt;b&gt;" in page
    assert "data-typed-form" not in page


def test_an_error_is_an_answer_too(operator: Client, task: ExecutionId) -> None:
    post(operator, task, **NO)

    assert result(task) == {"err": "too late"}


def test_a_task_is_answered_as_json(operator: Client, task: ExecutionId) -> None:
    post(operator, task, tab="json", json='{"ok": {"id": 5}}')

    assert result(task) == {"ok": {"id": 5, "note": None}}


def test_a_wrong_answer_stays_in_the_form_and_changes_nothing(operator: Client, task: ExecutionId) -> None:
    answered = post(operator, task, **{**YES, "result.ok.id": "-1"})

    assert answered.status_code == 422
    assert "expected u64, got -1" in answered.text
    assert 'value="-1"' in answered.text
    assert (result(task), records(task)) == (None, [])


def test_wrong_json_is_told_with_its_place(operator: Client, task: ExecutionId) -> None:
    answered = post(operator, task, tab="json", json='{"ok": {"id": -1}}')

    assert answered.status_code == 422
    assert "result.ok.id: expected u64, got -1" in answered.text
    assert result(task) is None


def test_what_was_answered_meanwhile_is_shown_and_not_overwritten(operator: Client, task: ExecutionId) -> None:
    answer(task, {"err": "somebody was faster"})

    answered = post(operator, task, **YES)

    assert answered.status_code == 409
    assert "Meanwhile it was answered" in answered.text
    assert "somebody was faster" in answered.text
    assert result(task) == {"err": "somebody was faster"}
    assert records(task) == []


def test_the_same_answer_twice_counts_once(operator: Client, task: ExecutionId) -> None:
    assert [post(operator, task, **NO).status_code for _ in range(2)] == [302, 302]
    assert len(records(task)) == 1


def test_checking_changes_nothing(operator: Client, task: ExecutionId) -> None:
    checked = operator.post(f"/admin/tasks/{task}/", {**NO, "do": "check"}, headers={"X-Form-Fragment": "1"})

    assert (checked.status_code, "<html" in checked.text, result(task)) == (200, False, None)


def test_a_comment_that_is_too_long_is_refused(operator: Client, task: ExecutionId) -> None:
    assert post(operator, task, **NO, reason="x" * 501).status_code == 422
    assert result(task) is None


def test_a_task_whose_function_is_gone_says_what_to_do(operator: Client, task: ExecutionId, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    deploy_runnable(tmp_path / "other")

    page = operator.get(f"/admin/tasks/{task}/")

    assert page.status_code == 200
    assert "is not deployed any more; deploy it to answer" in page.text
    assert post(operator, task, **NO).status_code == 409


def test_what_is_no_task_has_its_own_page(operator: Client, tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    execution = submit(PING, []).execution_id

    assert operator.get(f"/admin/tasks/{execution}/").headers["Location"] == f"/admin/executions/{execution}/"
    assert operator.get(f"/admin/tasks/{make_execution_id(7)}/").status_code == 404


# --- Who may ---


@pytest.mark.parametrize("role", ROLES)
def test_a_task_that_is_for_others_is_answered_by_operators_only(
    client_of: Callable[[str], Client], task: ExecutionId, role: str
) -> None:
    browser = client_of(role)

    seen, answered = browser.get(f"/admin/tasks/{task}/"), post(browser, task, **NO)

    sees = {"anonymous": 302, "stranger": 403}.get(role, 200)
    may = role in ("operator", "superuser")
    assert seen.status_code == sees
    assert (result(task) is not None) == may
    assert answered.status_code == (302 if may or role == "anonymous" else 403)
    assert ("data-typed-form" in seen.text) == may


@pytest.mark.parametrize("role", ROLES)
def test_a_task_that_was_given_to_somebody_is_answered_by_them_if_they_see_pages(
    client_of: Callable[[str], Client], task: ExecutionId, role: str
) -> None:
    browser = client_of(role)
    before = Assignee(group="finance")
    user = User.objects.filter(username=role).first()
    assign(task, user, seen=before, actor="user:root")

    answered = post(browser, task, **NO)

    may = role not in ("anonymous", "stranger")
    assert (result(task) is not None) == may
    assert answered.status_code == (403 if role == "stranger" else 302)


def test_a_viewer_answers_what_is_for_a_group_of_theirs(task: ExecutionId) -> None:
    assert post(person("ann", "viewer", "finance"), task, **NO).status_code == 302
    assert records(task)[0][2] == "user:ann"


def test_a_viewer_answers_what_was_given_to_them(operator: Client, task: ExecutionId) -> None:
    ann = person("ann", "viewer")
    assert post(ann, task, **NO).status_code == 403

    post(operator, task, do="assign", to="user:ann", seen="group:finance")

    assert post(ann, task, **NO).status_code == 302
    assert [record[:3] for record in records(task)] == [
        ("assign", "user:ann", "user:operator"),
        ("stub", "", "user:ann"),
    ]


def test_a_group_loses_what_was_given_to_another(operator: Client, task: ExecutionId) -> None:
    Group.objects.create(name="legal")
    ann = person("ann", "viewer", "finance")

    post(operator, task, do="assign", to="group:legal", seen="group:finance")

    assert post(ann, task, **NO).status_code == 403


def test_nobody_answers_without_the_token_of_the_form(operator: Client, task: ExecutionId) -> None:
    operator.handler.enforce_csrf_checks = True

    assert post(operator, task, **NO).status_code == 403


# --- Taking, giving, releasing ---


def test_a_task_is_taken_and_given_back(task: ExecutionId) -> None:
    ann = person("ann", "viewer", "finance")

    post(ann, task, do="take", seen="group:finance")
    taken = TaskAssignment.objects.get(pk=task).user
    post(ann, task, do="release", seen="user:ann")

    assert taken == User.objects.get(username="ann")
    assert not TaskAssignment.objects.exists()
    assert [record[:3] for record in records(task)] == [
        ("assign", "user:ann", "user:ann"),
        ("release", "group:finance", "user:ann"),
    ]


def test_of_two_who_take_a_task_the_second_is_told(task: ExecutionId) -> None:
    post(person("ann", "viewer", "finance"), task, do="take", seen="group:finance")

    second = post(person("bob", "operator"), task, do="take", seen="group:finance")

    assert second.status_code == 409
    assert "was given to ann meanwhile" in second.text
    assert TaskAssignment.objects.get(pk=task).user == User.objects.get(username="ann")


def test_a_viewer_neither_takes_anothers_task_nor_gives_any(task: ExecutionId) -> None:
    post(person("ann", "viewer", "finance"), task, do="take", seen="group:finance")
    bob = person("bob", "viewer", "finance")

    assert post(bob, task, do="take", seen="user:ann").status_code == 403
    assert post(bob, task, do="release", seen="user:ann").status_code == 403
    assert post(bob, task, do="assign", to="user:bob", seen="user:ann").status_code == 403
    assert TaskAssignment.objects.get(pk=task).user == User.objects.get(username="ann")


def test_what_has_ended_is_given_to_nobody(operator: Client, task: ExecutionId) -> None:
    answer(task, {"err": "done"})

    moved = post(operator, task, do="take", seen="group:finance")

    assert moved.status_code == 409
    assert "has ended already" in moved.text
    assert not TaskAssignment.objects.exists()


def test_a_task_is_given_only_to_who_is_there(operator: Client, task: ExecutionId) -> None:
    for to in ("user:nobody", "group:nobody", "nonsense", ""):
        assert post(operator, task, do="assign", to=to, seen="group:finance").status_code == 404
    assert records(task) == []


def test_names_are_inert(operator: Client, task: ExecutionId) -> None:
    Group.objects.create(name="<script>x</script>")

    page = operator.get(f"/admin/tasks/{task}/").text

    assert "<script>x" not in page
    assert "<script>x</script>" in unescape(page)
