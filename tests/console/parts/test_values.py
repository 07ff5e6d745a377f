"""Opened events, and values piece by piece."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from console.payloads import PIECE, SHOWN, value_url
from engine.log.return_values import JsonText
from engine.workflow.inheritance import SEED_KEY
from engine.workflow.lineage import LINEAGE_KEY
from executions.journal.journal import SqlJournal
from tests.builders import make_created, make_submit
from tests.console.parts.families import DELAY, E1, LATER, child, store_family
from tests.engine.journal.commits import commit

_U64 = "18446744073709551615"


@pytest.fixture
def journal(db: None) -> SqlJournal:
    return SqlJournal.for_current_connection()


def opened(client: Client, version: int, execution_id: str = E1) -> str:
    response = client.get(f"/admin/executions/{execution_id}/events/{version}/")
    assert response.status_code == 200
    return response.text


def targets(html: str) -> list[tuple[str, str]]:
    return re.findall(r"<dt>([^<]+)</dt><dd>(?:<a href=\"[^\"]*\">|<span[^>]*>)([^<]+)<", html)


def test_a_submission_leads_to_child_response_and_await_and_each_leads_back(
    operator: Client, journal: SqlJournal
) -> None:
    store_family(journal)

    submission, awaiting = opened(operator, 3), opened(operator, 8)
    begin, end = opened(operator, 0, child(1)), opened(operator, 1, child(1))

    assert targets(submission)[:3] == [("Child", child(1)), ("Response", "no. 3"), ("Awaited by", "event 8")]
    assert targets(awaiting)[:3] == [("Response", "no. 3"), ("Of", child(1)), ("Submitted by", "event 3")]
    assert targets(begin)[:3] == [("Submitted by", "event 3"), ("Response", "no. 3"), ("Awaited by", "event 8")]
    assert targets(end)[:2] == [("Response", "no. 3"), ("Awaited by", "event 8")]


def test_what_has_not_come_or_was_not_awaited_is_told(operator: Client, journal: SqlJournal) -> None:
    store_family(journal)

    assert ("Awaited by", "not awaited yet") in targets(opened(operator, 5))
    assert ("Response", "none yet") in targets(opened(operator, LATER))


def test_a_bar_of_the_timeline_leads_to_its_events(operator: Client, journal: SqlJournal) -> None:
    store_family(journal)

    of_child = operator.get(f"/admin/executions/{child(2)}/links/").text
    of_delay = operator.get(f"/admin/executions/{E1}/links/?delay={DELAY}").text

    assert f'href="/admin/executions/{E1}/events/?version=4#v4"' in of_child
    assert f'href="/admin/executions/{E1}/events/?version=7#v7"' in of_child
    assert f'href="/admin/executions/{E1}/events/?version=9#v9"' in of_delay
    assert operator.get(f"/admin/executions/{E1}/links/?delay=x").status_code == 400


def test_a_value_is_read_to_the_last_digit(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(params=f'[{{"a/b~c":{_U64}}},0.10000000000000000000001]')))

    def value(pointer: str) -> str:
        return operator.get(value_url(E1, 0, f"/created/params{pointer}")).text

    assert value("/0/a~1b~0c") == _U64
    assert value("/1") == "0.10000000000000000000001"


@pytest.mark.parametrize("pointer", ["/created/params/2", "/created/params/-1", "/created/ffqn/0", "/nothing"])
def test_where_there_is_no_value(operator: Client, journal: SqlJournal, pointer: str) -> None:
    commit(journal, make_submit(E1, make_created(params="[1]")))

    assert operator.get(value_url(E1, 0, pointer)).status_code == 404
    assert operator.get(value_url(E1, 7)).status_code == 404


def test_a_large_value_is_cut_and_its_pieces_make_up_the_whole(operator: Client, journal: SqlJournal) -> None:
    text = f'["{"<x>" * 60_000}"]'
    commit(journal, make_submit(E1, make_created(params=JsonText(text))))
    page = operator.get(f"/admin/executions/{E1}/").text

    pieces = [piece_of(page)]
    url = next_of(page)
    while url is not None:
        piece = operator.get(url).text
        pieces.append(piece_of(piece))
        url = next_of(piece)

    assert len(page) < 200_000
    assert f"{len(text):,} characters" in page
    assert "".join(pieces) == text
    assert [len(piece) for piece in pieces[:2]] == [SHOWN, PIECE]


def piece_of(html: str) -> str:
    found = re.search(r'<pre class="ob-value ob-piece">(.*?)</pre>', html, re.DOTALL)
    assert found is not None
    return found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')


def next_of(html: str) -> str | None:
    found = re.search(r'data-load="([^"]+)"', html)
    return None if found is None else found[1].replace("&amp;", "&")


def test_a_log_of_large_events_shows_their_sizes(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(params=f'["{"x" * 5_000_000}"]')))

    page = operator.get(f"/admin/executions/{E1}/events/").text

    assert "a value of 5.0 MB" in page
    assert len(page) < 200_000


def test_no_way_leads_to_what_nobody_may_see(operator: Client, journal: SqlJournal) -> None:
    metadata = ((SEED_KEY, "topsecret"), (LINEAGE_KEY, "topsecret too"), ("x", "y"))
    commit(journal, make_submit(E1, make_created(metadata=metadata)))

    answers = [
        opened(operator, 0),
        operator.get(value_url(E1, 0)).text,
        operator.get(value_url(E1, 0, "/created/metadata")).text,
        operator.get(f"/admin/executions/{E1}/raw/events/").text,
        b"".join(operator.get(f"/admin/executions/{E1}/raw/all/file/")).decode(),
    ]

    assert all("topsecret" not in answer for answer in answers)
    assert operator.get(value_url(E1, 0, f"/created/metadata/{SEED_KEY}")).status_code == 404
