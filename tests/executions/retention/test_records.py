"""Reports of batches and rehearsals go when nothing that they are about is kept any longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from executions.models import Batch, BatchEntry, BatchStatus, RehearsalReport, RehearsalStatus
from executions.retention import records
from executions.retention.records import prune_records
from executions.retention.rules import parse_rules
from executions.retention.runs import prune_and_note
from tests.builders import make_execution_id

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

DAY = timedelta(days=1)
RULES = parse_rules("shop:audit/* any keep, * failure 9d, * any 2d")


def make_batch(name: str, *, ago: timedelta, status: BatchStatus = BatchStatus.DONE, entries: int = 2) -> Batch:
    at = timezone.now() - ago
    batch = Batch.objects.create(
        key=name,
        operation="cancel",
        wanted={},
        actor="user:ann",
        reason="",
        started_at=at,
        seen_at=at,
        cursor_at=at,
        total=entries,
        status=status,
    )
    for number in range(entries):
        BatchEntry.objects.create(batch=batch, execution_id=make_execution_id(number), is_done=True)
    return batch


def prune(now_in: timedelta = timedelta(), *, dry_run: bool = False) -> dict[str, int]:
    return dict(prune_records(RULES, timezone.now() + now_in, dry_run=dry_run, pause=lambda _: None))


def test_batches_go_with_their_entries_once_the_last_rule_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PORTION", 2)
    make_batch("old", ago=10 * DAY, entries=5)
    young = make_batch("young", ago=8 * DAY)
    running = make_batch("running", ago=10 * DAY, status=BatchStatus.RUNNING)

    assert prune(dry_run=True) == {"entries of batches": 5, "batches": 1}
    assert prune() == {"entries of batches": 5, "batches": 1}

    assert set(Batch.objects.all()) == {young, running}
    assert BatchEntry.objects.count() == 4


def test_reports_of_rehearsals_go() -> None:
    at = timezone.now() - 10 * DAY
    for status in (RehearsalStatus.DONE, RehearsalStatus.RUNNING):
        RehearsalReport.objects.create(deployment_id="Dep_1", actor="", started_at=at, seen_at=at, status=status)

    assert prune() == {"rehearsals": 1}
    assert RehearsalReport.objects.get().status == RehearsalStatus.RUNNING


def test_what_there_is_no_time_for_is_left_for_the_next_time() -> None:
    make_batch("old", ago=10 * DAY)

    assert prune_records(RULES, timezone.now(), time_limit=timedelta(seconds=-1)) == {}
    assert Batch.objects.exists()


def test_the_housekeeping_of_executors_deletes_them_too(settings: Settings) -> None:
    make_batch("old", ago=10 * DAY)
    settings.OBELISK_RETENTION = RULES

    prune_and_note(timezone.now(), time_limit=timedelta(seconds=5))

    assert not Batch.objects.exists()
