"""Rehearsals on a thread of this process, of workflows that a real executor has brought to a wait."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from components.busy import Busy
from components.models import Deployment
from components.services import prepare, store_inactive
from engine.log.state import Status
from executions.journal.journal import SqlJournal
from executions.models import RehearsalReport, RehearsalStatus
from executions.rehearsal import background
from executions.rehearsal.background import start_rehearsal, stop_rehearsal
from executions.rehearsal.rehearsing import Rehearsal
from executions.testing import deployed
from tests.executions.scripts import SLEEP_AND_SUM, SUM, SUM_UP, write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def stored(folder: Path) -> Deployment:
    return store_inactive(prepare(write_scripts(folder, SUM_UP)))[0]


def ended(report: RehearsalReport) -> RehearsalReport:
    def is_over() -> bool:
        report.refresh_from_db()
        return report.status != RehearsalStatus.RUNNING

    eventually(is_over)
    return report


def test_a_rehearsal_leaves_a_report_by_cause(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path, SLEEP_AND_SUM)) as app:
        targets = [app.submit(SUM, [1]) for _ in range(2)]
        journal = SqlJournal.for_current_connection()
        eventually(lambda: {journal.state_of(each).status for each in targets} == {Status.BLOCKED_BY_JOIN_SET})
    deployment = stored(tmp_path)

    report = ended(start_rehearsal(deployment, actor="user:ann"))

    assert (report.status, report.problem, report.actor) == ("done", "", "user:ann")
    assert (report.total, report.diverging, report.looked_at) == (2, 2, 2)
    [cause] = report.causes
    assert (cause["count"], cause["ffqn"], cause["executions"]) == (2, SUM, targets)
    assert RehearsalReport.objects.newest_of(deployment.deployment_id) == report


def test_one_rehearsal_is_under_way_at_a_time_and_it_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def held(deployment: Deployment, *, on_progress: object) -> object:
        goes_on.wait(20)
        assert callable(on_progress)
        on_progress(Rehearsal(deployment_id=deployment.deployment_id, total=7, compatible=1))
        raise AssertionError("it was to be stopped")

    monkeypatch.setattr(background, "rehearse", held)
    deployment = stored(tmp_path)
    report = start_rehearsal(deployment, actor="user:ann")

    with pytest.raises(Busy, match="another rehearsal is under way"):
        start_rehearsal(deployment, actor="user:bob")
    assert stop_rehearsal(report)
    goes_on.set()

    assert (ended(report).status, report.total, report.compatible) == ("stopped", 7, 1)
    assert not stop_rehearsal(report)


def test_a_rehearsal_whose_process_died_counts_as_lost_and_blocks_nobody(tmp_path: Path) -> None:
    deployment = stored(tmp_path)
    then = timezone.now() - timedelta(minutes=2)
    lost = RehearsalReport.objects.create(
        deployment_id=deployment.deployment_id, actor="user:ann", started_at=then, seen_at=then
    )

    assert lost.is_lost(timezone.now())
    assert ended(start_rehearsal(deployment, actor="user:bob")).status == "done"


def test_what_went_wrong_is_told(tmp_path: Path) -> None:
    deployment = stored(tmp_path)
    deployment.components.update(config={"version": 99})

    report = ended(start_rehearsal(deployment, actor="user:ann"))

    assert report.status == "failed"
    assert "not of version" in report.problem
