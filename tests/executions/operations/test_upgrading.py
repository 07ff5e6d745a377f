from __future__ import annotations

from pathlib import Path

import pytest

from components.services import deploy
from engine.log.events import ComponentUpgradeFinished
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.component_versions import VersionMissing
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.operations.refusals import OperationRefused
from executions.operations.submitting import submit
from executions.operations.upgrading import UpgradeFails, upgrade
from executions.testing import deployed
from tests.engine.journal.commits import assert_state_is_folded
from tests.executions.scripts import ADD, SLEEP_AND_SUM, SUM, SUM_UP, write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

SAME_BUT_OTHER_TEXT = SLEEP_AND_SUM + "\n// Another version.\n"


def digest_of(ffqn: str) -> str:
    function = deployed_registry().find(ffqn)
    assert function is not None
    return function.component.id.digest


def sleeping(folder: Path) -> ExecutionId:
    """Return a workflow that was deployed, run to its sleep, and belongs to nobody who runs."""
    with deployed(write_scripts(folder, SLEEP_AND_SUM)) as app:
        target = app.submit(SUM, [1])
        journal = SqlJournal.for_current_connection()
        eventually(lambda: journal.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)
    return target


def test_a_workflow_goes_over_to_a_version_that_follows_its_history(tmp_path: Path) -> None:
    target = sleeping(tmp_path)
    old = digest_of(SUM)
    deploy(write_scripts(tmp_path, SAME_BUT_OTHER_TEXT))
    new = digest_of(SUM)

    upgrade(target, old, new)

    journal = SqlJournal.for_current_connection()
    assert journal.state_of(target).component_id.digest == new
    event = journal.load_log(target)[-1].event
    assert isinstance(event, ComponentUpgradeFinished)
    assert (event.automatic, event.forced, event.failure) == (False, False, None)
    assert_state_is_folded(journal, target)


def test_a_version_that_does_not_follow_is_refused_unless_it_is_forced(tmp_path: Path) -> None:
    target = sleeping(tmp_path)
    old = digest_of(SUM)
    deploy(write_scripts(tmp_path, SUM_UP))
    new = digest_of(SUM)
    journal = SqlJournal.for_current_connection()
    before = journal.load_log(target)

    with pytest.raises(UpgradeFails, match="Replay failed: key does not match event stored at version") as caught:
        upgrade(target, old, new)
    assert caught.value.version is not None
    assert journal.load_log(target) == before

    upgrade(target, old, new, skip_determinism_check=True)
    event = journal.load_log(target)[-1].event
    assert isinstance(event, ComponentUpgradeFinished)
    assert event.forced


def test_versions_that_are_not_there_are_named(tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    target = submit(SUM, [[1]]).execution_id
    old = digest_of(SUM)

    with pytest.raises(VersionMissing, match=f"belongs to the version {old}, not sha256:other"):
        upgrade(target, "sha256:other", old)
    with pytest.raises(VersionMissing, match=f"is deployed in the version {old}, not sha256:other"):
        upgrade(target, old, "sha256:other")


def test_an_activity_needs_no_replay_and_a_finished_one_no_upgrade(tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    waiting = submit(ADD, [1, 2]).execution_id
    upgrade(waiting, digest_of(ADD), digest_of(ADD))

    with deployed(write_scripts(tmp_path)) as app:
        app.result(waiting)
        with pytest.raises(OperationRefused, match="it has finished"):
            upgrade(waiting, digest_of(ADD), digest_of(ADD))
