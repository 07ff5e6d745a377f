"""What one process does with a batch, and what is left of it when it dies at any point."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Q
from django.utils import timezone

from engine.log.events import ExecutionEvent
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState
from executions.batches import keeping, running
from executions.batches.keeping import TooManyBatches, claim_unattended, start_batch, stop_batch
from executions.batches.running import BatchRun
from executions.models import Batch, BatchStatus, Event, Execution, OperationRecord
from executions.models.batch import LOST_AFTER
from executions.operations.answering import answer
from executions.operations.appending import Decision
from executions.operations.bulk import BulkOperation, decision_of
from executions.operations.cancelling import cancel
from executions.operations.listing import ExecutionFilter, ListedStatus
from executions.operations.pausing import pause
from executions.operations.submitting import Call, submit_all
from tests.executions.deployments import ADD, deploy_declared, deploy_declared_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

MANY = 60


@pytest.fixture
def many(tmp_path: Path) -> list[ExecutionId]:
    """Calls of an external activity, the newest first; the oldest two have failed."""
    deploy_declared(tmp_path)
    calls = [Call(function=ADD, params=[n, []]) for n in range(MANY)]
    ids = sorted(each.execution_id for each in submit_all(calls))
    for each in ids[:2]:
        answer(each, {"err": None})
    return ids[::-1]


def started(operation: BulkOperation = BulkOperation.CANCEL, key: str = "k", **wanted: object) -> Batch:
    bounded = ExecutionFilter(created_before=timezone.now(), **wanted)  # type: ignore[arg-type]  # conditions
    return start_batch(operation, bounded, total=MANY, actor="user:ann", reason="enough", key=key)


def claimed() -> Batch:
    (batch,) = claim_unattended()
    return batch


def cancelled() -> set[str]:
    return set(Event.objects.filter(variant="cancellation_requested").values_list("execution_id", flat=True))


def fall_silent(batch: Batch) -> None:
    Batch.objects.filter(pk=batch.pk).update(seen_at=timezone.now() - LOST_AFTER)


def test_each_is_operated_on_once_and_recorded_with_who_and_why(many: list[ExecutionId]) -> None:
    batch = started()
    BatchRun(claimed()).carry_out()

    batch.refresh_from_db()
    assert (batch.status, batch.done, batch.refused) == (BatchStatus.DONE, MANY - 2, 0)
    assert cancelled() == set(many[:-2])
    records = OperationRecord.objects.filter(operation="cancel")
    assert {(each.actor, each.reason, each.batch_id) for each in records} == {("user:ann", "enough", batch.pk)}
    assert len(records) == MANY - 2


def test_what_came_later_is_left_alone(many: list[ExecutionId]) -> None:
    started()
    (late,) = submit_all([Call(function=ADD, params=[1, []])])

    BatchRun(claimed()).carry_out()

    assert late.execution_id not in cancelled()


class Killed(BaseException):
    """Ends a process at once."""


@pytest.mark.parametrize("together", [1, 7, MANY])
@pytest.mark.parametrize("after", [0, 1, 7, MANY - 3])
def test_another_process_goes_on_behind_the_last_ones(
    many: list[ExecutionId], monkeypatch: pytest.MonkeyPatch, after: int, together: int
) -> None:
    batch = started()
    first = claimed()
    monkeypatch.setattr(running, "PORTION", together)
    real, calls = BatchRun._advance, 0

    # Within the transaction, when all of it is written.
    def dying(run: BatchRun, rows: Sequence[Execution], **kwargs: Any) -> None:
        nonlocal calls
        real(run, rows, **kwargs)
        calls += len(rows)
        if calls > after:
            raise Killed

    monkeypatch.setattr(BatchRun, "_advance", dying)
    with pytest.raises(Killed):
        BatchRun(first).carry_out()
    monkeypatch.setattr(BatchRun, "_advance", real)
    assert cancelled() == set(many[: after // together * together])
    assert claim_unattended() == [], "its process may be alive"
    fall_silent(batch)
    BatchRun(claimed()).carry_out()

    batch.refresh_from_db()
    assert (batch.status, batch.done, batch.refused) == (BatchStatus.DONE, MANY - 2, 0)
    assert OperationRecord.objects.filter(batch_id=batch.pk).count() == MANY - 2
    assert cancelled() == set(many[:-2])


def test_a_process_goes_on_with_what_one_left_whose_clock_was_ahead(many: list[ExecutionId]) -> None:
    batch = started()
    claimed()
    Batch.objects.filter(pk=batch.pk).update(seen_at=timezone.now() + timedelta(hours=2))
    batch.refresh_from_db()
    assert batch.is_unattended(timezone.now())

    BatchRun(claimed()).carry_out()

    assert cancelled() == set(many[:-2])


def test_a_process_that_another_took_over_from_changes_nothing_any_more(many: list[ExecutionId]) -> None:
    batch = started()
    slow = claimed()
    fall_silent(batch)
    second = claimed()

    BatchRun(slow).carry_out()
    assert cancelled() == set()
    assert not OperationRecord.objects.exists()
    BatchRun(second).carry_out()

    batch.refresh_from_db()
    assert (batch.status, batch.done) == (BatchStatus.DONE, MANY - 2)


def test_the_report_quotes_no_values(many: list[ExecutionId], tmp_path: Path) -> None:
    deploy_declared_text(tmp_path)
    batch = started(BulkOperation.RETRY)

    BatchRun(claimed()).carry_out()

    assert {(entry.execution_id, entry.is_done, entry.detail) for entry in batch.entries.all()} == {
        (failed, False, "the old call does not fit the function any more") for failed in many[-2:]
    }


def test_it_is_stopped_between_two_transactions(many: list[ExecutionId], monkeypatch: pytest.MonkeyPatch) -> None:
    batch = started()
    monkeypatch.setattr(running, "PORTION", 5)
    real = BatchRun._advance

    def stopping(run: BatchRun, rows: Sequence[Execution], **kwargs: Any) -> None:
        real(run, rows, **kwargs)
        assert stop_batch(batch, actor="user:bob")

    monkeypatch.setattr(BatchRun, "_advance", stopping)
    BatchRun(claimed()).carry_out()

    batch.refresh_from_db()
    assert (batch.status, batch.done, batch.stopped_by) == (BatchStatus.STOPPED, 5, "user:bob")
    assert cancelled() == set(many[:5])
    assert not stop_batch(batch, actor="user:bob"), "it has ended"


def test_those_that_it_is_not_possible_for_are_told_beside_the_others(
    many: list[ExecutionId], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = started(BulkOperation.UNPAUSE, ids=tuple(many[:3]))
    pause(many[1])
    monkeypatch.setattr(running, "candidates", lambda _operation: Q())

    BatchRun(claimed()).carry_out()

    batch.refresh_from_db()
    assert (batch.done, batch.refused) == (1, 2)
    told = {each.execution_id: (each.is_done, each.detail) for each in batch.entries.all()}
    refused = (False, "it is not paused")
    assert told == {many[0]: refused, many[1]: (True, ""), many[2]: refused}
    assert OperationRecord.objects.get(batch_id=batch.pk).execution_id == many[1]


def test_one_that_nobody_is_at_is_stopped_at_once(many: list[ExecutionId]) -> None:
    batch = started()

    assert stop_batch(batch, actor="user:bob")

    batch.refresh_from_db()
    assert batch.status == BatchStatus.STOPPED
    assert claim_unattended() == []


def test_a_second_click_starts_nothing(many: list[ExecutionId]) -> None:
    assert started() == started()
    assert Batch.objects.count() == 1


def test_no_more_are_under_way_than_may_be(many: list[ExecutionId]) -> None:
    for number in range(keeping.MOST_AT_A_TIME):
        started(key=str(number))

    with pytest.raises(TooManyBatches):
        started(key="more")


def test_one_that_comes_no_further_is_given_up(many: list[ExecutionId]) -> None:
    batch = started()
    for _ in range(5):
        claimed()
        fall_silent(batch)

    assert claim_unattended() == []
    batch.refresh_from_db()
    assert batch.status == BatchStatus.FAILED


def test_those_that_were_selected_are_taken_whatever_their_age(many: list[ExecutionId]) -> None:
    start_batch(
        BulkOperation.PAUSE,
        ExecutionFilter(ids=tuple(many[3:6]), show_derived=True),
        total=3,
        actor="user:ann",
        reason="",
        key="k",
    )
    BatchRun(claimed()).carry_out()

    assert set(Execution.objects.filter(lifecycle="paused").values_list("pk", flat=True)) == set(many[3:6])


def test_a_retry_tells_which_execution_it_started_and_a_second_one_why_not(many: list[ExecutionId]) -> None:
    first = started(BulkOperation.RETRY)
    BatchRun(claimed()).carry_out()
    second = started(BulkOperation.RETRY, key="again")
    BatchRun(claimed()).carry_out()

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.done, first.refused) == (2, 0)
    new = {each.execution_id: each.detail for each in first.entries.filter(is_done=True)}
    assert set(new) == set(many[-2:])
    assert set(new.values()) == set(Execution.objects.exclude(pk__in=many).values_list("pk", flat=True))
    assert (second.done, second.refused) == (0, 2)
    left = {each.execution_id: each.detail for each in second.entries.filter(is_done=False)}
    assert left == {old: f"it was retried already, as {started}" for old, started in new.items()}


def test_what_changed_meanwhile_is_left_alone(many: list[ExecutionId]) -> None:
    batch = started()
    cancel(many[0])
    BatchRun(claimed()).carry_out()

    batch.refresh_from_db()
    assert batch.done == MANY - 3
    assert not batch.entries.filter(execution_id=many[0]).exists()


def test_what_changes_at_the_last_moment_has_nothing_done_to_it_and_the_others_do(
    many: list[ExecutionId], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = started(ids=tuple(many[:3]))

    def late(operation: BulkOperation) -> Decision:
        decide = decision_of(operation)
        assert decide is not None

        def deciding(state: ExecutionState, now: datetime) -> tuple[ExecutionEvent, ...]:
            events = decide(state, now)
            if state.execution_id == many[1]:
                cancel(many[1])
            return events

        return deciding

    monkeypatch.setattr(running, "decision_of", late)
    BatchRun(claimed()).carry_out()

    told = {each.execution_id: (each.is_done, each.detail) for each in batch.entries.all()}
    done = (True, "")
    assert told == {many[0]: done, many[1]: (False, "there was nothing to do"), many[2]: done}
    assert {each.execution_id for each in OperationRecord.objects.all()} == {many[0], many[2]}
    assert cancelled() == set(many[:3])


def test_states_are_those_of_the_moment_of_confirmation(many: list[ExecutionId]) -> None:
    batch = started(statuses=(ListedStatus.PENDING,))
    # Not due then, and due by now.
    Execution.objects.filter(pk__in=many[:10]).update(due_at=batch.started_at + timedelta(microseconds=1))

    BatchRun(claimed()).carry_out()

    assert cancelled() == set(many[10:-2])
