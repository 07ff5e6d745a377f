from __future__ import annotations

from pathlib import Path

import pytest

from components.models import Deployment
from components.services import deploy, prepare, store_inactive
from engine.errors import ExecutionNotFound
from engine.log.events import CancellationRequested, ComponentUpgradeFinished, Unlocked
from engine.log.ids import DelayId, ExecutionId
from engine.log.state import Status
from engine.replay.outcomes import Blocked
from executions.component_versions import registry_of
from executions.explanations import why_not_moving
from executions.journal.journal import SqlJournal
from executions.models import Delay, Execution, OperationRecord
from executions.operations.delays import cancel_delay
from executions.operations.excluding import exclude, include, kept_from, version_for
from executions.operations.pausing import pause
from executions.operations.recording import Operation, RecordingJournal
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import replay
from executions.operations.submitting import submit
from executions.rehearsal.rehearsing import rehearse
from executions.rehearsal.reports import rehearsal_lines
from executions.testing import deployed
from tests.builders import make_append, make_execution_id
from tests.engine.journal.commits import assert_state_is_folded, commit
from tests.executions.scripts import ADD, SLEEP_AND_SUM, SUM, SUM_UP, write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

ANY_VERSION = 'exec.locking_strategy = "by_ffqns"'


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def sleeping(folder: Path, count: int = 1) -> list[ExecutionId]:
    """Return workflows that a real executor brought to their sleep; nobody runs them any more."""
    with deployed(write_scripts(folder, SLEEP_AND_SUM)) as app:
        targets = [app.submit(SUM, [1]) for _ in range(count)]
        journal = SqlJournal.for_current_connection()
        eventually(lambda: {journal.state_of(each).status for each in targets} == {Status.BLOCKED_BY_JOIN_SET})
    return targets


def stored(folder: Path, flow: str = SUM_UP) -> Deployment:
    return store_inactive(prepare(write_scripts(folder, flow, extra=ANY_VERSION)))[0]


def leave(target: ExecutionId, deployment: Deployment) -> None:
    registry = registry_of(deployment)
    digest = version_for(SUM, registry)
    journal = RecordingJournal(target, Operation.EXCLUDE, actor="user:ann", reason="half done", detail=digest)
    exclude(target, registry, journal=journal)


def test_what_is_left_on_old_code_waits_for_it_and_then_goes_on(tmp_path: Path, journal: SqlJournal) -> None:
    left, taken = sleeping(tmp_path, 2)
    leave(left, stored(tmp_path))
    for delay in Delay.objects.all():
        cancel_delay(DelayId(delay.pk))

    with deployed(write_scripts(tmp_path, SUM_UP, extra=ANY_VERSION)) as app:
        # The other one is taken along, and that is its end.
        assert "nondeterminism" in str(app.result(taken))
        assert journal.state_of(left).status is Status.PENDING_AT
        at = OperationRecord.objects.get(execution_id=left).at
        own = journal.state_of(left).component_id.digest
        assert why_not_moving(Execution.objects.get(pk=left)) == (
            f"It was left on the component version {own} by user:ann since {at:%Y-%m-%d %H:%M:%S} UTC (half done), "
            "which is not deployed: deploy that again, or include the execution."
        )

    with deployed(write_scripts(tmp_path, SLEEP_AND_SUM)) as app:
        app.result(left)
    assert journal.state_of(left).component_id.digest == own
    assert_state_is_folded(journal, left)


def test_what_is_included_again_is_taken_along(tmp_path: Path, journal: SqlJournal) -> None:
    (target,) = sleeping(tmp_path)
    leave(target, stored(tmp_path))

    include(target, journal=RecordingJournal(target, Operation.INCLUDE, actor="user:bob"))

    state = journal.state_of(target)
    assert state.incompatible_digest is None
    assert_state_is_folded(journal, target)
    with pytest.raises(OperationRefused, match="no version is kept from running it"):
        include(target)
    cancel_delay(DelayId(Delay.objects.get().pk))
    with deployed(write_scripts(tmp_path, SUM_UP, extra=ANY_VERSION)) as app:
        assert "nondeterminism" in str(app.result(target))


def test_the_history_is_followed_across_it(tmp_path: Path, journal: SqlJournal) -> None:
    (target,) = sleeping(tmp_path)
    other = stored(tmp_path)
    leave(target, other)
    include(target)
    leave(target, other)

    assert isinstance(replay(target), Blocked)
    left = [each.event for each in journal.load_log(target) if isinstance(each.event, ComponentUpgradeFinished)]
    assert [event.failure is not None for event in left] == [True, False, True]


def test_a_run_in_memory_ends_and_another_one_goes_on(tmp_path: Path, journal: SqlJournal) -> None:
    other = stored(tmp_path)
    with deployed(write_scripts(tmp_path, SLEEP_AND_SUM)) as app:
        target = app.submit(SUM, [1])
        eventually(lambda: journal.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)
        leave(target, other)
        cancel_delay(DelayId(Delay.objects.get().pk))
        app.result(target)
    assert_state_is_folded(journal, target)


def test_a_paused_one_stays_paused(tmp_path: Path, journal: SqlJournal) -> None:
    deploy(write_scripts(tmp_path, SLEEP_AND_SUM))
    target = submit(SUM, [[1]]).execution_id
    pause(target)

    leave(target, stored(tmp_path))

    assert not any(isinstance(each.event, Unlocked) for each in journal.load_log(target))
    assert_state_is_folded(journal, target)


def test_a_rehearsal_counts_what_is_left_and_no_longer_replays_it(tmp_path: Path) -> None:
    left, other = sleeping(tmp_path, 2)
    deployment = stored(tmp_path)
    leave(left, deployment)

    rehearsal = rehearse(deployment)

    assert (rehearsal.left, [each.execution_id for each in rehearsal.divergences]) == (1, [other])
    assert list(rehearsal_lines(rehearsal))[-1] == (
        "2 of 2 unfinished workflows: 0 compatible, 0 unchanged, 1 diverging, 1 left on their code"
    )
    assert kept_from(deployment) == 1


def test_what_cannot_be_is_refused(tmp_path: Path, journal: SqlJournal) -> None:
    deploy(write_scripts(tmp_path, SLEEP_AND_SUM))
    active = registry_of(Deployment.objects.get())
    other = stored(tmp_path)
    workflow, activity = submit(SUM, [[1]]).execution_id, submit(ADD, [1, 2]).execution_id
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "d.toml").write_text('[[activity_external]]\nffqn = "test:other/api.f"\n')
    without = store_inactive(prepare(tmp_path / "none" / "d.toml"))[0]
    leave(workflow, other)
    before = journal.load_log(workflow)

    with pytest.raises(OperationRefused, match="it belongs to that very version"):
        exclude(workflow, active)
    with pytest.raises(OperationRefused, match="that version does not run it anyway"):
        exclude(workflow, registry_of(other))
    with pytest.raises(OperationRefused, match=f"no component of {without.pk} exports {SUM}"):
        exclude(workflow, registry_of(without))
    with pytest.raises(OperationRefused, match="it is no workflow"):
        exclude(activity, registry_of(other))
    with pytest.raises(ExecutionNotFound):
        exclude(make_execution_id(9), active)
    assert journal.load_log(workflow) == before

    commit(journal, make_append(workflow, CancellationRequested(), expected=journal.state_of(workflow).next_version))
    with pytest.raises(OperationRefused, match="it is being cancelled"):
        include(workflow)

    with deployed(write_scripts(tmp_path)) as app:
        ended = app.submit(SUM, [1])
        app.result(ended)
    with pytest.raises(OperationRefused, match="it has finished"):
        exclude(ended, registry_of(other))
