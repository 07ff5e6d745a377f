from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engine.deployment.spec import ComponentType
from engine.log import events as e
from engine.log.state import Lifecycle, Status
from executions.journal.journal import SqlJournal
from executions.models import Execution
from executions.operations.listing import STUCK_AFTER, ExecutionFilter, matching
from executions.operations.submitting import submit
from executions.statistics import standing
from executions.statistics.standing import count_stuck, longest_due, standings
from tests.builders import (
    FFQN,
    NOW,
    after,
    make_component_id,
    make_created,
    make_execution_id,
    make_finished,
    make_locked,
    make_submit,
)
from tests.console.tasks.open_tasks import deploy_stub
from tests.engine.journal.commits import commit
from tests.executions.deployments import ADD

pytestmark = pytest.mark.django_db

E1, E2, E3, E4 = (make_execution_id(number) for number in range(1, 5))
STUB = make_component_id("approval", component_type=ComponentType.ACTIVITY_STUB)


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def test_what_has_not_ended_is_counted_by_function_and_state(journal: SqlJournal) -> None:
    failed = e.TemporarilyFailed(backoff_expires_at=after(9), reason="HTTP 502")
    commit(
        journal,
        make_submit(E1),
        make_submit(E2, make_created(), make_locked()),
        make_submit(E3, make_created(), make_locked(), failed),
        make_submit(E4, make_created(), make_finished()),
    )

    found = standings(NOW)

    assert not found.is_capped
    assert {(row.ffqn, row.status, row.lifecycle, row.is_due, row.has_failed, row.count) for row in found.rows} == {
        (FFQN, Status.PENDING_AT, Lifecycle.ACTIVE, True, False, 1),
        (FFQN, Status.LOCKED, Lifecycle.ACTIVE, False, False, 1),
        (FFQN, Status.PENDING_AT, Lifecycle.ACTIVE, False, True, 1),
    }


def test_no_more_than_so_many_are_looked_at(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "COUNTED", 2)
    commit(journal, *[make_submit(make_execution_id(number)) for number in range(1, 6)])

    found = standings(NOW)

    assert (found.is_capped, sum(row.count for row in found.rows)) == (True, 3)
    assert count_stuck(NOW, now=NOW) == 3


def test_a_task_that_waits_for_somebody_is_neither_stuck_nor_the_longest_due(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(component_id=STUB, scheduled_at=NOW - timedelta(hours=1))))
    assert (count_stuck(NOW, now=NOW), longest_due(NOW)) == (0, None)
    assert not matching(ExecutionFilter(stuck=True), now=after(9999)).exists()

    commit(journal, make_submit(E2))

    due = longest_due(NOW)
    assert due is not None
    assert (count_stuck(NOW, now=NOW), due.pk) == (1, E2)
    assert list(matching(ExecutionFilter(stuck=True), now=after(9999))) == [due]


def test_an_external_activity_waits_for_somebody_as_a_stub_does(tmp_path: Path) -> None:
    deploy_stub(tmp_path)
    submit(ADD, [1, []])
    later = timezone.now() + timedelta(hours=1)

    assert (count_stuck(later, now=later), longest_due(later)) == (0, None)
    assert [row.is_task for row in standings(later).rows] == [True]
    assert not matching(ExecutionFilter(stuck=True), now=later).exists()


def test_what_diverges_or_is_being_cancelled_for_long_is_stuck_too(journal: SqlJournal) -> None:
    now = after(90)
    since = now - STUCK_AFTER
    commit(
        journal,
        make_submit(E1, make_created(), make_locked(until=after(200)), e.CancellationRequested()),
        make_submit(E2, make_created(scheduled_at=after(80)), make_locked(until=after(200)), at=after(80)),
        make_submit(E3, make_created(scheduled_at=after(80)), e.CancellationRequested(), at=after(80)),
        make_submit(E4, make_created(scheduled_at=after(80)), at=after(80)),
    )
    Execution.objects.filter(pk=E4).update(incompatible_digest="sha256:other")

    assert count_stuck(since, now=now) == 2
    assert {row.pk for row in matching(ExecutionFilter(stuck=True), now=now)} == {E1, E4}


def test_each_look_follows_an_index_of_what_has_not_ended() -> None:
    with CaptureQueriesContext(connection) as captured:
        standings(NOW)
        count_stuck(NOW, now=NOW)
        longest_due(NOW)
    statements = [query["sql"] for query in captured.captured_queries if "execution_id" in query["sql"]]
    plans = []
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
            plans.append("\n".join(row[3] for row in cursor.fetchall()))

    assert "SCAN executions_execution USING INDEX execution_unfinished" in plans[0]
    assert "USING INDEX execution_pending" in plans[1]
    assert "USING INDEX execution_locked" in plans[2]
    assert "USING INDEX execution_pending" in plans[3]
    assert all("TEMP B-TREE FOR ORDER BY" not in plan for plan in plans)
