"""Why a row of the list stands as it does, in few words and few queries."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from console.executions.reasons import Reason, reasons_of
from engine.log import events as e
from engine.log.ids import delay_id
from engine.log.return_values import CANCELLED, JsonText, Returned, TypedValue
from executions.journal.journal import SqlJournal
from executions.models import Delay, Execution, ExecutorHeartbeat
from executions.operations.pausing import pause
from executions.operations.recording import Operation, RecordingJournal
from tests.builders import (
    JOIN_SET,
    NOW,
    after,
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit
from tests.executions.deployments import deploy_declared

pytestmark = pytest.mark.django_db

E1 = make_execution_id(1)


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def reason() -> Reason:
    return reasons_of([Execution.objects.get(pk=E1)], NOW)[E1]


def test_what_ended_shows_what_it_came_to(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), make_finished(18446744073709551615)))

    assert reason() == Reason(value="18446744073709551615")


def test_an_error_is_shown_as_its_value_and_a_failure_in_words(journal: SqlJournal) -> None:
    error = Returned(ok=False, payload=TypedValue("string", JsonText('"' + "x" * 500 + '"')))
    other = make_execution_id(2)
    commit(
        journal,
        make_submit(E1, make_created(), make_locked(), e.Finished(retval=error)),
        make_submit(other, make_created(), make_locked(), e.Finished(retval=CANCELLED)),
    )

    told = reasons_of(list(Execution.objects.all()), NOW)

    assert told[E1].is_bad
    assert told[E1].value == '"' + "x" * 118 + "…"
    assert told[other] == Reason(text="cancelled", is_bad=True)


def test_what_runs_says_where_and_for_which_time(journal: SqlJournal) -> None:
    ExecutorHeartbeat.objects.create(
        executor_id=make_holder().executor_id, host="h2", pid=1, started_at=NOW, seen_at=NOW, slots=1, running=1
    )
    commit(journal, make_submit(E1, make_created(), make_locked()))

    assert reason() == Reason(text="attempt 1 on h2")
    assert reasons_of([Execution.objects.get()], after(11))[E1] == Reason(text="lock expired on h2", is_bad=True)


def test_what_is_tried_again_says_why_and_when(journal: SqlJournal) -> None:
    failed = e.TemporarilyFailed(backoff_expires_at=after(60), reason="502 Bad Gateway")
    commit(journal, make_submit(E1, make_created(), make_locked(max_retries=5), failed))

    assert reason() == Reason(text="502 Bad Gateway", until=after(60), is_bad=True)


def test_what_is_scheduled_says_when(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(scheduled_at=after(60))))

    assert reason() == Reason(until=after(60))


def test_what_is_due_says_what_is_in_the_way(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_declared(tmp_path)
    commit(journal, make_submit(E1, make_created()))

    assert reason().text.startswith("no deployed component exports ")


def test_what_is_paused_says_by_whom_and_why(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))
    pause(E1, journal=RecordingJournal(E1, Operation.PAUSE, actor="user:ann", reason="the bank is closed"))

    assert reason() == Reason(text="by user:ann: the bank is closed")


def block(journal: SqlJournal, *members: int) -> None:
    requests = [make_child_request(E1, number) for number in members]
    join_set = e.JoinSetCreated(join_set_id=JOIN_SET)
    commit(journal, make_submit(E1, make_created(), make_locked(), join_set))
    children = [make_child(E1, number) for number in members]
    end = 3 + len(members)
    commit(journal, make_append(E1, *requests, expected=3, created=children))
    commit(journal, make_append(E1, make_join_next(), expected=end, awaits=True))


def test_what_waits_says_for_which_function(journal: SqlJournal) -> None:
    block(journal, 1, 2)
    Execution.objects.filter(pk__endswith="_2").update(component_type="activity_stub")

    name = Execution.objects.get(pk=E1).ffqn.rpartition("/")[2]
    assert reason() == Reason(text=f"waits at {JOIN_SET}: {name} (task)")


def test_what_sleeps_says_until_when(journal: SqlJournal) -> None:
    block(journal)
    Delay.objects.create(
        delay_id=delay_id(E1, JOIN_SET, 1), execution_id=E1, join_set_id=JOIN_SET, expires_at=after(9), is_paused=False
    )

    assert reason() == Reason(text=f"sleeps at {JOIN_SET}", until=after(9))


def test_a_page_takes_few_queries_however_many_rows_it_has(
    journal: SqlJournal, tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    deploy_declared(tmp_path)
    failed = e.TemporarilyFailed(backoff_expires_at=after(60), reason="502")
    ways = [
        (make_created(),),
        (make_created(), make_locked()),
        (make_created(), make_locked(), make_finished()),
        (make_created(), make_locked(max_retries=5), failed),
        (make_created(), e.Paused()),
    ]
    commit(journal, *(make_submit(make_execution_id(n), *ways[n % 5]) for n in range(1, 51)))
    rows = list(Execution.objects.all())

    with django_assert_max_num_queries(8):
        reasons_of(rows, NOW)
