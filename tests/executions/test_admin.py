from __future__ import annotations

import re

from django.test import Client

from engine.log import events as e
from executions.journal.journal import SqlJournal
from executions.operations.pausing import pause
from executions.operations.recording import Operation, RecordingJournal
from tests.builders import (
    JOIN_SET,
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_execution_id,
    make_http_exchange,
    make_submit,
)
from tests.engine.journal.commits import commit

E1 = make_execution_id(1)


def test_an_executions_page_shows_its_http_requests(admin_client: Client) -> None:
    journal = SqlJournal.for_current_connection()
    commit(journal, make_submit(E1, make_created()))
    denied = make_http_exchange(E1, url="http://b.test/<y>", status=None, error="HTTP-request-denied: no")
    journal.add_http_exchanges([make_http_exchange(E1), denied])

    page = admin_client.get(f"/admin/executions/execution/{E1}/change/").text

    assert "<td>200</td><td>GET</td><td><code>http://a.test/x</code></td><td>0 bytes out, 2 in</td>" in page
    assert "<code>http://b.test/&lt;y&gt;</code></td><td>HTTP-request-denied: no</td>" in page


def test_an_executions_page_shows_who_operated(admin_client: Client) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created()))
    pause(E1, journal=RecordingJournal(E1, Operation.PAUSE, actor="user:ann", reason="<b>"))

    page = admin_client.get(f"/admin/executions/execution/{E1}/change/").text

    assert "<td>pause</td><td></td><td>user:ann</td><td>&lt;b&gt;</td>" in page
    assert "It is paused by user:ann since" in page


def test_an_execution_without_requests_has_a_page_too(admin_client: Client) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created()))

    assert admin_client.get(f"/admin/executions/execution/{E1}/change/").status_code == 200


def test_the_link_to_a_child_leads_to_it_whatever_its_number(admin_client: Client) -> None:
    journal = SqlJournal.for_current_connection()
    # Django writes a quotation mark in an address as _22.
    commit(journal, make_submit(E1, make_created()))
    join_set = e.JoinSetCreated(join_set_id=JOIN_SET)
    children = range(1, 23)
    requests = [make_child_request(E1, number) for number in children]
    made = [make_child(E1, number) for number in children]
    commit(journal, make_append(E1, join_set, *requests, expected=1, created=made))

    page = admin_client.get(f"/admin/executions/execution/{E1}/change/").text
    (link,) = re.findall(rf'<a href="([^"]*)">{re.escape(made[-1].execution_id)}</a>', page)

    assert admin_client.get(link).status_code == 200
