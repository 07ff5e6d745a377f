"""The tabs of an execution, and the rows that they ask for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from msgspec import structs

from engine.deployment.spec import LogLevel
from engine.log import events as e
from executions.journal.journal import SqlJournal
from tests.builders import (
    NOW,
    make_created,
    make_execution_id,
    make_finished,
    make_http_exchange,
    make_locked,
    make_log_line,
    make_submit,
)
from tests.console.parts.families import E1, child, store_family
from tests.engine.journal.commits import commit

_TABS = ("events", "logs", "http", "responses")


@pytest.fixture
def journal(db: None) -> SqlJournal:
    return SqlJournal.for_current_connection()


def rows(client: Client, part: str, query: str = "") -> dict[str, Any]:
    response = client.get(f"/admin/executions/{E1}/{part}/rows/?{query}")
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def test_a_long_log_opens_at_its_end_and_holds_a_window_of_it(operator: Client, journal: SqlJournal) -> None:
    pauses = [event for _ in range(1_000) for event in (e.Paused(), e.Unpaused())]
    commit(journal, make_submit(E1, make_created(), *pauses))

    page = operator.get(f"/admin/executions/{E1}/events/").text
    around = operator.get(f"/admin/executions/{E1}/events/?version=500").text

    shown = [int(version) for version in re.findall(r'id="event-(\d+)"', page)]
    assert shown == list(range(2_001 - len(shown), 2_001))
    assert len(shown) <= 200
    assert 'id="event-500"' in around
    assert around.count('id="event-') <= 200


def test_events_are_told_in_words_and_narrowed_down(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), make_finished()))

    page = operator.get(f"/admin/executions/{E1}/events/").text
    runs = operator.get(f"/admin/executions/{E1}/events/?kind=runs").text

    assert re.findall(r'id="event-(\d+)"', page) == ["0", "1", "2"]
    assert "ok: 55" in page
    assert re.findall(r'id="event-(\d+)"', runs) == ["1"]


def test_the_log_opens_at_the_last_failure(operator: Client, journal: SqlJournal) -> None:
    failed = e.TemporarilyFailed(backoff_expires_at=NOW, reason="no money")
    pauses = [event for _ in range(300) for event in (e.Paused(), e.Unpaused())]
    commit(journal, make_submit(E1, make_created(), make_locked(), failed, *pauses))

    page = operator.get(f"/admin/executions/{E1}/events/?at=failure").text

    assert 'data-at="2"' in page
    assert "no money" in page


def test_what_makes_no_sense_is_one_sentence(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))

    assert operator.get(f"/admin/executions/{E1}/events/?version=x").status_code == 400
    response = operator.get(f"/admin/executions/{E1}/events/rows/?kind=nonsense")
    assert response.status_code == 400
    assert "no kind of event called 'nonsense'" in response.json()["error"]


@pytest.mark.parametrize("part", _TABS)
def test_an_empty_part_says_so_and_answers_with_no_rows(operator: Client, journal: SqlJournal, part: str) -> None:
    commit(journal, make_submit(E1, make_created()))

    assert operator.get(f"/admin/executions/{E1}/{part}/").status_code == 200
    answer = rows(operator, part, "after=5")
    assert (answer["rows"], answer["newer"]) == ([], None)


@pytest.mark.parametrize("role", ["anonymous", "stranger"])
@pytest.mark.parametrize(
    "path",
    [*(f"{part}/rows/" for part in _TABS), "events/0/", "events/0/value/", "links/", "raw/events/", "raw/all/file/"],
)
def test_whoever_may_not_see_pages_sees_no_rows(client_of: Any, journal: SqlJournal, role: str, path: str) -> None:
    commit(journal, make_submit(E1, make_created()))

    assert client_of(role).get(f"/admin/executions/{E1}/{path}").status_code in (302, 403)


def test_log_lines_are_narrowed_down(operator: Client, journal: SqlJournal) -> None:
    store_family(journal)
    lines = [
        make_log_line(E1, message="printed <b>"),
        structs.replace(make_log_line(E1, message="low"), level=LogLevel.WARN, stream=None),
        make_log_line(child(1), message=f"of {child(2)}"),
    ]
    journal.add_log_lines(lines)

    def messages(query: str) -> list[str]:
        html = [row["html"] for row in rows(operator, "logs", query)["rows"]]
        return [re.sub(r"<[^>]+>", "", each.rpartition('class="ob-message">')[2]).strip() for each in html]

    assert messages("") == ["printed &lt;b&gt;", "low", f"of {child(2)}"]
    assert messages("derived=off") == ["printed &lt;b&gt;", "low"]
    assert messages("level=warn") == ["low"]
    assert messages("level=warn&stream=stdout") == ["printed &lt;b&gt;", "low", f"of {child(2)}"]
    assert messages("run=Run_9") == []
    assert messages("text=OF") == [f"of {child(2)}"]
    assert f'href="/admin/executions/{child(2)}/"' in rows(operator, "logs", "text=of")["rows"][0]["html"]


def test_a_refused_request_names_the_rule(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))
    rule = "GET http://b.test/ is not allowed by the component's allowed_host entries"
    journal.add_http_exchanges(
        [
            make_http_exchange(E1),
            make_http_exchange(E1, url="http://b.test/<y>", status=None, error=f"HTTP-request-denied: {rule}"),
        ]
    )

    page = operator.get(f"/admin/executions/{E1}/http/").text
    bad = rows(operator, "http", "failures=on")["rows"]

    assert "bodies are not recorded" in page
    assert "refused" in page
    assert "not allowed by the component&#x27;s allowed_host entries" in page
    assert "http://b.test/&lt;y&gt;" in page
    assert len(bad) == 1


def test_responses_tell_by_which_event_they_were_taken(operator: Client, journal: SqlJournal) -> None:
    store_family(journal)

    html = [row["html"] for row in rows(operator, "responses")["rows"]]

    assert [re.findall(r">event (\d+)<", each) for each in html] == [["7"], ["9"], ["8"], []]
    assert "not awaited yet" in html[3]
    assert f'href="/admin/executions/{child(2)}/events/?version=1#v1"' in html[0]


@pytest.mark.parametrize("part", _TABS)
def test_a_page_of_many_rows_takes_few_queries(
    operator: Client, journal: SqlJournal, part: str, django_assert_max_num_queries: Any
) -> None:
    store_family(journal)
    journal.add_log_lines([make_log_line(E1) for _ in range(100)])
    journal.add_http_exchanges([make_http_exchange(E1) for _ in range(100)])

    with django_assert_max_num_queries(20):
        rows(operator, part)


def test_of_an_execution_that_is_not_there_nothing_is_shown(operator: Client) -> None:
    assert operator.get(f"/admin/executions/{make_execution_id(9)}/events/rows/").status_code == 404
