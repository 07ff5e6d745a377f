from __future__ import annotations

from django.test import Client

from executions.journal.journal import SqlJournal
from executions.operations.pausing import pause
from executions.operations.recording import Operation, RecordingJournal
from tests.builders import make_created, make_execution_id, make_http_exchange, make_submit
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
