from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from console.live.messages import Sub
from console.live.webhook_topics import DeliveriesTopic, DeliveryTopic, WebhooksTopic
from console.webhooks.filters import DeliveryFilter
from executions.access.scopes import Scope
from tests.console.conftest import ROLES, rights_of
from tests.console.webhooks.deliveries import make_delivery, make_refused
from tests.webhooks.sites import deploy_doorman
from webhooks.models import Delivery, DeliveryState

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def listed(browser: Client, query: str = "") -> list[int]:
    return [each.row.pk for each in browser.get(f"/admin/webhooks/deliveries/{query}").context["deliveries"]]


# --- Routes -----------------------------------------------------------------------------------------------------------


def test_without_endpoints_the_page_says_how_to_add_one(operator: Client) -> None:
    assert "No webhook endpoint is deployed." in operator.get("/admin/webhooks/").text


def test_an_endpoint_is_shown_with_its_routes_and_the_names_of_its_secrets(
    endpoint: Path, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.operator._taken", {})
    monkeypatch.delenv("CONSOLE_OLD_HOOK")
    make_delivery(1)
    make_delivery(2, state=DeliveryState.FAILED, status=500)
    make_delivery(3, ago=2 * HOUR)

    text = operator.get("/admin/webhooks/").text

    for told in ("/hooks/do/:op/:id", "HOOK</code> is set", "OLD_HOOK</code> is missing", "1 answered", "1 failed"):
        assert told in text
    assert "hush" not in text


def test_one_that_anybody_may_send_to_says_so(tmp_path: Path, operator: Client) -> None:
    deploy_doorman(tmp_path)

    assert "anybody may send" in operator.get("/admin/webhooks/").text


def test_the_menu_counts_endpoints_whose_last_delivery_failed(endpoint: Path, operator: Client) -> None:
    make_delivery(1, state=DeliveryState.FAILED, status=500)

    assert 'ob-menu-badge">1<' in operator.get("/admin/webhooks/").text


# --- Deliveries -------------------------------------------------------------------------------------------------------


def test_deliveries_are_listed_newest_first_page_by_page(operator: Client) -> None:
    numbers = [make_delivery(number).pk for number in range(1, 53)]

    page = operator.get("/admin/webhooks/deliveries/")
    older = listed(operator, page.context["older"])

    assert [*listed(operator), *older] == numbers[::-1]
    assert page.context["newest"] is None


def test_deliveries_are_filtered_by_endpoint_state_and_time(operator: Client) -> None:
    old = make_delivery(1, ago=3 * HOUR)
    failed = make_delivery(2, ago=2 * HOUR, state=DeliveryState.FAILED, status=None)
    other = make_delivery(3, endpoint="another")
    now = timezone.now()

    def at(ago: timedelta) -> str:
        return f"{now - ago:%Y-%m-%dT%H:%M}"

    assert listed(operator, "?endpoint=another") == [other.pk]
    assert listed(operator, "?state=failed") == [failed.pk]
    assert listed(operator, f"?after={at(2.5 * HOUR)}") == [other.pk, failed.pk]
    assert listed(operator, f"?before={at(2.5 * HOUR)}") == [old.pk]
    assert listed(operator, f"?after={at(2.5 * HOUR)}&before={at(HOUR)}&state=failed") == [failed.pk]
    assert listed(operator, f"?before={at(9 * HOUR)}") == []
    assert "Enter a valid date/time" in operator.get("/admin/webhooks/deliveries/?after=x").text


@pytest.mark.parametrize("query", [{"state": "failed"}, {"endpoint": "doorman"}, {"after": "2026-01-01T00:00"}])
def test_no_filter_reads_the_whole_table(query: dict[str, str]) -> None:
    for number in range(1, 20):
        make_delivery(number)
    rows = DeliveryFilter(query).matching()[:50]

    with connection.cursor() as cursor:
        sql, params = rows.query.sql_with_params()
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        plan = " ".join(str(row[3]) for row in cursor.fetchall())

    assert "SEARCH" in plan or "INDEX delivery_failed" in plan
    assert "TEMP B-TREE" not in plan


def test_hostile_text_is_inert(operator: Client) -> None:
    hostile = '<script>alert(1)</script>\u202e"'
    row = make_delivery(
        1,
        endpoint=hostile,
        delivery_id=hostile,
        target=f"/{hostile}?token=hush",
        headers=[[hostile, hostile]],
        body=hostile.encode(),
        body_size=len(hostile.encode()),
        response_headers=[["set-cookie", "hush"]],
        failure=hostile,
        state=DeliveryState.FAILED,
    )

    for path in ("deliveries/", f"delivery/{row.pk}/", f"delivery/{row.pk}/replay/"):
        text = operator.get(f"/admin/webhooks/{path}").text
        assert "<script>alert" not in text, path
        assert "\u202e" not in text, path
        assert "hush" not in text, path


def test_a_delivery_tells_what_came_and_what_became_of_it(operator: Client) -> None:
    row = make_delivery(1, body=b'{"a": 1}', body_size=8, response_body=b"5", response_size=1)

    text = operator.get(f"/admin/webhooks/delivery/{row.pk}/").text

    for told in ("✓ github, checked when it came", "d-1", "sent again, it gets this answer", "x-shown", "Answer: 200"):
        assert told in text
    assert "ob-json-key" in text


def test_who_may_see_no_values_sees_that_there_was_a_body(client_of: Callable[[str], Client]) -> None:
    row = make_delivery(1, target="/do/hush", headers=[["x-a", "hush"]], body=b"hush", body_size=4, failure="hush")
    browser = client_of("blind viewer")

    shown = browser.get(f"/admin/webhooks/delivery/{row.pk}/").text
    listed = browser.get("/admin/webhooks/deliveries/").text

    assert "hush" not in shown + listed
    assert "A body of 4 B, which you may not see." in shown
    assert "text of 4 bytes" in shown


@pytest.mark.parametrize("number", [77, 10**30])
def test_a_delivery_that_is_not_there(operator: Client, number: int) -> None:
    assert operator.get(f"/admin/webhooks/delivery/{number}/").status_code == 404


def test_one_whose_body_was_not_kept_whole_cannot_be_replayed(operator: Client) -> None:
    row = make_delivery(1, body_size=10_000_000)

    page, tried = (
        operator.get(f"/admin/webhooks/delivery/{row.pk}/").text,
        operator.post(f"/admin/webhooks/delivery/{row.pk}/replay/", {"seen": "nothing is deployed"}),
    )

    assert "of which the first 5 B were kept" in page
    assert "OBELISK_DELIVERY_BYTES" in page
    assert tried.status_code == 422
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("role", ROLES)
def test_who_may(client_of: Callable[[str], Client], role: str) -> None:
    row = make_delivery(1)
    browser = client_of(role)
    scopes = rights_of(role)
    looks = [browser.get(f"/admin/webhooks/{path}") for path in ("", "deliveries/", f"delivery/{row.pk}/")]
    tried = browser.post(f"/admin/webhooks/delivery/{row.pk}/replay/", {"seen": "another"}).status_code

    if role == "anonymous":
        assert {*(each.status_code for each in looks), tried} == {302}
        return
    assert {each.status_code for each in looks} == ({200} if Scope.READ in scopes else {403})
    assert tried == (422 if Scope.OPERATE in scopes else 403)
    if Scope.READ in scopes:
        assert ("Replay…" in looks[2].text) == (Scope.OPERATE in scopes)


# --- Refused ----------------------------------------------------------------------------------------------------------


def test_refused_requests_are_listed_and_counted_where_one_looks(endpoint: Path, operator: Client) -> None:
    make_refused(count=1200)
    make_refused(ago=2 * HOUR, endpoint="another", count=7)

    page = operator.get("/admin/webhooks/refused/")
    of_one = operator.get("/admin/webhooks/refused/?endpoint=another").context["requests"]

    assert [row.endpoint for row, _ in page.context["requests"]] == ["another", "doorman"]
    for told in ("401", "POST /do/length", "github: ", "is not that of this body", "192.0.2.7", "1,200"):
        assert told in page.text
    assert [row.endpoint for row, _ in of_one] == ["another"]
    assert "1200 refused" in operator.get("/admin/webhooks/").text
    assert "1,200 requests were refused in the last hour" in operator.get("/admin/webhooks/deliveries/").text
    assert "1,200 refused" in operator.get("/admin/").text


def test_refused_requests_come_page_by_page(operator: Client) -> None:
    numbers = [make_refused(path=f"/{number}").pk for number in range(51)]

    page = operator.get("/admin/webhooks/refused/")
    older = operator.get(f"/admin/webhooks/refused/{page.context['older']}").context["requests"]

    assert [row.pk for row, _ in [*page.context["requests"], *older]] == numbers[::-1]


def test_what_strangers_sent_is_inert_and_shown_to_who_may_see_values(client_of: Callable[[str], Client]) -> None:
    make_refused(path="/<script>alert(1)</script>\u202e", client="<script>alert(2)")

    seeing, blind = (client_of(role).get("/admin/webhooks/refused/").text for role in ("viewer", "blind viewer"))

    assert "<script>alert" not in seeing + blind
    assert "\u202e" not in seeing + blind
    assert "alert(1)" in seeing
    assert "alert(1)" not in blind


# --- Live -------------------------------------------------------------------------------------------------------------


def test_an_endpoint_changes_with_its_deliveries(endpoint: Path) -> None:
    topic = WebhooksTopic(Sub(topic="webhooks", keys=["doorman"]))
    first = topic.read({}, hidden=False)
    assert first is not None
    assert topic.read(first.cursor, hidden=False) is None
    make_delivery(1, state=DeliveryState.FAILED, status=500)

    update = topic.read(first.cursor, hidden=False)

    assert update is not None
    assert [(row.into, row.key) for row in update.rows] == [("endpoints", "doorman")]
    assert "1 failed" in update.rows[0].html


def test_deliveries_change_in_place_and_new_ones_that_match_are_told_of() -> None:
    row = make_delivery(1, state=DeliveryState.RUNNING, status=None)
    topic = DeliveriesTopic(Sub(topic="deliveries", keys=[str(row.pk), "x"], view="endpoint=doorman"))
    first = topic.read({"newest": row.pk}, hidden=False)
    assert first is not None
    assert topic.read(first.cursor, hidden=False) is None
    Delivery.objects.update(state=DeliveryState.ANSWERED, status=204)
    make_delivery(2, endpoint="another")
    make_delivery(3)
    make_refused()

    update = topic.read(first.cursor, hidden=False)

    assert update is not None
    assert [row.key for row in update.rows] == [str(row.pk)]
    assert "204" in update.rows[0].html
    assert "One new delivery" in update.regions["new-deliveries"]
    assert "1 request was refused" in update.regions["refused-lately"]


def test_the_page_of_a_delivery_follows_its_answer_and_its_replays() -> None:
    row = make_delivery(1, state=DeliveryState.RUNNING, status=None)
    topic = DeliveryTopic(Sub(topic="delivery", subject=str(row.pk)))
    first = topic.read({}, hidden=False)
    assert first is not None
    assert topic.read(first.cursor, hidden=False) is None
    Delivery.objects.update(state=DeliveryState.ANSWERED, status=200)
    answered = topic.read(first.cursor, hidden=False)
    assert answered is not None
    assert "Answered" in answered.regions["delivery"]
    make_delivery(2, delivery_id=None, replay_of=row)
    replayed = topic.read(answered.cursor, hidden=False)
    assert replayed is not None
    assert "Replays" in replayed.regions["delivery"]
    Delivery.objects.all().delete()

    gone = topic.read(replayed.cursor, hidden=False)

    assert gone is not None
    assert gone.final


@pytest.mark.parametrize("subject", ["", "x", "9" * 30])
def test_what_names_no_delivery_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="no delivery"):
        DeliveryTopic(Sub(topic="delivery", subject=subject))
