"""Commits that are put together from what this process wrote, while the one before may still be under way."""

from __future__ import annotations

import pytest

from engine.errors import JournalError, VersionConflict
from engine.journal.protocol import CommitReport, PreparedCommit
from engine.journal.records import Append, Committed, Write
from engine.log.events import CancellationRequested, Finished
from engine.log.ids import Version
from engine.log.return_values import JsonText, Returned, TypedValue
from executions.journal import at_once
from executions.journal.journal import SqlJournal
from executions.journal.sql import CommitRows
from tests.builders import (
    NOW,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_child_response,
    make_created,
    make_execution_id,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import assert_state_is_folded, commit

pytestmark = [pytest.mark.usefixtures("either_database"), pytest.mark.django_db(transaction=True)]

E1, E2 = make_execution_id(1), make_execution_id(2)
Journals = tuple[SqlJournal, SqlJournal]


def make_request(number: int, *, expected: int) -> Append:
    """Return the write of a step that requests one child."""
    return make_append(E1, make_child_request(E1, number), expected=expected, created=[make_child(E1, number)])


def prepare(journal: SqlJournal, *writes: Write) -> PreparedCommit:
    prepared = journal.prepare_commit(writes, now=NOW)
    assert prepared is not None
    return prepared


def only(report: CommitReport) -> Committed | JournalError:
    (outcome,) = report.outcomes
    return outcome


@pytest.fixture
def ours(journals: Journals) -> SqlJournal:
    ours, _ = journals
    commit(ours, make_submit(E1, make_created(), make_locked()))
    return ours


@pytest.fixture
def theirs(journals: Journals) -> SqlJournal:
    return journals[1]


def test_nothing_of_it_is_seen_before_it_is_finished(ours: SqlJournal, theirs: SqlJournal) -> None:
    prepared = prepare(ours, make_request(1, expected=2))
    assert theirs.state_of(E1).next_version == 2

    outcome = only(prepared.finish())

    assert outcome == Committed(next_version=theirs.state_of(E1).next_version)
    assert len(theirs.load_log(make_child(E1).execution_id)) == 1
    assert_state_is_folded(theirs, E1)


def test_each_goes_on_from_the_one_that_was_prepared_before(ours: SqlJournal, theirs: SqlJournal) -> None:
    first = prepare(ours, make_request(1, expected=2))
    second = prepare(ours, make_request(2, expected=3))

    assert only(first.finish()) == Committed(next_version=Version(3))
    assert only(second.finish()) == Committed(next_version=Version(4))
    assert_state_is_folded(theirs, E1)


def test_a_whole_step_is_stored_as_it_is(ours: SqlJournal, theirs: SqlJournal) -> None:
    text = JsonText('"\u00e5 \\u0000 \'once\' \\"twice\\" \U0001f40d"')
    retval = Returned(ok=True, payload=TypedValue("string", text))
    child = make_child(E1, 1, make_locked(), Finished(retval=retval))
    response = make_child_response(E1, version=2, retval=retval)
    step = make_append(E1, make_child_request(E1), expected=2, created=[child], responses=[response])

    assert isinstance(only(prepare(ours, step).finish()), Committed)

    assert tuple(theirs.load_log(child.execution_id)) == child.entries
    assert [each.event for each in theirs.load_responses(E1)] == [response.event]
    for each in (E1, child.execution_id):
        assert_state_is_folded(theirs, each)


def test_several_steps_are_stored_together(ours: SqlJournal, theirs: SqlJournal) -> None:
    outcomes = prepare(ours, make_request(1, expected=2), make_request(2, expected=3)).finish().outcomes

    assert outcomes == (Committed(next_version=Version(3)), Committed(next_version=Version(4)))
    for each in (E1, make_child(E1, 1).execution_id, make_child(E1, 2).execution_id):
        assert_state_is_folded(theirs, each)


def test_a_step_with_much_text_is_stored_as_it_is(ours: SqlJournal, theirs: SqlJournal) -> None:
    retval = Returned(ok=True, payload=TypedValue("string", JsonText(f'"{"x" * 2_000_000}"')))
    child = make_child(E1, 1, make_locked(), Finished(retval=retval))
    step = make_append(E1, make_child_request(E1), expected=2, created=[child])

    assert isinstance(only(prepare(ours, step).finish()), Committed)

    assert tuple(theirs.load_log(child.execution_id)) == child.entries


def test_what_others_wrote_meanwhile_is_not_overwritten(ours: SqlJournal, theirs: SqlJournal) -> None:
    commit(ours, make_request(1, expected=2))
    prepared = prepare(ours, make_request(2, expected=3))
    commit(theirs, make_child_end(E1))

    outcome = only(prepared.finish())

    assert isinstance(outcome, Committed)
    assert outcome.response_count == 1
    assert_state_is_folded(theirs, E1)


def test_what_was_built_on_a_refused_one_is_applied_to_what_there_is(ours: SqlJournal, theirs: SqlJournal) -> None:
    refused = prepare(ours, make_request(1, expected=2))
    built_on_it = prepare(ours, make_request(2, expected=3))
    # The version that the second one expects is there after all, and not by the first one.
    commit(theirs, make_append(E1, CancellationRequested(), expected=2))

    assert isinstance(only(refused.finish()), VersionConflict)
    built_on_it.finish()

    assert theirs.load_log(E1)[2].event == CancellationRequested()
    assert_state_is_folded(theirs, E1)


def test_one_that_is_dropped_leaves_nothing_behind(ours: SqlJournal, theirs: SqlJournal) -> None:
    prepare(ours, make_request(1, expected=2)).drop()

    commit(ours, make_request(2, expected=2))

    assert_state_is_folded(theirs, E1)
    assert len(theirs.load_log(E1)) == 3


def test_nothing_is_prepared_that_would_have_to_be_asked_for(ours: SqlJournal, theirs: SqlJournal) -> None:
    commit(ours, make_request(1, expected=2))
    commit(ours, make_child_end(E1))
    awaiting = make_append(E1, make_join_next(), expected=3, awaits=True)

    assert ours.prepare_commit([make_submit(E2)], now=NOW) is None
    assert ours.prepare_commit([awaiting], now=NOW) is None
    assert theirs.prepare_commit([make_request(2, expected=3)], now=NOW) is None


def test_nothing_is_prepared_that_is_refused(ours: SqlJournal) -> None:
    assert ours.prepare_commit([make_request(1, expected=7)], now=NOW) is None


def test_much_is_left_to_statements_of_its_own() -> None:
    rows = [("x",)] * 65

    assert at_once.store_at_once(CommitRows((), {}, rows[1:], ())) is not None
    assert at_once.store_at_once(CommitRows((), {}, rows, ())) is None
    assert at_once.store_at_once(CommitRows((), {}, [("x" * 200_000,)] * 7, ())) is None
    assert at_once.store_at_once(CommitRows((), {("status",): [("locked",)]}, (), ())) is None
