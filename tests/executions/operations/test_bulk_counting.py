"""What is counted before an operation on many; the operation itself comes to the same."""

from __future__ import annotations

import pytest

from engine.deployment.spec import ComponentType
from engine.errors import EngineError
from engine.log import events as e
from engine.log.ids import ExecutionId
from engine.log.return_values import Returned
from executions.journal.journal import SqlJournal
from executions.models import Event, Execution
from executions.operations import bulk_counting
from executions.operations.bulk import BulkOperation, operate
from executions.operations.bulk_counting import prospect_of
from executions.operations.bulk_rules import candidates, obstacle
from executions.operations.listing import ExecutionFilter, Place, page_query
from tests.builders import (
    NOW,
    make_component_id,
    make_created,
    make_execution_id,
    make_finished,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db

ACTIVITY = make_component_id(component_type=ComponentType.ACTIVITY)
PENDING, PAUSED, CANCELLING, RUNNING, ENDED, FAILED, WORKFLOW, CANCELLABLE = (
    make_execution_id(number) for number in range(1, 9)
)
EVERYTHING = ExecutionFilter(show_derived=True)


@pytest.fixture(autouse=True)
def one_of_each() -> SqlJournal:
    """An activity in each state, and two workflows that run."""
    journal = SqlJournal.for_current_connection()
    created, locked = make_created(component_id=ACTIVITY), make_locked(component_id=ACTIVITY)
    commit(
        journal,
        make_submit(PENDING, created),
        make_submit(PAUSED, created, e.Paused()),
        make_submit(CANCELLING, created, e.CancellationRequested()),
        make_submit(RUNNING, created, locked),
        make_submit(ENDED, created, locked, make_finished()),
        make_submit(FAILED, created, locked, e.Finished(retval=Returned(ok=False, payload=None))),
        make_submit(WORKFLOW, make_created(), make_locked()),
        make_submit(CANCELLABLE, make_created(ffqn="test:pkg/api.stop-cancellable"), make_locked()),
    )
    return journal


@pytest.mark.parametrize(
    ("operation", "possible", "obstacles"),
    [
        (BulkOperation.CANCEL, 4, {"finished": 2, "being cancelled already": 1, "not cancellable": 1}),
        (
            BulkOperation.PAUSE,
            3,
            {"finished": 2, "paused already": 1, "being cancelled": 1, "running activities": 1},
        ),
        (BulkOperation.UNPAUSE, 1, {"not paused": 7}),
        (BulkOperation.RETRY, 1, {"not finished": 6, "ended well": 1}),
        (BulkOperation.FORK, 2, {"no workflows": 6}),
    ],
)
def test_how_many_it_is_possible_for_and_why_not_for_others(
    operation: BulkOperation, possible: int, obstacles: dict[str, int]
) -> None:
    prospect = prospect_of(operation, EVERYTHING, now=NOW)

    assert (prospect.possible, prospect.obstacles) == (possible, obstacles)
    assert (prospect.is_capped, prospect.looked_at) == (False, None)


@pytest.mark.parametrize("operation", [BulkOperation.CANCEL, BulkOperation.PAUSE, BulkOperation.UNPAUSE])
def test_what_is_said_to_be_possible_is_what_is_done(operation: BulkOperation, one_of_each: SqlJournal) -> None:
    expected = {row.pk for row in Execution.objects.all() if obstacle(operation, row) is None}
    changed = set()
    for row in Execution.objects.all():
        before = Event.objects.filter(execution_id=row.pk).count()
        try:
            operate(operation, ExecutionId(row.pk), journal=one_of_each)
        except EngineError:
            continue
        if Event.objects.filter(execution_id=row.pk).count() > before:
            changed.add(row.pk)

    assert changed == expected


@pytest.mark.parametrize("operation", BulkOperation)
def test_the_condition_on_all_is_the_rule_for_one(operation: BulkOperation) -> None:
    expected = {row.pk for row in Execution.objects.all() if obstacle(operation, row) is None}

    assert set(Execution.objects.filter(candidates(operation)).values_list("pk", flat=True)) == expected


@pytest.mark.parametrize("operation", [BulkOperation.CANCEL, BulkOperation.PAUSE, BulkOperation.UNPAUSE])
def test_what_is_under_way_is_found_among_all_that_ended_by_an_index(operation: BulkOperation) -> None:
    plan = page_query(EVERYTHING, place=Place(NOW, PENDING), length=20, only=candidates(operation)).explain()

    assert "INDEX execution_unfinished" in plan
    assert "TEMP B-TREE" not in plan


def test_more_than_enough_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_counting, "COUNTED", 3)

    prospect = prospect_of(BulkOperation.CANCEL, EVERYTHING, now=NOW)

    assert (prospect.possible, prospect.is_capped, prospect.looked_at) == (3, True, 3)
