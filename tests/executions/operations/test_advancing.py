from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.services import deploy
from engine.log.events import HISTORY_EVENTS, HistoryEvent
from engine.log.ids import DelayId, ExecutionId
from engine.log.retval_json import retval_to_api
from engine.log.state import Lifecycle
from engine.replay.outcomes import Advanceable
from executions.journal.journal import SqlJournal
from executions.models import Delay, Execution
from executions.operations.advancing import Advanced, ReplayMismatch, VersionMismatch, advance
from executions.operations.captured_writes import CapturedWritesInvalid, encode_captured_write
from executions.operations.delays import unpause_delay
from executions.operations.pausing import pause, unpause
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import replay
from executions.operations.submitting import submit
from executions.testing import deployed
from tests.components_app.builders import TEST_COMPONENTS
from tests.engine.journal.commits import assert_state_is_folded
from tests.executions.scripts import SLEEP_AND_SUM, SUM, write_scripts
from tests.harness import steps as s
from tests.harness.components import RUN
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

APPROVE = "test:stubs/human"


def captured(target: ExecutionId) -> list[dict[str, Any]]:
    outcome = replay(target)
    assert isinstance(outcome, Advanceable), outcome
    return [encode_captured_write(write) for write in outcome.writes]


def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def history(target: ExecutionId) -> list[HistoryEvent]:
    return [entry.event for entry in journal().load_log(target) if isinstance(entry.event, HISTORY_EVENTS)]


def step_to_the_end(target: ExecutionId) -> Advanced:
    """Advance a write at a time while an executor runs the children."""
    while True:
        eventually(lambda: replay(target) is not None and isinstance(replay(target), Advanceable))
        advanced = advance(target, captured(target)[:1])
        if advanced.retval is not None:
            assert_state_is_folded(journal(), target)
            return advanced


def test_a_workflow_advanced_step_by_step_does_what_it_would_have_done(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        by_itself = app.submit(SUM, [1, 2, 3])
        app.result(by_itself)
        target = submit(SUM, [[1, 2, 3]], paused=True).execution_id

        advanced = step_to_the_end(target)

        assert advanced.retval is not None
        assert retval_to_api(advanced.retval) == {"ok": 6}
        assert len(history(target)) == len(history(by_itself))


STEPS = [
    s.create("a"),
    s.random_u64(0, 1000),
    s.submit(0, "add", 1, 2),
    s.submit_delay(0, s.NOW),
    s.join_next(0),
    s.join_next(0),
    s.join_next(0),
    s.schedule(s.of_text("E_01J00000000000000000000077"), s.NOW, "add", 3, 4),
    s.sleep(s.NOW),
    s.call("fail-variant", True),
    s.create(),
    s.submit(1, "approve", "q", interface=APPROVE),
    s.submit_delay(1, s.after_ms(90_000)),
    s.close(1),
    s.random_string(3, 9),
]


def test_every_kind_of_write_is_applied() -> None:
    with deployed(TEST_COMPONENTS):
        target = submit(RUN, s.params_of(STEPS), paused=True).execution_id

        advanced = step_to_the_end(target)

        assert advanced.retval is not None
        assert set(retval_to_api(advanced.retval)) == {"ok"}
        assert not Delay.objects.filter(execution_id=target).exists()


def test_a_stub_is_completed_by_the_write_that_says_so() -> None:
    with deployed(TEST_COMPONENTS):
        target = submit("test:stub-flow/workflow.ask", ["may I?"], paused=True).execution_id

        advanced = step_to_the_end(target)

        assert advanced.retval is not None
        assert set(retval_to_api(advanced.retval)) == {"ok"}


def test_children_and_delays_are_created_paused_if_wanted(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path, SLEEP_AND_SUM)):
        target = submit(SUM, [[1]], paused=True).execution_id
        (sleep,) = captured(target)
        sleep["events"][1]["event"]["history_event"]["event"]["request"]["paused"] = True

        advance(target, [sleep])

        delay = Delay.objects.get(execution_id=target)
        assert delay.is_paused
        unpause_delay(DelayId(delay.delay_id))
        Delay.objects.filter(pk=delay.pk).update(expires_at=delay.execution.created_at)
        eventually(lambda: isinstance(replay(target), Advanceable))

        (call,) = captured(target)
        (request,) = call["child_requests"]
        request["paused"] = True
        advance(target, [call])
        child = Execution.objects.get(parent_id=target)
        assert child.lifecycle == Lifecycle.PAUSED.value

        unpause(ExecutionId(child.execution_id))
        unpause(target)
        eventually(lambda: Execution.objects.get(pk=target).result_kind == "ok")
        assert_state_is_folded(journal(), target)


def test_what_a_replay_does_not_give_is_not_applied(tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    target = submit(SUM, [[1]], paused=True).execution_id
    (write,) = captured(target)
    before = journal().load_log(target)

    with pytest.raises(ReplayMismatch, match="gives another write"):
        advance(target, [{**write, "child_requests": [{**write["child_requests"][0], "params": [6, 6]}]}])
    with pytest.raises(ReplayMismatch, match="gives 1 writes, not 2"):
        advance(target, [write, write])
    with pytest.raises(VersionMismatch, match="has moved on to version 2"):
        advance(target, [{**write, "version": 1}])
    for nonsense in (None, [], ["x"], [write] * 101):
        with pytest.raises(CapturedWritesInvalid, match="captured_writes"):
            advance(target, nonsense)

    assert journal().load_log(target) == before


def test_only_a_paused_workflow_is_advanced(tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    target = submit(SUM, [[1]]).execution_id
    writes = captured(target)

    with pytest.raises(OperationRefused, match="it is not paused"):
        advance(target, writes)
    pause(target)
    advance(target, captured(target))
