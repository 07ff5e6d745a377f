"""The audit: everything that was done, found and kept."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from components.models import DeploymentSwitch
from console.audit import entries
from console.audit.entries import Wanted, _within, all_entries, audit_page, place_of
from executions.models import OperationRecord
from tests.builders import DEPLOYMENT, make_execution_id

pytestmark = pytest.mark.django_db

E1, E2 = make_execution_id(1), make_execution_id(2)


def record(minutes: int, *, on: str = E1, what: str = "pause", who: str = "user:ann", why: str = "") -> None:
    at = timezone.now() - timedelta(minutes=minutes)
    OperationRecord.objects.create(execution_id=on, operation=what, actor=who, reason=why, at=at)


def decide(minutes: int, *, who: str = "user:dan") -> None:
    at = timezone.now() - timedelta(minutes=minutes)
    DeploymentSwitch.objects.create(deployment_id=DEPLOYMENT, kind="activated", actor=who, at=at)


def change(minutes: int) -> None:
    bob = User.objects.get_or_create(username="bob")[0]
    entry = LogEntry.objects.log_actions(bob.pk, [bob], ADDITION, "[]", single_object=True)
    LogEntry.objects.filter(pk=entry.pk).update(action_time=timezone.now() - timedelta(minutes=minutes))


def found(**wanted: str) -> list[str]:
    return [entry.what for entry in all_entries(Wanted(**wanted))]  # type: ignore[arg-type]  # texts only


def test_three_kinds_of_records_are_one_list_newest_first() -> None:
    record(5)
    decide(4)
    change(3)
    record(2, what="cancel")
    decide(1)

    assert found() == ["activated", "cancel", "add", "activated", "pause"]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_pages_hold_each_entry_once(length: int) -> None:
    for minutes in range(4):
        record(minutes, on=E1)
        decide(minutes)
        change(minutes)
    # Two of one instant, told apart by their number.
    at = timezone.now()
    OperationRecord.objects.bulk_create(
        OperationRecord(execution_id=E2, operation="pause", actor="user:ann", at=at) for _ in range(2)
    )

    everything = [entry.place for entry in all_entries(Wanted(), portion=length)]

    assert len(everything) == len(set(everything)) == 14
    assert everything == sorted(everything, reverse=True)


def test_filters() -> None:
    record(5, on=E1, what="pause", who="user:ann")
    record(4, on=E2, what="cancel", who="token:8505 billing")
    decide(3, who="user:dan")
    change(2)

    assert found(who="ann") == ["pause"]
    assert found(who="user:bob") == ["add"]
    assert found(what="cancel") == ["cancel"]
    assert found(about=E2) == ["cancel"]
    assert found(about=DEPLOYMENT) == ["activated"]
    assert found(who="nobody") == []
    since = timezone.now() - timedelta(minutes=4, seconds=30)
    assert [entry.what for entry in all_entries(Wanted(since=since))] == ["add", "activated", "cancel"]
    assert [entry.what for entry in all_entries(Wanted(until=since))] == ["pause"]


def test_so_many_operations_are_looked_through_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "LOOKED_THROUGH", 3)
    record(20, who="user:ann", what="cancel")
    for minutes in range(10, 17):
        record(minutes, who="user:eve")
    decide(14, who="user:ann")
    decide(25, who="user:ann")

    first = audit_page(Wanted(who="ann"), behind=None, length=5)

    assert (first.entries, first.is_searching) == ((), True)
    assert first.behind is not None
    assert found(who="ann") == ["activated", "cancel", "activated"]


@pytest.mark.parametrize(
    "text", ["", "1", "1.execution", "x.execution.1", "1.other.1", "1.execution.x", f"{10**18}.site.1", "²." * 3]
)
def test_what_is_no_place_is_none(text: str) -> None:
    assert place_of(text) is None


def test_the_page_tells_who_what_on_which_and_why(client_of: Callable[[str], Client]) -> None:
    record(1, what="pause_delay", who="token:8505 billing", why="because <b>")
    decide(2)

    page = client_of("viewer").get("/admin/audit/").text

    assert "token:8505 billing" in page
    assert "pause delay" in page
    assert "because &lt;b&gt;" in page
    assert f'href="/admin/executions/{E1}/"' in page
    assert f'href="/admin/deployments/{DEPLOYMENT}/"' in page
    assert "export" not in page


def test_the_next_page_keeps_the_filters(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.audit.listing.PAGE", 1)
    record(1, why="newer")
    record(2, why="older")
    record(3, what="cancel")

    page = operator.get("/admin/audit/?what=pause").text
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older is not None
    second = operator.get(f"/admin/audit/{older[1].replace('&amp;', '&')}").text

    assert "newer" in page
    assert "older" in second
    assert "newer" not in second


def text_of(browser: Client, query: str) -> str:
    response = browser.get(f"/admin/audit/export/?{query}")
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # it streams


def test_administrators_take_it_along(admin_client: Client) -> None:
    record(1, who="user:ann", why='=HYPERLINK("http://evil.test")')
    record(2, who="user:eve")

    rows = list(csv.DictReader(text_of(admin_client, "who=ann&format=csv").splitlines()))
    lines = [json.loads(line) for line in text_of(admin_client, "who=ann&format=jsonl").splitlines()]

    assert [row["actor"] for row in rows] == ["user:ann"]
    assert rows[0]["reason"] == '\'=HYPERLINK("http://evil.test")', "no formula for a spreadsheet"
    assert lines[0]["reason"] == '=HYPERLINK("http://evil.test")'
    assert lines[0]["about"] == E1
    assert admin_client.get("/admin/audit/export/?format=exe").status_code == 400


@pytest.mark.parametrize("place", [None, "1767225600000000.execution.5", "1767225600000000.site.5"])
def test_no_page_reads_and_sorts_all_operations(place: str | None) -> None:
    behind = None if place is None else place_of(place)
    rows = _within(OperationRecord.objects.all(), "at", Wanted(), behind, entries.EXECUTION)[:50]

    plan = rows.explain()

    assert ("SCAN" if place is None else "SEARCH") in plan or connection.vendor != "sqlite"
    assert "operation_at" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
