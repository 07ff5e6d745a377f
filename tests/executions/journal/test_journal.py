"""What only a journal in a database can get wrong; what every journal promises is tested in tests/engine/journal."""

from __future__ import annotations

import pytest
from django.db import transaction
from msgspec.structs import replace

from engine.deployment.spec import LogLevel
from engine.errors import AlreadyFinished, ExecutionExists, JournalError, JournalUnavailable
from engine.journal.changes import Changes
from engine.journal.records import Committed, LogLine, Write
from engine.log import events as e
from engine.log.ids import Version
from engine.log.state import Status
from executions.journal.commit import store
from executions.journal.connection import CurrentConnection, DedicatedConnection, own_connection
from executions.journal.journal import SqlJournal
from executions.models import Event, Execution, JoinSetResponse
from executions.models import HttpExchange as HttpExchangeRow
from executions.models import LogLine as LogLineRow
from tests.builders import (
    NOW,
    after,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_delay_end,
    make_delay_request,
    make_execution_id,
    make_finished,
    make_holder,
    make_http_exchange,
    make_lock_request,
    make_lockable,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit, lock_pending, refusal
from tests.executions.journal.impatience import make_impatient

pytestmark = pytest.mark.usefixtures("either_database")

E1, E2 = make_execution_id(1), make_execution_id(2)


def test_what_is_committed_is_there_for_everybody(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), make_finished()))
    other = SqlJournal.dedicated()

    assert other.state_of(E1).result_kind == "ok"
    assert Execution.objects.get(pk=E1).due_at == NOW
    assert [event.entry() for event in Event.objects.order_by("version")] == journal.load_log(E1)
    other.close()


def test_what_the_database_refuses_disturbs_nobody_else(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))
    # A lock of nobody in particular: the ledger has no rule against it, the table has.
    nobody = replace(make_locked(until=after(20)), max_retries=-1)
    writes: list[Write] = [
        make_submit(E2),
        make_append(E1, nobody, expected=2),
        make_append(E2, e.Paused(), expected=1),
    ]

    submitted, faulty, paused = journal.commit(writes, now=NOW).outcomes

    assert isinstance(submitted, Committed)
    assert type(faulty) is JournalError
    assert isinstance(paused, Committed)
    assert journal.state_of(E1).next_version == 2
    assert journal.state_of(E2).next_version == 2


def test_hints_of_a_commit_with_a_faulty_write_are_complete(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), make_delay_request(E1, expires_at=after(5))))
    children = [make_child(E1, number) for number in (1, 2)]
    requests = [make_child_request(E1, number) for number in (1, 2)]
    commit(journal, make_append(E1, *requests, expected=3, created=children))
    writes: list[Write] = [
        make_child_end(E1, 1),
        make_append(E1, make_child_request(E1), expected=5, created=[make_child(E1, 1)]),
        make_child_end(E1, 2),
        make_submit(E2, make_created(scheduled_at=after(7))),
    ]

    report = journal.commit(writes, now=NOW)

    assert [isinstance(outcome, Committed) for outcome in report.outcomes] == [True, False, True, True]
    assert len(report.hints.finished) == 2
    assert report.hints.responses_for == {E1}
    assert report.hints.pending_from == after(7)
    assert [response.cursor for response in journal.load_responses(E1)] == [1, 2]


def test_a_row_that_changed_under_a_commit_is_not_overwritten(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1))
    stale = journal.state_of(E1)
    changed = replace(stale, next_version=Version(3))
    commit(journal, make_append(E1, e.Paused(), expected=1))
    changes = Changes(
        updated={E1: (stale, changed)}, entries=[(E1, make_append(E1, e.Paused(), expected=2).entries[0])]
    )

    with pytest.raises(JournalUnavailable, match="changed while"), CurrentConnection().transaction() as statements:
        store(statements, changes)

    assert journal.state_of(E1).next_version == 2
    assert len(journal.load_log(E1)) == 2


def test_a_commit_inside_a_transaction_is_gone_with_it(transactional_db: None) -> None:
    current = SqlJournal.for_current_connection()

    with transaction.atomic():
        commit(current, make_submit(E1))
        transaction.set_rollback(True)

    assert not Execution.objects.exists()


def test_a_refused_write_inside_a_transaction_leaves_it_usable(db: None) -> None:
    current = SqlJournal.for_current_connection()
    commit(current, make_submit(E1, make_created(), make_locked()))
    commit(current, make_append(E1, make_child_request(E1), expected=2, created=[make_child(E1)]))

    refusal(current, make_append(E1, make_child_request(E1), expected=3, created=[make_child(E1)]), ExecutionExists)

    commit(current, make_child_end(E1))
    assert JoinSetResponse.objects.count() == 1


def test_looking_for_work_in_vain_needs_no_write_lock(journal: SqlJournal) -> None:
    writer = DedicatedConnection(own_connection)
    impatient = SqlJournal.dedicated()
    make_impatient(impatient._writer)
    make_impatient(impatient._reader)

    with writer.transaction():
        assert lock_pending(impatient, make_lock_request()) == []
        assert impatient.load_log(E1) == []

    writer.close()
    impatient.close()


def test_reading_does_not_wait_for_a_commit_of_the_same_journal(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1))

    with journal._writer.transaction() as statements:
        statements.execute("UPDATE executions_execution SET ffqn = %s", ("x",))
        assert journal.state_of(E1).ffqn != "x"

    assert journal.state_of(E1).ffqn == "x"


def test_a_wide_fan_out_and_its_ends_are_one_commit_each(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))
    numbers = range(1, 601)
    requests = [make_child_request(E1, number) for number in numbers]
    children = [make_child(E1, number) for number in numbers]

    commit(journal, make_append(E1, *requests, expected=2, created=children))
    commit(journal, *[make_child_end(E1, number) for number in numbers])

    assert journal.state_of(E1).next_version == 602
    assert [response.cursor for response in journal.load_responses(E1)] == list(numbers)
    assert not Execution.objects.children_of(E1).unfinished().exists()


def test_locks_are_taken_for_more_executions_than_fit_one_statement(journal: SqlJournal) -> None:
    numbers = range(1, 601)
    commit(journal, *[make_submit(make_execution_id(number)) for number in numbers])

    locked = lock_pending(journal, make_lock_request(make_lockable(limit=1000), limit=550, holder=make_holder(7)))

    assert [execution.state.execution_id for execution in locked] == [make_execution_id(n) for n in range(1, 551)]
    assert Execution.objects.filter(status=Status.LOCKED.value).count() == 550


def test_a_delay_that_was_cancelled_elsewhere_does_not_fire(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), make_delay_request(E1)))
    (due,) = journal.due_delays(NOW, limit=1)
    other = SqlJournal.dedicated()
    commit(other, make_delay_end(due.delay_id, cancelled=True))

    refusal(journal, make_delay_end(due.delay_id), AlreadyFinished)

    other.close()


def test_log_lines_are_stored_though_their_execution_is_not_yet(journal: SqlJournal) -> None:
    run = make_holder().run_id
    journal.add_log_lines([])
    journal.add_log_lines(
        [
            LogLine(execution_id=E1, run_id=run, created_at=NOW, level=LogLevel.WARN, message="careful"),
            LogLine(execution_id=E1, run_id=run, created_at=after(1), level=None, message="out\0put", stream="stdout"),
        ]
    )

    rows = LogLineRow.objects.order_by("id").values_list("level", "stream", "message", "created_at")
    assert list(rows) == [("warn", None, "careful", NOW), (None, "stdout", "out␀put", after(1))]


def test_http_exchanges_are_stored_though_their_execution_is_not_yet(journal: SqlJournal) -> None:
    journal.add_http_exchanges([])
    journal.add_http_exchanges(
        [
            make_http_exchange(E1),
            make_http_exchange(E1, url="http://b.test/\0", status=None, error="connection-refused: nobody\0there"),
        ]
    )

    rows = HttpExchangeRow.objects.order_by("id").values_list("url", "status", "error", "duration_us", "started_at")
    assert list(rows) == [
        ("http://a.test/x", 200, None, 5000, NOW),
        ("http://b.test/\N{SYMBOL FOR NULL}", None, "connection-refused: nobody\N{SYMBOL FOR NULL}there", 5000, NOW),
    ]


def test_a_log_line_of_no_kind_is_refused(journal: SqlJournal) -> None:
    line = LogLine(execution_id=E1, run_id=make_holder().run_id, created_at=NOW, level=None, message="?")

    with pytest.raises(JournalUnavailable):
        journal.add_log_lines([line])
