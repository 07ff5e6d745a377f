"""Saved views and columns of the list."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from console.executions import views
from executions.journal.journal import SqlJournal
from executions.models import ListColumns, OperationRecord, SavedView
from tests.builders import NOW, make_created, make_execution_id, make_submit
from tests.engine.journal.commits import commit

LIST = "/admin/executions/"


def save(browser: Client, name: str, query: str = "status=paused&cursor=x&direction=older") -> Any:
    return browser.post(f"{LIST}views/", {"name": name, "query": query}, follow=True)


def current(page: str) -> list[str]:
    return re.findall(r'aria-current="page">([^<]+)</a>', page)


def test_a_view_is_kept_under_its_name_without_the_place_in_the_list(operator: Client) -> None:
    response = save(operator, "  my   <view> ")

    assert response.redirect_chain == [(f"{LIST}?status=paused", 302)]
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("my <view>", "status=paused")
    assert current(response.text) == ["my &lt;view&gt;"]
    assert f'action="{LIST}views/{view.pk}/forget/"' in response.text


def test_a_view_of_that_name_is_replaced(operator: Client) -> None:
    save(operator, "mine")
    save(operator, "mine", "stuck=on")

    assert SavedView.objects.get().query == "stuck=on"


@pytest.mark.parametrize(
    ("name", "query", "says"),
    [
        (" ", "", "needs a name"),
        ("x" * 61, "", "at most 60 characters"),
        ("a", "label=" + "x" * 4000, "too long"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(operator: Client, name: str, query: str, says: str) -> None:
    assert says in save(operator, name, query).text
    assert not SavedView.objects.exists()


def test_nobody_keeps_any_number(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST", 1)
    save(operator, "one")

    assert "You have 1 views already" in save(operator, "two").text
    assert SavedView.objects.get().name == "one"


def test_views_are_ones_own(client_of: Callable[[str], Client]) -> None:
    operator, viewer = client_of("operator"), client_of("viewer")
    save(operator, "secret plan")
    (view,) = SavedView.objects.all()

    assert "secret plan" not in viewer.get(LIST).text
    viewer.post(f"{LIST}views/{view.pk}/forget/")
    assert SavedView.objects.exists()
    operator.post(f"{LIST}views/{view.pk}/forget/")
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "All"),
        ("?execution_id_prefix=&created_within=", "All"),
        ("?status=unfinished", "In progress"),
        ("?created_within=24h&status=finished_failed&status=finished_error", "Failed 24 h"),
        ("?submitted_by=user%3Aoperator&direction=newer", "Mine"),
    ],
)
def test_the_view_that_is_shown_is_marked_however_the_address_is_written(
    operator: Client, query: str, name: str
) -> None:
    assert current(operator.get(f"{LIST}{query}").text) == [name]


def test_mine_is_what_i_submitted(operator: Client) -> None:
    first, second = make_execution_id(1), make_execution_id(2)
    commit(SqlJournal.for_current_connection(), *(make_submit(each, make_created()) for each in (first, second)))
    OperationRecord.objects.create(execution_id=second, operation="submit", actor="user:operator", at=NOW)

    page = operator.get(f"{LIST}?submitted_by=user:operator").text

    assert re.findall(r'data-key="([^"]+)"', page) == [second]


def test_columns_are_those_of_the_address_else_those_that_were_chosen_last(operator: Client) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(make_execution_id(1), make_created()))

    assert "<th>Component</th>" not in operator.get(LIST).text
    response = operator.post(
        f"{LIST}columns/", {"column": ["parent", "component", "nonsense"], "query": "status=pending"}, follow=True
    )

    assert response.redirect_chain == [(f"{LIST}?status=pending&columns=component%2Cparent", 302)]
    assert ListColumns.objects.get().columns == ["component", "parent"]
    chosen, other = operator.get(LIST).text, operator.get(f"{LIST}?columns=deployment").text
    assert ("<th>Component</th>" in chosen, "<th>Deployment</th>" in chosen) == (True, False)
    assert ("<th>Component</th>" in other, "<th>Deployment</th>" in other) == (False, True)


@pytest.mark.parametrize("path", ["columns/", "views/", "views/1/forget/"])
def test_nothing_is_kept_by_looking(client_of: Callable[[str], Client], path: str) -> None:
    assert client_of("viewer").get(f"{LIST}{path}").status_code == 405
    assert client_of("stranger").post(f"{LIST}{path}").status_code == 403
