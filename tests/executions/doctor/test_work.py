"""Work that stands still: found, explained, repaired where that can be, and well afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from engine.log import events as e
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.doctor.findings import Severity
from executions.journal.journal import SqlJournal
from executions.liveness import beat
from executions.models import Delay, Execution, OperationRecord
from tests.builders import (
    JOIN_SET,
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_delay_request,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import assert_state_is_folded, commit
from tests.executions.deployments import PING, deploy_runnable
from tests.executions.doctor.examined import ACTOR, look, look_for_one, repair

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

E1, E2 = make_execution_id(1), make_execution_id(2)


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


@pytest.fixture
def then() -> datetime:
    """Ten minutes ago."""
    return timezone.now() - timedelta(minutes=10)


def repairs_of(execution_id: str) -> list[tuple[str, str]]:
    records = OperationRecord.objects.filter(execution_id=execution_id, operation="repair", actor=ACTOR)
    return list(records.values_list("detail", "reason"))


def test_a_site_without_executions_is_well() -> None:
    for name in ("states", "locks", "responses", "delays", "stranded", "cancellations", "orphans", "children"):
        assert look(name) == []


# --- Nobody runs it ---------------------------------------------------------------------------------------------------


def test_what_nobody_can_run_is_told_with_why_by_function(journal: SqlJournal, then: datetime, tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    gone = make_created(ffqn="test:gone/api.run", scheduled_at=then)
    here = make_created(ffqn=PING, scheduled_at=then)
    events = [gone, gone, here]
    commit(journal, *(make_submit(make_execution_id(n), each, at=then) for n, each in enumerate(events, 1)), now=then)

    findings = look("stranded")

    assert {finding.severity for finding in findings} == {Severity.PROBLEM}
    assert [finding.what for finding in findings] == [
        "2 executions of test:gone/api.run: it is due, but no deployed component exports test:gone/api.run; "
        "deploy one that does.",
        f"1 execution of {PING}: it is due, but no executor is alive; start one with `manage.py run_executor`.",
    ]
    assert findings[0].examples == (E1, E2)


def test_what_is_due_for_a_moment_only_is_no_finding(journal: SqlJournal) -> None:
    now = timezone.now()
    commit(journal, make_submit(E1, make_created(scheduled_at=now), at=now), now=now)

    assert look("stranded") == []


def test_a_cancellation_that_does_not_end_is_found(journal: SqlJournal, then: datetime) -> None:
    commit(journal, make_submit(E1, make_created(scheduled_at=then), e.CancellationRequested(), at=then), now=then)

    assert look_for_one("cancellations").examples == (E1,)


# --- Expired locks ----------------------------------------------------------------------------------------------------


def test_a_lock_that_nobody_ends_is_ended_with_a_record(journal: SqlJournal, then: datetime) -> None:
    locked = make_locked(until=then + timedelta(seconds=5), max_retries=3)
    commit(journal, make_submit(E1, make_created(scheduled_at=then), locked, at=then), now=then)
    finding = look_for_one("locks")
    assert finding.examples == (E1,)
    assert "run_executor" in finding.remedy

    assert repair(finding) == 1

    assert look("locks") == []
    assert journal.state_of(E1).status is Status.PENDING_AT
    assert repairs_of(E1) == [("expired lock", "found by manage.py doctor")]
    assert_state_is_folded(journal, E1)


def test_a_lock_that_was_renewed_meanwhile_is_left_alone(journal: SqlJournal, then: datetime) -> None:
    locked = make_locked(until=then + timedelta(seconds=5), max_retries=3)
    commit(journal, make_submit(E1, make_created(scheduled_at=then), locked, at=then), now=then)
    finding = look_for_one("locks")
    longer = make_locked(until=timezone.now() + timedelta(minutes=1), max_retries=3)
    commit(journal, make_append(E1, longer, expected=2, holder=make_holder(), at=then), now=then)

    assert repair(finding) == 0
    assert repairs_of(E1) == []


# --- Responses --------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting_parent(journal: SqlJournal, then: datetime) -> ExecutionId:
    """A workflow that waits for a child."""
    until = then + timedelta(seconds=5)
    commit(journal, make_submit(E1, make_created(scheduled_at=then), make_locked(until=until), at=then), now=then)
    commit(
        journal,
        make_append(
            E1,
            e.JoinSetCreated(join_set_id=JOIN_SET),
            make_child_request(E1),
            make_join_next(run_expires_at=until),
            expected=2,
            holder=make_holder(),
            awaits=True,
            created=[make_child(E1, at=then)],
            at=then,
        ),
        now=then,
    )
    assert journal.state_of(E1).status is Status.BLOCKED_BY_JOIN_SET
    return E1


def test_a_parent_that_was_not_told_of_its_childs_end_is_told(
    journal: SqlJournal, waiting_parent: ExecutionId, then: datetime
) -> None:
    (child,) = Execution.objects.children_of(waiting_parent).values_list("execution_id", flat=True)
    assert look("responses") == []
    commit(journal, make_append(ExecutionId(child), make_finished(7), expected=1, at=then), now=then)
    finding = look_for_one("responses")
    assert finding.what == "1 workflow not told that children ended, 1 in all."

    assert repair(finding) == 1

    assert look("responses") == []
    assert [response.cursor for response in journal.load_responses(waiting_parent)] == [1]
    assert journal.state_of(waiting_parent).status is Status.PENDING_AT
    assert repairs_of(waiting_parent) == [("missing response", "found by manage.py doctor")]
    assert_state_is_folded(journal, waiting_parent)


def test_a_response_that_did_not_wake_its_parent_is_a_wrong_state(
    journal: SqlJournal, waiting_parent: ExecutionId, then: datetime
) -> None:
    row = Execution.objects.get(pk=waiting_parent)
    (child,) = Execution.objects.children_of(waiting_parent).values_list("execution_id", flat=True)
    commit(journal, make_append(ExecutionId(child), make_finished(7), expected=1, at=then), now=then)
    repair(look_for_one("responses"))
    row.save()
    finding = look_for_one("states")
    assert finding.examples == (waiting_parent,)

    assert repair(finding) == 1

    assert look("states") == []
    assert journal.state_of(waiting_parent).status is Status.PENDING_AT
    assert ("state", "found by manage.py doctor") in repairs_of(waiting_parent)


# --- Delays -----------------------------------------------------------------------------------------------------------


def test_a_delay_that_should_have_fired_is_fired(journal: SqlJournal, then: datetime) -> None:
    until = then + timedelta(hours=1)
    commit(journal, make_submit(E1, make_created(scheduled_at=then), make_locked(until=until), at=then), now=then)
    created = e.JoinSetCreated(join_set_id=JOIN_SET)
    request = make_delay_request(E1, expires_at=then)
    commit(journal, make_append(E1, created, request, expected=2, holder=make_holder(), at=then), now=then)
    beat("Exr_1", now=timezone.now(), started_at=then, deployment_id=None, slots=1, running=0)
    finding = look_for_one("delays")
    assert "logs" in finding.remedy

    assert repair(finding) == 1

    assert look("delays") == []
    assert not Delay.objects.exists()
    assert len(journal.load_responses(E1)) == 1
    assert repairs_of(E1) == [("overdue delay", "found by manage.py doctor")]


# --- States -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [{"status": "blocked_by_join_set", "join_set_id": "n:lost"}, {"temporary_failures": 9}, {"next_version": 7}],
)
def test_a_state_that_is_not_what_the_log_says_is_made_anew(
    journal: SqlJournal, then: datetime, damage: dict[str, object]
) -> None:
    commit(journal, make_submit(E1, make_created(scheduled_at=then), at=then), now=then)
    commit(journal, make_submit(E2, make_created(scheduled_at=then), at=then), now=then)
    before = journal.state_of(E1)
    assert look("states") == []
    Execution.objects.filter(pk=E1).update(**damage)
    finding = look_for_one("states")
    assert finding.examples == (E1,)

    assert repair(finding) == 1

    assert look("states") == []
    assert journal.state_of(E1) == before
    assert repairs_of(E1) == [("state", "found by manage.py doctor")]
    assert repairs_of(E2) == []


def test_a_log_with_a_gap_is_told_and_cannot_be_repaired(journal: SqlJournal, then: datetime) -> None:
    commit(journal, make_submit(E1, make_created(scheduled_at=then), e.Paused(), e.Unpaused(), at=then), now=then)
    Execution.objects.get(pk=E1).events.filter(version=1).delete()

    finding = look_for_one("states")

    assert finding.what == "1 execution whose log cannot be read: its log lacks the event of version 1."
    assert finding.repair is None


def test_the_newest_are_looked_at_and_all_if_asked_for(
    journal: SqlJournal, then: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.doctor.logs._MOST", 2)
    monkeypatch.setattr("executions.doctor.logs._PAGE", 2)
    at = [then + timedelta(seconds=second) for second in (0, 1, 1, 2, 2)]
    commit(journal, *(make_submit(make_execution_id(n), make_created(scheduled_at=then), at=at[n]) for n in range(5)))
    Execution.objects.update(temporary_failures=1)

    assert look_for_one("states").examples == (make_execution_id(4), make_execution_id(3))
    assert len(look_for_one("states", is_thorough=True).examples) == 5
