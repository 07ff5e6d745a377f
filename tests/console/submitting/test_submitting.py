from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from engine.log.labels import labels_of
from engine.log.state import Lifecycle
from executions.journal.rows import created_of
from executions.models import Execution, OperationRecord
from executions.operations.submitting import submit
from tests.console.conftest import ROLES
from tests.executions.deployments import ADD, APPROVE, declared, deploy_declared

E1 = "E_01M7ZC2FGFMHV064NV0C5GG0Q0"
PAGE = f"/admin/submit/{ADD}/"
FRAGMENT = {"X-Form-Fragment": "1"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(tmp_path: Path, operator: Client) -> Client:
    deploy_declared(tmp_path)
    return operator


def filled(page: str, **fields: Any) -> dict[str, Any]:
    """What a browser sends of a page whose form is filled in: a call of `ADD` unless told otherwise."""
    types = page.partition('name="types" value="')[2].partition('"')[0]
    typed = {"params[0]": "5", "params[1]#": "1", "params[1][0]": "x"}
    return {"types": types, "execution_id": E1, "start": "now", **typed, **fields}


def post(browser: Client, **fields: Any) -> Any:
    return browser.post(PAGE, filled(browser.get(PAGE).text, **fields))


def params_of(execution_id: str) -> str:
    return created_of(Execution.objects.get(pk=execution_id).events.get(version=0).payload).params


def test_a_call_is_submitted_and_its_page_is_shown(browser: Client) -> None:
    answer = post(browser, reason="the customer rang", labels="order=881\nteam = a")

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/executions/{E1}/")
    created = created_of(Execution.objects.get(pk=E1).events.get(version=0).payload)
    assert created.params == '[5,["x"]]'
    assert labels_of(created.metadata) == {"order": "881", "team": "a"}
    record = OperationRecord.objects.get(execution_id=E1)
    assert (record.operation, record.actor, record.reason) == ("submit", "user:operator", "the customer rang")


def test_submitting_twice_starts_one(browser: Client) -> None:
    first, second = post(browser), post(browser)

    assert first.headers["Location"] == second.headers["Location"]
    assert Execution.objects.count() == 1
    assert OperationRecord.objects.count() == 1


def test_another_call_under_the_same_id_is_refused(browser: Client) -> None:
    post(browser)

    answer = post(browser, **{"params[0]": "6"})

    assert answer.status_code == 422
    assert "another call has this id already" in answer.text
    assert params_of(E1) == '[5,["x"]]'


def test_a_wrong_value_is_told_at_its_field_in_the_codecs_words_and_nothing_starts(browser: Client) -> None:
    answer = post(browser, **{"params[0]": "256"})

    assert answer.status_code == 422
    assert '<em class="ob-error" id="e-params[0]">expected u8, got 256</em>' in answer.text
    assert 'name="params[0]" value="256"' in answer.text
    assert 'name="params[1][0]"' in answer.text
    assert not Execution.objects.exists()


def test_what_is_missing_is_told_only_when_the_call_is_submitted(browser: Client) -> None:
    typed = filled(browser.get(PAGE).text, **{"params[0]": ""})

    while_typing = browser.post(PAGE, {**typed, "do": "check"}, headers=FRAGMENT).text
    at_the_end = browser.post(PAGE, typed).text

    assert "a number is missing (u8, 0 to 255)" not in while_typing
    assert "a number is missing (u8, 0 to 255)" in at_the_end


def test_checking_answers_with_the_form_alone_and_starts_nothing(browser: Client) -> None:
    typed = filled(browser.get(PAGE).text, **{"params[0]": "-1"})

    answer = browser.post(PAGE, {**typed, "do": "check"}, headers=FRAGMENT)

    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "expected u8, got -1" in answer.text
    assert not Execution.objects.exists()


def test_items_are_added_moved_and_removed(browser: Client) -> None:
    typed = filled(browser.get(PAGE).text, **{"params[1]#": "2", "params[1][0]": "first", "params[1][1]": "second"})

    def press(action: str) -> str:
        return browser.post(PAGE, {**typed, "do": action}, headers=FRAGMENT).text

    assert 'name="params[1][2]"' in press("add:params[1]")
    moved = press("down:params[1][0]")
    assert moved.index("\nsecond<") < moved.index("\nfirst<")
    removed = press("remove:params[1][0]")
    assert "first" not in removed
    assert 'name="params[1][1]"' not in removed


def test_an_action_that_makes_no_sense_changes_nothing(browser: Client) -> None:
    typed = filled(browser.get(PAGE).text)

    for action in (
        "remove:params[9][3]",
        "up:",
        "add:nobody",
        "json:params[0]",
        "fields:params[7]",
        "x:y",
        "all:params[1]",
    ):
        answer = browser.post(PAGE, {**typed, "do": action}, headers=FRAGMENT)
        assert answer.status_code == 200
        assert 'name="params[0]" value="5"' in answer.text


def test_the_form_becomes_json_and_comes_back(browser: Client) -> None:
    typed = filled(browser.get(PAGE).text)

    as_json = browser.post(PAGE, {**typed, "do": "tab:json"}, headers=FRAGMENT).text
    back = browser.post(PAGE, {**typed, "tab": "json", "json": '[7, ["y"]]', "do": "tab:form"}, headers=FRAGMENT).text

    assert unescape(as_json.partition('name="json"')[2].partition(">\n")[2].partition("</textarea>")[0]) == (
        '[\n  5,\n  [\n    "x"\n  ]\n]'
    )
    assert 'name="params[0]" value="7"' in back


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1,", "not valid JSON: "),
        ("[1]", "parameter cardinality mismatch, expected: 2, specified: 1"),
        ('[1, ["a", 2]]', "params[1][1]: expected string, got 2"),
        ("", "not valid JSON: "),
    ],
)
def test_wrong_json_stays_and_is_told_with_its_place(browser: Client, text: str, problem: str) -> None:
    answer = post(browser, tab="json", json=text)

    assert answer.status_code == 422
    assert problem in unescape(answer.text)
    assert not Execution.objects.exists()


def test_json_is_submitted_as_it_is(browser: Client) -> None:
    assert post(browser, tab="json", json='[255, ["<script>"]]').status_code == 302
    assert params_of(E1) == '[255,["<script>"]]'


def test_a_call_may_start_paused(browser: Client) -> None:
    post(browser, paused="on")

    assert Execution.objects.get(pk=E1).lifecycle == Lifecycle.PAUSED.value


def test_a_call_may_start_later(browser: Client) -> None:
    post(browser, start="at", at="2031-02-03T04:05")

    assert f"{Execution.objects.get(pk=E1).first_scheduled_at:%Y-%m-%d %H:%M}" == "2031-02-03 04:05"


def test_a_call_may_start_after_a_while(browser: Client) -> None:
    post(browser, start="in", delay="90", unit="minutes")

    row = Execution.objects.get(pk=E1)
    assert (row.first_scheduled_at - row.created_at).total_seconds() == 5400


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"start": "in", "delay": "soon"}, "a whole number is missing"),
        ({"start": "in", "delay": "999999999999", "unit": "days"}, "expected u32, got 999999999999"),
        ({"start": "at", "at": "tomorrow"}, "a date and a time in UTC are missing"),
        ({"labels": "order"}, "'order' is not name=value"),
        ({"labels": "Order=1"}, "the name 'Order' is not allowed"),
        ({"labels": "a=1\na=2"}, "a is there twice"),
        ({"reason": "x" * 501}, "501 characters; the most is 500"),
        ({"execution_id": "E_1"}, "is not a ULID"),
        ({"execution_id": f"{E1}.n:a_1"}, "is a child's id"),
        ({"types": "others"}, "Another deployment with other types"),
        ({"params[1]#": "101"}, "more than 100 items"),
    ],
)
def test_what_else_is_wrong_is_told_and_nothing_starts(browser: Client, fields: dict[str, str], problem: str) -> None:
    answer = post(browser, **fields)

    assert answer.status_code == 422
    assert problem in unescape(answer.text)
    assert not Execution.objects.exists()


def test_an_old_call_is_copied(browser: Client) -> None:
    old = submit(ADD, [9, ["a", "b"]], labels={"order": "1", "retry-of": "x"}).execution_id

    page = browser.get(PAGE, {"from": old}).text

    assert 'name="params[0]" value="9"' in page
    assert "\nb</textarea>" in page
    assert "\norder=1</textarea>" in page
    assert old not in page


def test_an_old_call_that_fits_no_more_is_copied_as_json(tmp_path: Path, browser: Client) -> None:
    old = submit(ADD, [9, ["a", "b"]]).execution_id
    Execution.objects.get(pk=old).events.filter(version=0).update(
        payload=Execution.objects.get(pk=old).events.get(version=0).payload.replace('[9,["a","b"]]', "[9,[1]]")
    )

    page = unescape(browser.get(PAGE, {"from": old}).text)

    assert "params[1][0]: expected string, got 1" in page
    assert 'name="json"' in page


def test_an_execution_that_is_not_there_cannot_be_copied(browser: Client) -> None:
    assert "There is no execution E_&lt;b&gt; of this function" in browser.get(PAGE, {"from": "E_<b>"}).text


def test_the_list_shows_what_can_be_submitted_and_finds_by_words(tmp_path: Path, operator: Client) -> None:
    deploy_declared(tmp_path, declared("test:other/api.ping"))

    everything, found = operator.get("/admin/submit/").text, operator.get("/admin/submit/", {"q": "PING other"}).text

    assert f"/admin/submit/{ADD}/" in everything
    assert APPROVE not in everything
    assert "/admin/submit/test:other/api.ping/" in found
    assert ADD not in found


def test_a_stub_and_an_unknown_function_have_no_form(browser: Client) -> None:
    assert browser.get(f"/admin/submit/{APPROVE}/").status_code == 404
    assert browser.get("/admin/submit/test:nobody/api.there/").status_code == 404
    assert browser.get("/admin/submit/nonsense/").status_code == 404


@pytest.mark.parametrize("role", ROLES)
def test_only_who_may_submit_sees_the_form_and_submits(
    tmp_path: Path, client_of: Callable[[str], Client], role: str
) -> None:
    deploy_declared(tmp_path)
    types = filled(client_of("superuser" if role == "operator" else "operator").get(PAGE).text)["types"]
    browser = client_of(role)

    statuses = {
        browser.get("/admin/submit/").status_code,
        browser.get(PAGE).status_code,
        browser.post(PAGE, {**filled(""), "do": "check"}).status_code,
    }
    browser.post(PAGE, {**filled(""), "types": types})

    allowed = role in ("operator", "superuser")
    assert statuses == ({200} if allowed else {302} if role == "anonymous" else {403})
    assert Execution.objects.exists() == allowed


def test_a_form_of_another_site_is_refused(browser: Client) -> None:
    browser.handler.enforce_csrf_checks = True

    assert browser.post(PAGE, filled("")).status_code == 403


WIT = """
package acme:shop;

interface orders {
    record order { lines: list<line>, rush: bool }
    record line { article: string, count: u32 }
    variant problem { execution-failed, permanent-sold-out(line) }
    place: func(order: order, rush: option<list<line>>) -> result<string, problem>;
}

world shop { export orders; }
"""


def test_types_are_told_by_the_names_that_their_wit_gives_them(tmp_path: Path, operator: Client) -> None:
    (tmp_path / "wit").mkdir()
    (tmp_path / "wit" / "shop.wit").write_text(WIT)
    table = '[[activity_external]]\nname = "shop"\nffqn = "acme:shop/orders.place"\nwit = "wit"\n'
    deploy_declared(tmp_path, table)

    listed = unescape(operator.get("/admin/submit/").text)
    form = unescape(operator.get("/admin/submit/acme:shop/orders.place/").text)

    for page in (listed, form):
        assert "(order: order, rush: option<list<line>>) → result<string, problem>" in page
    assert "(a: u8, names: list<string>) → result<u32>" in listed
    assert "record order {" in form


def test_two_names_of_one_structure_are_both_told(tmp_path: Path, operator: Client) -> None:
    (tmp_path / "wit").mkdir()
    twins = WIT.replace("record line {", "record item { article: string, count: u32 }\n    record line {")
    (tmp_path / "wit" / "shop.wit").write_text(twins)
    table = '[[activity_external]]\nname = "shop"\nffqn = "acme:shop/orders.place"\nwit = "wit"\n'
    deploy_declared(tmp_path, table)

    listed = unescape(operator.get("/admin/submit/").text)

    assert "(order: order, rush: option<list<item or line>>) → result<string, problem>" in listed
