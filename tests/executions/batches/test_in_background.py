"""Batches on a thread of this process, of workflows that a real executor has brought to a wait."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from engine.log.state import Status
from executions.batches.keeping import start_batch, take_up
from executions.journal.journal import SqlJournal
from executions.models import Batch, BatchStatus, Execution
from executions.operations.bulk import BulkOperation
from executions.operations.listing import ExecutionFilter
from executions.testing import deployed
from tests.executions.scripts import SLEEP_AND_SUM, SUM, write_scripts
from tests.harness.eventually import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("either_database")]


def ended(batch: Batch) -> Batch:
    def is_over() -> bool:
        batch.refresh_from_db()
        return batch.status != BatchStatus.RUNNING

    eventually(is_over)
    return batch


def test_forks_have_the_history_and_are_told_in_the_report(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path, SLEEP_AND_SUM)) as app:
        targets = [app.submit(SUM, number) for number in ([1], [2])]
        journal = SqlJournal.for_current_connection()
        eventually(lambda: {journal.state_of(each).status for each in targets} == {Status.BLOCKED_BY_JOIN_SET})

    batch = ended(
        start_batch(
            BulkOperation.FORK,
            ExecutionFilter(function=SUM, created_before=timezone.now()),
            total=2,
            actor="user:ann",
            reason="again",
            key="k",
        )
    )

    assert (batch.status, batch.done, batch.refused) == (BatchStatus.DONE, 2, 0)
    forks = {each.execution_id: each.detail for each in batch.entries.all()}
    assert set(forks) == set(targets)
    assert set(forks.values()) == set(
        Execution.objects.top_level().exclude(pk__in=targets).values_list("pk", flat=True)
    )
    for old, new in forks.items():
        assert 1 < Execution.objects.get(pk=new).next_version < Execution.objects.get(pk=old).next_version


def test_what_a_process_left_is_taken_up_by_the_next_one(tmp_path: Path) -> None:
    now = timezone.now()
    # Written by a process that ended before it could begin.
    batch = Batch.objects.create(
        key="k",
        operation="cancel",
        wanted={"created_before": now.isoformat()},
        actor="user:ann",
        reason="",
        started_at=now,
        seen_at=now,
        cursor_at=now,
        total=0,
    )

    take_up()

    assert ended(batch).status == BatchStatus.DONE
