from __future__ import annotations

from pathlib import Path

import pytest

from components.services import deploy
from engine.errors import ExecutionNotFound
from engine.log.ids import ExecutionId
from engine.replay.outcomes import Advanceable, Blocked, FinishedReplay
from executions.component_versions import VersionMissing
from executions.journal.journal import SqlJournal
from executions.operations.pausing import pause
from executions.operations.replaying import NoWorkflow, replay
from executions.operations.submitting import submit
from executions.testing import deployed
from tests.builders import make_created, make_execution_id, make_submit
from tests.engine.journal.commits import commit
from tests.executions.scripts import ADD, SLEEP_AND_SUM, SUM, write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_finished_workflow_is_reproduced(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        target = app.submit(SUM, [1, 2, 3])
        assert app.result(target) == {"ok": 6}
        log = SqlJournal.for_current_connection().load_log(target)

        assert isinstance(replay(target), FinishedReplay)
        assert SqlJournal.for_current_connection().load_log(target) == log


def test_the_version_that_ran_is_found_when_another_is_deployed(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        target = app.submit(SUM, [1, 2, 3])
        app.result(target)
    deploy(write_scripts(tmp_path, SLEEP_AND_SUM))

    assert isinstance(replay(target), FinishedReplay)


def test_a_waiting_workflow_is_blocked_and_a_new_one_would_write(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path, SLEEP_AND_SUM)) as app:
        waiting = app.submit(SUM, [1])
        journal = SqlJournal.for_current_connection()
        eventually(lambda: journal.state_of(waiting).join_set_id is not None)
        pause(waiting)
        assert replay(waiting) == Blocked()

    outcome = replay(submit(SUM, [[1]], paused=True).execution_id)
    assert isinstance(outcome, Advanceable)
    assert len(outcome.writes) == 1


def test_only_workflows_of_stored_versions_are_replayed(tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    with pytest.raises(NoWorkflow, match=f"is a call of {ADD}, which is no workflow"):
        replay(submit(ADD, [1, 2]).execution_id)

    unknown = make_execution_id(8)
    commit(SqlJournal.for_current_connection(), make_submit(unknown, make_created()))
    with pytest.raises(VersionMissing, match="no stored deployment has the version sha256:aaa"):
        replay(unknown)
    with pytest.raises(ExecutionNotFound):
        replay(ExecutionId(make_execution_id(9)))
