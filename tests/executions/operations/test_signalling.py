from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ExecutionNotFound
from engine.log.ids import ExecutionId
from engine.log.state import Status
from engine.replay.outcomes import FinishedReplay
from executions.journal.journal import SqlJournal
from executions.models import Mail
from executions.operations.answering import AnswerRefused
from executions.operations.pausing import unpause
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import NoWorkflow, replay
from executions.operations.signalling import SignalTooLate, SignalUnknown, send
from executions.operations.submitting import submit
from executions.testing import DeployedApp, deployed
from tests.components_app.builders import write_deployment
from tests.engine.journal.commits import assert_state_is_folded
from tests.executions.scripts import ADD, ASK, SUM, write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

ASK_TWICE = """
import { ask } from 'test:js/human';
import { add } from 'test:js/math';
export default function sum(numbers) {
  return add(ask(), ask());
}
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[DeployedApp]:
    with deployed(write_scripts(tmp_path, ASK_TWICE)) as deployed_app:
        yield deployed_app


def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def wait_until_asked(target: ExecutionId, join_set: str) -> None:
    def is_asked() -> bool:
        state = journal().state_of(target)
        return state.status is Status.BLOCKED_BY_JOIN_SET and state.join_set_id == join_set

    eventually(is_asked)


def check(target: ExecutionId) -> None:
    assert_state_is_folded(journal(), target)
    assert isinstance(replay(target), FinishedReplay)


def test_a_signal_ends_the_call_that_waits_and_one_that_comes_early_is_kept(app: DeployedApp) -> None:
    target = app.submit(SUM, [])
    wait_until_asked(target, "o:1-ask")

    assert send(target, ASK, 3)
    assert send(target, "ask", 4)

    assert app.result(target) == {"ok": 7}
    check(target)


def test_signals_that_come_before_the_first_run_are_kept(app: DeployedApp) -> None:
    target = submit(SUM, [[]], paused=True).execution_id
    for value in (1, 2, 3):
        assert send(target, ASK, value)
    assert Mail.objects.filter(is_delivered=False).count() == 3

    unpause(target)

    assert app.result(target) == {"ok": 3}
    assert Mail.objects.filter(is_delivered=False).count() == 1
    check(target)
    with pytest.raises(SignalTooLate, match="has finished"):
        send(target, ASK, 4)


def test_a_signal_id_counts_once(app: DeployedApp) -> None:
    target = app.submit(SUM, [])
    wait_until_asked(target, "o:1-ask")

    assert send(target, ASK, 3, signal_id="payment-1")
    assert not send(target, ASK, 3, signal_id="payment-1")
    assert send(target, ASK, 5, signal_id="payment-2")

    assert app.result(target) == {"ok": 8}
    assert not send(target, ASK, 5, signal_id="payment-2")
    check(target)


def test_what_is_no_signal_is_refused(app: DeployedApp) -> None:
    target = app.submit(SUM, [])
    wait_until_asked(target, "o:1-ask")

    with pytest.raises(SignalUnknown, match="payed is no deployed stub function; name the signal in full"):
        send(target, "payed", 1)
    with pytest.raises(SignalUnknown):
        send(target, ADD, 1)
    with pytest.raises(AnswerRefused, match="expected u32"):
        send(target, ASK, "three")
    with pytest.raises(OperationRefused, match="a signal id has 1 to 256 characters"):
        send(target, ASK, 3, signal_id="x" * 257)
    with pytest.raises(NoWorkflow):
        send(submit(ADD, [1, 2]).execution_id, ASK, 1)
    with pytest.raises(ExecutionNotFound):
        send(ExecutionId("E_01J00000000000000000009999"), ASK, 1)
    assert not Mail.objects.exists()


def test_signals_of_a_python_workflow_go_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "orders.py").write_text(
        "from __future__ import annotations\n"
        "from datetime import timedelta\n"
        "from obelisk import *\n"
        'PACKAGE = "acme:orders"\n'
        "@signal\n"
        "def amount_paid() -> int: ...\n"
        "@workflow\n"
        "def order() -> int:\n"
        "    with timeout(timedelta(days=1)):\n"
        "        return amount_paid() + amount_paid()\n"
    )
    with deployed(write_deployment(tmp_path, '[[python]]\nname = "orders"\nlocation = "orders.py"\n')) as app:
        target = app.submit("acme:orders/workflows.order")
        send(target, "amount_paid", 90)
        send(target, "acme:orders/signals.amount-paid", 9)

        assert app.result(target) == {"ok": 99}
        check(target)
