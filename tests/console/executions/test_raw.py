from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from executions.journal.journal import SqlJournal
from tests.builders import make_created, make_finished, make_http_exchange, make_locked, make_log_line, make_submit
from tests.console.parts.families import E1, store_family
from tests.engine.journal.commits import commit


@pytest.fixture
def journal(db: None) -> SqlJournal:
    return SqlJournal.for_current_connection()


def file(client: Client, part: str, query: str = "") -> Any:
    response = client.get(f"/admin/executions/{E1}/raw/{part}/file/{query}")
    assert "attachment" in response.headers["Content-Disposition"]
    return json.loads(response.getvalue())


def test_each_part_is_what_the_api_says(operator: Client, journal: SqlJournal) -> None:
    store_family(journal)
    journal.add_log_lines([make_log_line(E1, message="one"), make_log_line(E1, message="two")])
    journal.add_http_exchanges([make_http_exchange(E1)])

    everything = file(operator, "all")

    assert everything["execution"]["execution_id"] == E1
    assert [event["version"] for event in everything["events"]] == list(range(12))
    assert [response["cursor"] for response in everything["responses"]] == [1, 2, 3, 4]
    assert len(everything["logs"]) == 2
    assert len(everything["http"]) == 1
    assert all(file(operator, part) == everything[part] for part in everything)
    assert len(file(operator, "logs", "?text=one")) == 1


def test_the_page_tells_how_to_ask_the_api_for_the_same(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), make_finished()))

    page = operator.get(f"/admin/executions/{E1}/raw/").text

    assert f"http://testserver/v1/executions/{E1}/events?length=200" in page


def test_what_is_very_large_stands_alone(operator: Client, journal: SqlJournal) -> None:
    large = json.dumps(["x" * 3_000_000])
    commit(journal, make_submit(E1, make_created(params=large), make_locked(), make_finished()))

    first = operator.get(f"/admin/executions/{E1}/raw/events/").text
    others = operator.get(f"/admin/executions/{E1}/raw/events/?after=0").text

    assert 'href="?after=0"' in first
    assert len(first) < 200_000
    assert "locked" in others
    assert "?after=2" not in others


@pytest.mark.parametrize("part", ["execution", "responses", "logs", "http"])
def test_a_part_without_documents_says_so(operator: Client, journal: SqlJournal, part: str) -> None:
    commit(journal, make_submit(E1, make_created()))

    page = operator.get(f"/admin/executions/{E1}/raw/{part}/")

    assert page.status_code == 200
    assert ("There are none." in page.text) == (part != "execution")


def test_a_part_that_is_none(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))

    assert operator.get(f"/admin/executions/{E1}/raw/secrets/").status_code == 404
    assert operator.get(f"/admin/executions/{E1}/raw/secrets/file/").status_code == 404
