"""Confirming an operation on many: what is counted, what is wanted, what is begun."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from console.bulk import confirming
from engine.log.ids import ExecutionId
from executions.batches.keeping import claim_unattended
from executions.batches.running import BatchRun
from executions.models import Batch, Event, Execution
from executions.operations import bulk_counting
from executions.operations.answering import answer
from executions.operations.submitting import Call, submit_all
from tests.executions.deployments import ADD, deploy_declared


@pytest.fixture
def five(db: None, tmp_path: Path) -> list[ExecutionId]:
    """Calls of an external activity, the newest first; the oldest has failed."""
    deploy_declared(tmp_path)
    ids = sorted(each.execution_id for each in submit_all([Call(function=ADD, params=[n, []]) for n in range(5)]))
    answer(ids[0], {"err": None})
    return ids[::-1]


def ask(browser: Client, operation: str, **data: Any) -> tuple[int, str]:
    response = browser.post(f"/admin/executions/bulk/{operation}/", data)
    return response.status_code, response.text


def hidden(page: str) -> dict[str, Any]:
    """Return the fields of a page's form that people do not see."""
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page):
        fields.setdefault(name, []).append(value.replace("&amp;", "&"))
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def confirmed(browser: Client, operation: str, page: str, **data: Any) -> Any:
    return browser.post(f"/admin/executions/bulk/{operation}/", {**hidden(page), "reason": "enough", **data})


def carry_out() -> Batch:
    (batch,) = claim_unattended()
    BatchRun(batch).carry_out()
    batch.refresh_from_db()
    return batch


def test_it_counts_first_and_changes_nothing(operator: Client, five: list[ExecutionId]) -> None:
    status, page = ask(operator, "cancel", all="on", query="")

    assert status == 200
    assert "<strong>4 can be cancelled</strong> · 1 finished" in page
    assert not Batch.objects.exists()


def test_what_was_selected_is_done_and_nothing_else(operator: Client, five: list[ExecutionId]) -> None:
    _, page = ask(operator, "cancel", selected=five[1:3])

    response = confirmed(operator, "cancel", page)

    assert response.headers["Location"] == f"/admin/executions/batches/{Batch.objects.get().pk}/"
    batch = carry_out()
    assert (batch.done, batch.refused, batch.actor, batch.reason) == (2, 0, "user:operator", "enough")
    asked = Event.objects.filter(variant="cancellation_requested").values_list("execution_id", flat=True)
    assert set(asked) == set(five[1:3])


def test_all_that_match_are_those_that_were_there(operator: Client, five: list[ExecutionId]) -> None:
    _, page = ask(operator, "cancel", all="on", query="status=unfinished&cursor=x")
    submit_all([Call(function=ADD, params=[9, []])])

    confirmed(operator, "cancel", page)

    assert carry_out().done == 4


def test_a_reason_is_wanted(operator: Client, five: list[ExecutionId]) -> None:
    _, page = ask(operator, "pause", all="on", query="")

    response = confirmed(operator, "pause", page, reason="")

    assert response.status_code == 422
    assert "This field is required." in response.text
    assert not Batch.objects.exists()


def test_above_a_hundred_the_number_is_typed(
    operator: Client, five: list[ExecutionId], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirming, "TYPED_ABOVE", 3)
    _, page = ask(operator, "cancel", all="on", query="")

    assert "Type 4 to confirm" in page
    assert "That is not 4." in confirmed(operator, "cancel", page, typed="40").text
    assert confirmed(operator, "cancel", page).status_code == 422
    assert not Batch.objects.exists()
    assert confirmed(operator, "cancel", page, typed=" 4 ").status_code == 302


def test_more_than_are_counted_are_told_as_such(
    operator: Client, five: list[ExecutionId], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_counting, "COUNTED", 3)

    _, page = ask(operator, "cancel", all="on", query="")

    assert "<strong>3+ can be cancelled</strong>" in page
    assert "Nobody has counted further; all of them are meant." in page


def test_if_it_is_more_by_now_it_is_confirmed_again(operator: Client, five: list[ExecutionId]) -> None:
    _, page = ask(operator, "unpause", all="on", query="status=paused&show_derived=on")
    assert "None of them can be unpaused as they stand." in page
    Execution.objects.filter(pk__in=five[:2]).update(lifecycle="paused")

    response = confirmed(operator, "unpause", page)

    assert response.status_code == 409
    assert "Meanwhile it is 2, and not 0. Confirm again." in response.text
    assert not Batch.objects.exists()
    assert confirmed(operator, "unpause", response.text).status_code == 302


def test_a_second_click_leads_to_the_same(operator: Client, five: list[ExecutionId]) -> None:
    _, page = ask(operator, "pause", all="on", query="")

    first, second = (confirmed(operator, "pause", page) for _ in range(2))

    assert first.headers["Location"] == second.headers["Location"]
    assert Batch.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "No execution is selected."),
        ({"selected": ["E_1"]}, "is not a ULID"),
        ({"selected": ["nonsense"] * 300}, "More than 200 executions are selected"),
        ({"all": "on", "query": "label=nonsense"}, "The filter is wrong"),
        ({"all": "on", "query": "status=nonsense"}, "The filter is wrong"),
        ({"all": "on", "query": "", "until": "yesterday"}, "neither an execution id nor an instant"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    operator: Client, five: list[ExecutionId], data: dict[str, Any], says: str
) -> None:
    response = operator.post("/admin/executions/bulk/cancel/", data, follow=True)

    assert response.redirect_chain == [(f"/admin/executions/?{data.get('query', '')}", 302)]
    assert says in response.text
    assert not Batch.objects.exists()


def test_what_is_no_operation_is_not_there(operator: Client) -> None:
    assert ask(operator, "delete", all="on")[0] == 404


def test_the_address_alone_does_nothing(operator: Client) -> None:
    assert operator.get("/admin/executions/bulk/cancel/").headers["Location"] == "/admin/executions/"


@pytest.mark.parametrize("operation", ["cancel", "retry"])
def test_whoever_may_only_look_sees_no_boxes_and_may_not_act(
    client_of: Callable[[str], Client], five: list[ExecutionId], operation: str
) -> None:
    viewer = client_of("viewer")

    page = viewer.get("/admin/executions/").text

    assert 'type="checkbox" name="selected"' not in page
    assert "data-bulk" not in page
    assert ask(viewer, operation, all="on", query="")[0] == 403


def test_starting_many_needs_the_right_to_start(
    client_of: Callable[[str], Client], five: list[ExecutionId], django_user_model: Any
) -> None:
    from django.contrib.auth.models import Permission

    browser = client_of("stranger")
    user = django_user_model.objects.get(username="stranger")
    user.user_permissions.add(*Permission.objects.filter(codename__in=["api_read", "api_operate"]))

    page = browser.get("/admin/executions/").text

    assert "/bulk/cancel/" in page
    assert "/bulk/fork/" not in page
    assert ask(browser, "cancel", all="on", query="")[0] == 200
    assert ask(browser, "fork", all="on", query="")[0] == 403
