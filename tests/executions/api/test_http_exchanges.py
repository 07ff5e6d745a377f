from __future__ import annotations

import pytest

from executions.access.scopes import Scope
from executions.journal.journal import SqlJournal
from tests.builders import make_created, make_execution_id, make_http_exchange, make_submit
from tests.engine.journal.commits import commit
from tests.executions.api.clients import Api

pytestmark = pytest.mark.django_db

E1, E2 = make_execution_id(1), make_execution_id(2)


@pytest.fixture
def api() -> Api:
    journal = SqlJournal.for_current_connection()
    for each in (E1, E2):
        commit(journal, make_submit(each, make_created()))
    denied = make_http_exchange(E1, status=None, error="HTTP-request-denied")
    journal.add_http_exchanges([make_http_exchange(E1), make_http_exchange(E2), denied])
    return Api([Scope.READ])


def test_requests_are_listed_with_what_became_of_them(api: Api) -> None:
    first, second = api.get(f"executions/{E1}/http").json["http_exchanges"]

    expected = make_http_exchange(E1)
    assert (first["method"], first["url"], first["status"]) == (expected.method, expected.url, expected.status)
    assert (first["run_id"], first["request_bytes"]) == (expected.run_id, expected.request_bytes)
    assert first["duration_us"] == expected.duration.total_seconds() * 1_000_000
    assert "error" not in first
    assert second["error"] == "HTTP-request-denied"
    assert "status" not in second


def test_requests_are_paged_by_their_cursors(api: Api) -> None:
    path = f"executions/{E1}/http"
    first, second = api.get(path).json["http_exchanges"]

    assert api.get(path, {"length": 1}).json["http_exchanges"] == [first]
    assert api.get(path, {"cursor": first["cursor"]}).json["http_exchanges"] == [second]
    assert api.get(path, {"length": 1, "direction": "older"}).json["http_exchanges"] == [second]


def test_who_may_not_read_is_not_told() -> None:
    assert Api([Scope.SUBMIT]).get(f"executions/{E1}/http").code == "missing_scope"
    assert Api([Scope.READ]).get(f"executions/{E1}/http").code == "execution_not_found"
