"""Bulk operations and retention that are killed in the middle, and taken up by the next process."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.apps.saboteur.points import Point
from tests.chaos.chaos_site import ChaosSite

#: Starting a site takes its time on a busy machine.
pytestmark = pytest.mark.timeout(300)

#: Two and a half portions.
EXECUTIONS = 250
PORTIONS_BEFORE_DEATH = 1
FUNCTION = "test:stepper/workflow.run-cancellable"

CANCEL_ALL = f"""
import threading
from executions.batches.keeping import start_batch
from executions.operations.bulk import BulkOperation
from executions.operations.listing import ExecutionFilter
from executions.operations.submitting import Call, submit_all
submitted = submit_all([Call({FUNCTION!r}, [[]], paused=True)] * {EXECUTIONS})
wanted = ExecutionFilter(ids=tuple(each.execution_id for each in submitted))
key = submitted[0].execution_id
start_batch(BulkOperation.CANCEL, wanted, total={EXECUTIONS}, actor="chaos", reason="a test", key=key)
threading.Event().wait(60)
"""
TAKE_UP = """
import json
from executions.batches.keeping import claim_unattended
from executions.batches.running import BatchRun
for batch in claim_unattended():
    BatchRun(batch).carry_out()
    batch.refresh_from_db()
    entries = [(each.execution_id, each.is_done) for each in batch.entries.all()]
    print(json.dumps([batch.status, batch.done, batch.refused, entries]))
"""
SUBMIT_SOME = f"""
from executions.operations.submitting import Call, submit_all
submit_all([Call({FUNCTION!r}, [[]])] * 5)
"""
PRUNE = f"""
from django.utils import timezone
from executions.retention.pruning import prune
from executions.retention.rules import parse_rules
print(prune(parse_rules("{FUNCTION} any 0s"), timezone.now()).executions)
"""
LONG_AGO = timedelta(minutes=5)
"""Longer than a batch may give no sign of life before the next process takes it up."""


def test_a_bulk_operation_is_taken_up_where_it_was_and_nothing_is_done_twice(site: ChaosSite) -> None:
    site.arm(Point.DURING_BATCH, after=PORTIONS_BEFORE_DEATH)
    site.run_to_its_death(CANCEL_ALL)
    assert site.death_at(Point.DURING_BATCH)

    status, done, refused, entries = site.run_later(TAKE_UP, by=LONG_AGO)
    site.wait_for_rest()

    assert (status, done, refused) == ("done", EXECUTIONS, 0)
    assert len({execution_id for execution_id, _ in entries}) == len(entries) == EXECUTIONS
    assert all(is_done for _, is_done in entries)
    site.submit(1)
    site.wait_for_rest()
    site.check()


def test_retention_deletes_whole_executions_or_none(site: ChaosSite) -> None:
    site.submit(1)
    site.wait_for_rest()
    site.run_later(
        f"from executions.operations.submitting import submit\nfor _ in range(5): submit({FUNCTION!r}, [[]])"
    )
    site.wait_for_rest()
    site.submit(1)
    site.wait_for_rest()
    count = "SELECT count(*) FROM executions_execution WHERE ffqn = %s"
    before = site.topology.query(count, FUNCTION)

    site.arm(Point.DURING_RETENTION)
    site.run_to_its_death(PRUNE)
    assert site.death_at(Point.DURING_RETENTION)
    assert site.topology.query(count, FUNCTION) == before
    site.check()

    assert [(site.run_later(PRUNE, by=LONG_AGO),)] == before
    assert site.topology.query(count, FUNCTION) == [(0,)]
    site.check()
