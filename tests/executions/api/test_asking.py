"""Signals, queries and local variables by HTTP, with a real executor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.services import deploy
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.access.scopes import Scope
from executions.journal.journal import SqlJournal
from executions.operations.submitting import submit
from executions.testing import DeployedApp, deployed
from tests.components_app.builders import write_deployment
from tests.executions.api.clients import Api
from tests.executions.scripts import ADD, write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

ORDER = "acme:orders/workflows.order"
SOURCE = """
from __future__ import annotations
from obelisk import *

PACKAGE = "acme:orders"
status = {"paid": 0}

@signal
def paid() -> int: ...

@workflow
def order() -> int:
    amount = paid()
    status["paid"] = amount
    return amount + paid()

@query
def amount(factor: int = 1) -> int:
    return status["paid"] * factor

@query
def breaks() -> int:
    return 1 // 0
"""


@pytest.fixture
def app(api: Api, tmp_path: Path) -> Iterator[DeployedApp]:
    (tmp_path / "orders.py").write_text(SOURCE)
    file = write_deployment(tmp_path, '[[python]]\nname = "orders"\nlocation = "orders.py"\n')
    with deployed(file) as deployed_app:
        yield deployed_app


def wait_until_blocked(target: ExecutionId, responses: int) -> None:
    def is_blocked() -> bool:
        state = SqlJournal.for_current_connection().state_of(target)
        return state.status is Status.BLOCKED_BY_JOIN_SET and state.response_count == responses

    eventually(is_blocked)


def test_a_workflow_is_signalled_and_asked(api: Api, app: DeployedApp) -> None:
    target = app.submit(ORDER)
    path = f"executions/{target}"
    signal = {"name": "paid", "payload": 90, "signal_id": "payment-1"}

    answers = [api.post(f"{path}/signals", signal).json for _ in range(2)]
    wait_until_blocked(target, responses=1)

    assert answers == [{"ok": "sent"}, {"ok": "was sent before"}]
    assert api.post(f"{path}/query", {"name": "amount", "params": [2]}).json == {"ok": 180}
    (frame, *_) = api.get(f"{path}/locals").json
    assert (frame["function"], frame["locals"]["amount"]) == ("order", "90")
    api.post(f"{path}/signals", {"name": "paid", "payload": 10})
    assert app.result(target) == {"ok": 100}
    assert api.post(f"{path}/signals", {"name": "paid", "payload": 10}).code == "already_finished"


def test_what_cannot_be_sent_or_asked_is_refused(api: Api, app: DeployedApp) -> None:
    path = f"executions/{app.submit(ORDER)}"

    assert api.post(f"{path}/signals", {"name": "nix"}).code == "signal_unknown"
    assert api.post(f"{path}/signals", {"name": "paid", "payload": "much"}).code == "invalid_result"
    assert api.post(f"{path}/signals", {"payload": 1}).code == "invalid_body"
    assert api.post(f"{path}/query", {"name": "nix"}).code == "query_unknown"
    assert api.get(f"{path}/locals?version=99").code == "illegal_state"
    failed = api.post(f"{path}/query", {"name": "breaks"})
    assert (failed.status, failed.code) == (422, "query_failed")
    assert "1 // 0" in failed.json["trace"] or "breaks" in failed.json["trace"]


def test_what_is_no_workflow_is_refused(api: Api, tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    path = f"executions/{submit(ADD, [1, 2]).execution_id}"

    assert api.post(f"{path}/signals", {"name": "ask", "payload": 1}).code == "no_workflow"
    assert api.post(f"{path}/query", {"name": "amount"}).code == "no_workflow"
    assert api.get(f"{path}/locals").code == "no_workflow"


def test_signals_change_something_and_questions_do_not() -> None:
    reader = Api([Scope.READ])
    path = "executions/E_01KBNHM5FQW81KP5Y3XMNX31K4"

    assert reader.post(f"{path}/signals", {"name": "paid"}).code == "missing_scope"
    assert reader.post(f"{path}/query", {"name": "amount"}).code == "execution_not_found"
