"""The dashboard's page, through the test client with real rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.dashboard import snapshot as snapshots
from console.dashboard.ranges import range_of
from console.dashboard.snapshot import clear_snapshots
from engine.deployment.spec import ComponentType
from engine.log import events as e
from engine.log.return_values import Failed, FailureKind, JsonText, Returned, TypedValue
from executions.journal.journal import SqlJournal
from executions.liveness import CONSIDERED_DEAD_AFTER, beat
from executions.models import DatabaseSize
from executions.statistics.rolling_up import roll_up
from executions.statistics.settled import SettledLog
from executions.statistics.tallies import Outcome
from executions.statistics.tiers import HOURS
from tests.builders import (
    FFQN,
    make_component_id,
    make_created,
    make_execution_id,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit
from tests.executions.statistics.ended import run_once

SLOW = "test:pkg/api.slow"
E1 = make_execution_id(1)
SMALL = "SCAN executions_executorheartbeat"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def count_all() -> None:
    while roll_up(timezone.now(), until=SettledLog().until()):
        pass
    clear_snapshots()


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def part(page: str, element_id: str) -> str:
    """What the element of an id holds, as text; up to the next element with an id."""
    (found,) = re.findall(rf'id="{element_id}">(.*?)<[^<>]* id="', page + '<p id="', re.DOTALL)
    return text_of(found)


def cells_of(page: str) -> list[list[str]]:
    """The cells of the table behind the charts, without what is said about the last stretch."""
    rows = re.findall(r"<tr><td>.*?</tr>", page)
    return [[text_of(cell).removesuffix(" so far") for cell in re.findall(r"<td.*?</td>", row)] for row in rows]


def tiles(page: str) -> dict[str, tuple[str, str]]:
    """Number and address by the words of the tiles."""
    found = re.findall(r'<a class="ob-tile[^"]*" href="([^"]+)" id="tile-[a-z-]+">(.*?)</a>', page, re.DOTALL)
    shown = {}
    for url, html in found:
        _icon, word, count = html.split("</span>")
        shown[text_of(word)] = (text_of(count), unescape(url))
    return shown


def submit(number: int, *events: e.ExecutionEvent, at: datetime, stub: bool = False) -> None:
    kind = ComponentType.ACTIVITY_STUB if stub else ComponentType.WORKFLOW
    created = make_created(scheduled_at=at, component_id=make_component_id(component_type=kind))
    commit(SqlJournal.for_current_connection(), make_submit(make_execution_id(number), created, *events, at=at), now=at)


# --- States -----------------------------------------------------------------------------------------------------------


def test_each_state_has_its_number_and_leads_to_those_that_are_in_it(operator: Client, now: datetime) -> None:
    submit(1, at=now)
    submit(2, make_locked(until=now + timedelta(minutes=1)), at=now)
    submit(3, e.Paused(), at=now)
    submit(4, at=now, stub=True)

    shown = tiles(operator.get("/admin/").text)

    counts = {word: count for word, (count, _) in shown.items() if count != "0"}
    assert counts == {"Pending": "1", "Running": "1", "Paused": "1", "Human task": "1"}
    listed = operator.get(shown["Running"][1]).text
    assert re.findall(r'<tr id="row-(E_[^"]+)"', listed) == [str(make_execution_id(2))]
    assert operator.get(shown["Human task"][1]).status_code == 200


def test_what_is_stuck_is_told_on_the_dashboard_and_in_the_menu(operator: Client, now: datetime) -> None:
    submit(1, at=now - timedelta(minutes=2))
    submit(2, at=now - timedelta(hours=2), stub=True)

    page = operator.get("/admin/").text

    count, url = tiles(page)["Stuck"]
    assert count == "1"
    assert str(E1) in operator.get(url).text
    assert re.search(r"ob-menu-badge[^>]*>\s*1\s*<", page)


def test_what_is_due_for_longest_says_why(operator: Client, now: datetime) -> None:
    submit(1, at=now - timedelta(hours=2))
    submit(2, at=now - timedelta(hours=5), stub=True)

    due = part(operator.get("/admin/").text, "due")

    assert due.startswith("Oldest due, since 2 h ago : E_")
    assert str(E1) in due.replace(" ", "")
    assert f"It is due, but no deployed component exports {FFQN}" in due


# --- What ended -------------------------------------------------------------------------------------------------------


def test_what_ended_is_in_its_column_and_in_the_legend(operator: Client, now: datetime) -> None:
    run_once(1, due_at=now)
    run_once(2, due_at=now, retval=Failed(kind=FailureKind.TIMED_OUT))
    earlier = now.replace(second=30) - timedelta(minutes=30)
    run_once(3, due_at=earlier, took=timedelta(seconds=4))
    count_all()

    page = operator.get("/admin/").text

    assert part(page, "legend").startswith("OK 2 Error 0 Failed 1 Cancelled 0")
    rows = {cells[0]: cells[1:] for cells in cells_of(page)}
    assert rows[f"{earlier:%H:%M}"] == ["1", "0", "0", "0", "0", "4.0 s", "4.9 s", "1 ms"]
    assert sum(int(cells[0]) for cells in rows.values()) == 2
    assert sum(int(cells[2]) for cells in rows.values()) == 1


def test_a_column_leads_to_what_was_created_in_it(operator: Client, now: datetime) -> None:
    at = now.replace(second=30) - timedelta(minutes=5)
    run_once(1, due_at=at)
    run_once(2, due_at=at - timedelta(minutes=2))
    count_all()

    (url,) = re.findall(rf'<tr><td><a href="([^"]+)">{at:%H:%M}<', operator.get("/admin/").text)

    assert re.findall(r'<tr id="row-(E_[^"]+)"', operator.get(unescape(url)).text) == [str(E1)]


@pytest.mark.parametrize(("key", "count"), [("1h", 60), ("24h", 144), ("7d", 168)])
def test_each_range_has_all_its_columns(operator: Client, key: str, count: int) -> None:
    page = operator.get(f"/admin/?range={key}").text

    assert len(re.findall(r"<tr><td>", page)) == count
    assert f'href="?range={key}" aria-current="page"' in page


def test_a_range_that_there_is_not_is_said_and_the_first_one_shown(operator: Client) -> None:
    response = operator.get("/admin/?range=<script>")

    assert response.status_code == 200
    assert "there is no range &#x27;&lt;script&gt;&#x27;; choose one of 1h, 24h, 7d" in response.text


# --- Functions --------------------------------------------------------------------------------------------------------


def names(page: str) -> list[str]:
    return re.findall(r'<tr data-key="([^"]+)"', page)


def row_of(page: str, ffqn: str) -> str:
    (row,) = re.findall(rf'<tr data-key="{re.escape(ffqn)}".*?</tr>', page, re.DOTALL)
    return text_of(row)


def test_functions_stand_with_the_worst_first(operator: Client, now: datetime) -> None:
    run_once(1, ffqn="a:a/a.busy", due_at=now)
    run_once(2, ffqn="a:a/a.busy", due_at=now)
    run_once(3, ffqn="b:b/b.retries", due_at=now, failed_attempts=1)
    run_once(4, ffqn="c:c/c.fails", due_at=now, retval=Returned(ok=False, payload=None))
    submit(5, at=now)
    count_all()

    page = operator.get("/admin/").text

    assert names(page) == ["c:c/c.fails", "b:b/b.retries", "a:a/a.busy", FFQN]
    assert "1 ✕" in row_of(page, "c:c/c.fails")
    assert "HTTP 502" in row_of(page, "b:b/b.retries")


def test_a_function_is_compared_with_its_own_week_before(operator: Client, now: datetime) -> None:
    for number in range(1, 11):
        run_once(number, ffqn=SLOW, due_at=now - timedelta(days=2), took=timedelta(seconds=1))
    for number in range(11, 21):
        run_once(number, ffqn=SLOW, due_at=now - timedelta(seconds=40), took=timedelta(seconds=30))
    count_all()

    page = operator.get("/admin/").text

    found = re.search(r"(\d+) \u00d7", row_of(page, SLOW))
    assert found is not None
    assert 25 <= int(found[1]) <= 35


@pytest.mark.parametrize("key", ["1h", "24h", "7d"])
def test_the_week_before_is_each_of_its_hours_once(db: None, now: datetime, key: str) -> None:
    until = range_of(key).starts(now)[0]
    since = until - timedelta(days=7)
    begun = [HOURS.start_of(since) + number * HOURS.length for number in range(-3, 7 * 24 + 4)]
    for number, start in enumerate(begun, start=1):
        run_once(number, due_at=start + timedelta(seconds=1))
    count_all()

    tally = snapshots._usually(key)[FFQN][Outcome.OK]

    assert tally.count == len([start for start in begun if since <= start < until])


def test_the_last_error_shows_no_value_of_the_function(operator: Client, now: datetime) -> None:
    secret = Returned(ok=False, payload=TypedValue("string", JsonText('"top-secret"')))
    execution_id = run_once(1, due_at=now, retval=secret)
    count_all()

    page = operator.get("/admin/").text

    assert "returned an error" in row_of(page, FFQN)
    assert execution_id in page
    assert "top-secret" not in page


def test_what_others_wrote_is_inert(operator: Client, now: datetime) -> None:
    run_once(
        1,
        due_at=now,
        retval=Failed(kind=FailureKind.UNCATEGORIZED, reason="<script>alert(1)</script>\u202eevil"),
    )
    beat("Exr_1", now=now, started_at=now, deployment_id=None, slots=2, running=0, note="<b>note</b>")
    count_all()

    page = operator.get("/admin/").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202eevil" in page
    assert "&lt;b&gt;note" in page


def test_who_may_see_no_values_sees_that_something_failed_and_not_with_what(
    client_of: Callable[[str], Client], now: datetime
) -> None:
    run_once(1, due_at=now, retval=Failed(kind=FailureKind.UNCATEGORIZED, reason="no card 4111"))
    count_all()

    seeing, blind = client_of("viewer").get("/admin/").text, client_of("blind viewer").get("/admin/").text

    assert "uncategorized: no card 4111" in row_of(seeing, FFQN)
    assert "uncategorized: text of 12 bytes" in row_of(blind, FFQN)
    assert "4111" not in blind


# --- Around -----------------------------------------------------------------------------------------------------------


def test_executors_say_who_is_alive_and_what_they_hold(operator: Client, now: datetime) -> None:
    holder = make_locked(until=now + timedelta(minutes=1))
    submit(1, holder, at=now)
    silent = now - CONSIDERED_DEAD_AFTER - timedelta(seconds=30)
    beat(holder.executor_id, now=now, started_at=now, deployment_id=None, slots=16, running=1)
    beat("Exr_silent", now=silent, started_at=silent, deployment_id=None, slots=16, running=3)

    shown = part(operator.get("/admin/").text, "executors")

    assert re.match(r"Executors : 1 alive, 1 silent , last heard of (\d\d s|\d min) ago", shown)
    assert "1 of 16 slots · holds 1" in shown


def test_without_an_executor_the_page_says_what_to_start(operator: Client) -> None:
    assert "Start one with manage.py run_executor" in part(operator.get("/admin/").text, "executors")


def test_the_database_has_a_size_and_later_a_forecast(operator: Client, now: datetime) -> None:
    assert "No forecast yet" in part(operator.get("/admin/").text, "storage")
    DatabaseSize.objects.create(at=now - timedelta(days=1), size=1)
    clear_snapshots()

    assert re.search(r"≈ \+\S+ \w+ a day → ≈ \S+ \w+ in 30 d", part(operator.get("/admin/").text, "storage"))


# --- Faces ------------------------------------------------------------------------------------------------------------


def test_an_empty_site_shows_the_first_three_steps(client_of: Callable[[str], Client]) -> None:
    operator, viewer = client_of("operator"), client_of("viewer")

    assert "Nothing has run here yet" in operator.get("/admin/").text
    assert "/admin/submit/" in operator.get("/admin/").text.partition("Submit an execution")[2][:200]
    assert "You may look, but not submit." in viewer.get("/admin/").text
    submit(1, at=timezone.now())
    clear_snapshots()
    assert "Nothing has run here yet" not in operator.get("/admin/").text


def test_a_part_that_cannot_be_read_says_so_and_the_others_live_on(
    operator: Client, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    submit(1, at=now)

    def fail(_now: datetime) -> None:
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr(connection, "close", lambda: None)  # the test's transaction is on it
    with monkeypatch.context() as broken:
        broken.setattr(snapshots, "deliveries", fail)
        page = operator.get("/admin/").text
        assert "Deliveries could not be read since" in part(page, "deliveries")
        assert "disk I/O error" in part(page, "deliveries")
        assert tiles(page)["Pending"][0] == "1"
    clear_snapshots()

    assert "could not be read" not in operator.get("/admin/").text


# --- Scale ------------------------------------------------------------------------------------------------------------


def test_no_look_reads_what_has_ended(operator: Client, now: datetime) -> None:
    run_once(1, due_at=now, retval=Returned(ok=False, payload=None))
    submit(2, at=now - timedelta(minutes=2))
    count_all()

    with CaptureQueriesContext(connection) as captured:
        operator.get("/admin/?range=7d")

    assert len(captured) < 45
    with connection.cursor() as cursor:
        for query in captured.captured_queries:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            for step in (row[3] for row in cursor.fetchall()):
                is_whole = re.match(r"SCAN (executions_|webhooks_)", step) and "LIMIT" not in query["sql"]
                assert not is_whole or step.startswith(SMALL), (step, query["sql"])


def test_many_who_look_at_the_same_time_cost_one_look(operator: Client) -> None:
    operator.get("/admin/")
    with CaptureQueriesContext(connection) as captured:
        operator.get("/admin/")

    assert not [query for query in captured.captured_queries if "executorheartbeat" in query["sql"]]
