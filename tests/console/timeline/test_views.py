"""The timeline's answers, from rows that the journal wrote."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from console.timeline import snapshots
from console.timeline.snapshots import PATIENT, Snapshots
from console.timeline.tree import Tree
from engine.log import events as e
from engine.log.ids import ExecutionId, child_id, delay_id
from executions.instants import to_micros
from executions.journal.journal import SqlJournal
from executions.models import Execution
from executions.operations.pausing import pause
from executions.operations.recording import Operation, RecordingJournal
from tests.builders import (
    JOIN_SET,
    after,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_delay_end,
    make_delay_request,
    make_execution_id,
    make_finished,
    make_holder,
    make_http_exchange,
    make_join_next,
    make_lock_request,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit, lock_pending
from tests.harness.eventually import PATIENCE_S

pytestmark = pytest.mark.django_db

E1 = make_execution_id(1)
URL = f"/admin/executions/{E1}/timeline/window/"
SECOND = 1_000_000


@pytest.fixture(autouse=True)
def fresh_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.timeline.views.SNAPSHOTS", Snapshots())


@pytest.fixture
def viewer(client_of: Callable[[str], Client]) -> Client:
    return client_of("viewer")


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def submit_children(journal: SqlJournal, count: int, *, first_is_ended: bool = False) -> None:
    """A workflow with some children, which it submitted a second after its own beginning."""
    requests = [make_child_request(E1, number) for number in range(1, count + 1)]
    children = [make_child(E1, number, at=after(1)) for number in range(1, count + 1)]
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    commit(journal, make_append(E1, *requests, expected=3, at=after(1), created=children))
    if first_is_ended:
        commit(journal, make_child_end(E1, 1, at=after(3)), now=after(3))


def asked(browser: Client, **query: Any) -> dict[str, Any]:
    response = browser.get(URL, query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def rows(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["kind"], row["key"]) for row in answer["rows"]]


def test_a_tree_is_shown_with_states_links_and_times(viewer: Client, journal: SqlJournal) -> None:
    submit_children(journal, 2, first_is_ended=True)

    answer = asked(viewer)

    root, first, second = answer["rows"]
    assert rows(answer) == [("execution", "."), ("execution", ".n:work_1"), ("execution", ".n:work_2")]
    assert (root["depth"], root["is_open"], first["depth"]) == (0, True, 1)
    assert (first["state"]["word"], second["state"]["word"]) == ("OK", "Pending")
    assert first["url"] == f"/admin/executions/{child_id(E1, JOIN_SET, 1)}/"
    assert first["links"] == reverse("admin:console_links", args=[child_id(E1, JOIN_SET, 1)])
    assert (first["begin"], first["end"]) == (SECOND, 3 * SECOND)
    assert "end" not in second
    assert second["bars"][-1]["goes_on"]
    assert (answer["total"], answer["goes_on"]) == (3, True)


def test_delays_have_their_beginning_and_their_end(viewer: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    fired, pending = (make_delay_request(E1, n, expires_at=after(10 * n)) for n in (1, 2))
    commit(journal, make_append(E1, fired, pending, expected=3, at=after(4)))
    commit(journal, make_delay_end(delay_id(E1, JOIN_SET, 1), at=after(11)), now=after(11))

    _, first, second = asked(viewer)["rows"]

    assert (first["kind"], first["name"], first["note"]) == ("delay", "delay 6.0 s", "fired after 7.0 s")
    assert (first["begin"], first["end"]) == (4 * SECOND, 11 * SECOND)
    assert (second["name"], second["bars"][-1]["goes_on"]) == ("delay 16.0 s", True)


def test_a_cancelled_delay_says_how_long_it_should_have_been(viewer: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    commit(journal, make_append(E1, make_delay_request(E1, expires_at=after(64)), expected=3, at=after(4)))
    commit(journal, make_delay_end(delay_id(E1, JOIN_SET, 1), at=after(6), cancelled=True), now=after(6))

    _, delay = asked(viewer)["rows"]

    assert (delay["name"], delay["note"], delay["bars"][0]["cap"]) == (
        "delay 1 min",
        "cancelled after 2.0 s",
        "cancelled",
    )


def test_what_only_waits_is_drawn_short_and_what_runs_is_not(viewer: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    request = make_delay_request(E1, expires_at=after(900))
    commit(journal, make_append(E1, request, make_join_next(), expected=3, at=after(100), awaits=True))
    commit(journal, make_delay_end(delay_id(E1, JOIN_SET, 1), at=after(900)), now=after(900))
    holder = make_holder(2)
    lock_pending(journal, make_lock_request(now=after(900), until=after(1100), holder=holder))
    commit(journal, make_append(E1, make_finished(), expected=6, at=after(1000), holder=holder), now=after(1000))

    (gap,) = (piece for piece in asked(viewer)["pieces"] if piece["is_gap"])

    assert 100 * SECOND < gap["t0"] < gap["t1"] < 900 * SECOND


def test_requests_are_a_row_below_their_execution(viewer: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), make_finished()))
    journal.add_http_exchanges(
        [make_http_exchange(E1, url="http://a.test/x?key=1"), make_http_exchange(E1, status=502)]
    )

    _, requests = asked(viewer)["rows"]

    assert (requests["kind"], requests["name"], requests["note"]) == (
        "requests",
        "GET a.test/x",
        "2 requests · 1 failed",
    )


def test_operations_are_marked_with_who_did_them(viewer: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))
    pause(E1, journal=RecordingJournal(E1, Operation.PAUSE, actor="user:ann"))

    (root,) = asked(viewer)["rows"]

    assert [(sign["sign"], sign["text"]) for sign in root["signs"]] == [("operated", "pause by user:ann")]
    assert root["bars"][-1]["look"] == "paused"


def test_a_window_holds_only_what_is_asked_for(viewer: Client, journal: SqlJournal) -> None:
    submit_children(journal, 30)

    answer = asked(viewer, first=10, rows=5, begin=0, end=2 * SECOND, width=500)

    assert [row["key"] for row in answer["rows"]] == [f".n:work_{number}" for number in range(10, 15)]
    assert (answer["first"], answer["total"], answer["begin"], answer["end"]) == (10, 31, 0, 2 * SECOND)
    assert all(bar["x"] + bar["width"] <= 500 for row in answer["rows"] for bar in row["bars"])


def test_rows_that_people_closed_stay_closed(viewer: Client, journal: SqlJournal) -> None:
    submit_children(journal, 2)

    answer = asked(viewer, open="", chosen="true")

    assert rows(answer) == [("execution", ".")]
    assert answer["rows"][0]["is_open"] is False


def test_many_children_of_one_function_are_one_row(viewer: Client, journal: SqlJournal) -> None:
    submit_children(journal, 60, first_is_ended=True)

    _, group = asked(viewer)["rows"]

    assert (group["kind"], group["name"]) == ("group", "api.call \u00d7 60")
    assert group["note"] == "59 unfinished · longest 2.0 s"
    assert max(bar["count"] for bar in group["bars"]) == 60


def test_the_number_of_queries_does_not_grow_with_the_tree(viewer: Client, journal: SqlJournal) -> None:
    submit_children(journal, 3)
    asked(viewer)
    with CaptureQueriesContext(connection) as few:
        asked(viewer, chosen="true", open=".")
    others = [make_child_request(E1, number) for number in range(4, 45)]
    children = [make_child(E1, number, at=after(2)) for number in range(4, 45)]
    commit(journal, make_append(E1, *others, expected=6, at=after(2), created=children))
    with CaptureQueriesContext(connection) as many:
        asked(viewer, chosen="true", open=".", rows=80)

    assert len(many) - len(few) <= 6, "a tree is read again with as many queries as the first time"


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"width": "wide"}, "width"),
        ({"rows": "100000"}, "rows"),
        ({"begin": "-1"}, "begin"),
        ({"zoom": "2"}, "zoom"),
        ({"open": "x" * 9000}, "open"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    viewer: Client, journal: SqlJournal, query: dict[str, str], problem: str
) -> None:
    commit(journal, make_submit(E1, make_created()))

    response = viewer.get(URL, query)

    assert response.status_code == 400
    assert problem in response.json()["error"]


def test_an_execution_that_is_not_there_has_no_timeline(viewer: Client) -> None:
    assert viewer.get(URL).status_code == 404


def test_what_people_wrote_travels_as_data(viewer: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), make_finished()))
    journal.add_http_exchanges([make_http_exchange(E1, url="http://a.test/<script>\u202ex")])

    response = viewer.get(URL)

    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["rows"][1]["name"] == "GET a.test/<script>\\u202ex"


def test_a_long_log_is_shown_as_how_much_was_written_when(viewer: Client, journal: SqlJournal) -> None:
    draws = [e.Persist(value=b"\0" * 8, kind=e.RandomU64(0, 9)) for _ in range(500)]
    commit(journal, make_submit(E1, make_created(), make_locked()))
    for number in range(4):
        commit(journal, make_append(E1, *draws, expected=2 + 500 * number, at=after(number + 1)))

    (whole,) = asked(viewer)["rows"]
    (part,) = asked(viewer, begin=0, end=SECOND // 2)["rows"]

    assert {bar["look"] for bar in whole["bars"]} == {"crowd"}
    assert part["bars"], "whatever is looked at closely has something to show"
    assert "run" not in part["note"], "what is not in sight is not summed up"


def test_the_first_page_shows_the_timeline(viewer: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))

    for address in (f"/admin/executions/{E1}/", f"/admin/executions/{E1}/timeline/"):
        page = viewer.get(address).text
        assert f'data-url="{URL}"' in page
        assert "console/timeline.js" in page
        assert "style=" not in page.partition('id="timeline"')[2]


def row_of(execution_id: ExecutionId = E1) -> Execution:
    return Execution.objects.get(pk=execution_id)


def test_a_reading_serves_everybody_for_a_moment(journal: SqlJournal) -> None:
    submit_children(journal, 2)
    kept = Snapshots()

    assert kept.of(row_of()) is kept.of(row_of())


def test_a_reading_is_not_good_any_more_once_the_execution_has_ended(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))
    kept = Snapshots()
    before = kept.of(row_of())
    commit(journal, make_append(E1, make_finished(), expected=2))

    assert kept.of(row_of()) is not before


def test_a_reading_of_what_ended_long_ago_is_good_for_ever(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_LEAST_PAUSE_S", 0)
    monkeypatch.setattr(snapshots, "_PACE", 0)
    commit(journal, make_submit(E1, make_created(), make_locked(), make_finished()))
    kept = Snapshots()

    assert kept.of(row_of()) is kept.of(row_of())


def test_a_step_of_the_zoom_does_not_wait_for_a_large_tree_to_be_read_again(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit_children(journal, 2)
    row, kept = row_of(), Snapshots()
    monkeypatch.setattr(snapshots, "_LEAST_PAUSE_S", 0)
    # As if it took a minute to read.
    large = replace(kept.of(row), took_s=60.0, read_at=time.monotonic() - 60 * snapshots._PACE - 1)
    is_reading, may_go_on = threading.Event(), threading.Event()

    def read_slowly(*_: Any) -> Tree:
        is_reading.set()
        assert may_go_on.wait(PATIENCE_S)
        return large.tree

    monkeypatch.setattr(snapshots, "read_tree", read_slowly)
    monkeypatch.setattr(snapshots, "idle_of", lambda *_: [])
    monkeypatch.setattr(kept, "_kept", OrderedDict({row.pk: large}))
    with ThreadPoolExecutor(1) as others:
        reading = others.submit(kept.of, row)
        assert is_reading.wait(PATIENCE_S)
        at_hand = kept.of(row, patience=PATIENT)
        may_go_on.set()

        assert at_hand is large
        assert reading.result(PATIENCE_S) is not large


def test_a_tree_is_unfolded_once_for_all_steps_of_the_zoom(journal: SqlJournal) -> None:
    submit_children(journal, 2)
    unfolded = Snapshots().of(row_of()).unfolded

    assert unfolded.rows({"."}) is unfolded.rows(["."])
    assert len(unfolded.rows({"."})) == 3
    assert len(unfolded.rows(())) == 1


def test_readings_that_are_long_unused_are_let_go(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_MOST_KEPT_NODES", 1)
    submit_children(journal, 2)
    other = make_execution_id(2)
    commit(journal, make_submit(other, make_created(), make_locked(), make_finished()))
    kept = Snapshots()
    first = kept.of(row_of())
    kept.of(row_of(other))

    assert kept.of(row_of()) is not first


def test_a_childs_wait_for_its_next_attempt_is_idle(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    child = make_child(E1, 1, make_locked())
    commit(journal, make_append(E1, make_child_request(E1), make_join_next(), expected=3, created=[child], awaits=True))
    failed = e.TemporarilyFailed(backoff_expires_at=after(900), reason="502")
    commit(
        journal, make_append(child.execution_id, failed, expected=2, at=after(3), holder=make_holder()), now=after(3)
    )

    idle = Snapshots().of(row_of()).idle

    assert (to_micros(after(3)), to_micros(after(900))) in idle
