"""What every journal promises: signals that wait for the call they are for."""

from __future__ import annotations

import pytest

from engine.deployment.spec import ComponentType
from engine.errors import AlreadyFinished, ExecutionNotFound, VersionConflict
from engine.journal.protocol import Journal
from engine.journal.records import Mail, NewExecution, PostSignal
from engine.log import events as e
from engine.log.ids import ExecutionId, Version
from engine.log.state import Status
from tests.builders import (
    FFQN,
    JOIN_SET,
    NOW,
    make_append,
    make_child_end,
    make_child_request,
    make_child_response,
    make_component_id,
    make_created,
    make_execution,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_locked,
    make_retval,
    make_submit,
)
from tests.engine.journal.commits import assert_state_is_folded, commit, refusal

pytestmark = pytest.mark.usefixtures("either_database")

E1, E2 = (make_execution_id(number) for number in (1, 2))


def locked(journal: Journal) -> None:
    """Submit E1, locked, with a join set; its next version is 3."""
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))


def make_stub(number: int = 1) -> NewExecution:
    stub = make_component_id("stub", component_type=ComponentType.ACTIVITY_STUB)
    child = make_child_request(E1, number).child_execution_id
    return make_execution(child, make_created(parent=(E1, JOIN_SET), component_id=stub))


def make_signal(
    number: int = 1, *, signal_id: str | None = None, expected: int | None = None, ends: int | None = None
) -> PostSignal:
    """The signal with the value ``number``: for the next call at a version of E1, or for E1's ``ends``-th child."""
    mail = Mail(execution_id=E1, ffqn=FFQN, signal_id=signal_id, at=NOW, retval=make_retval(number))
    if ends is None:
        return PostSignal(mail=mail, expected=Version(expected or 0))
    end = make_append(
        make_child_request(E1, ends).child_execution_id,
        make_finished(number),
        expected=1,
        responses=[make_child_response(E1, ends, retval=make_retval(number))],
    )
    return PostSignal(mail=mail, end=end)


def results(journal: Journal) -> list[e.Response]:
    return list(journal.load_responses(E1))


def test_a_call_finds_the_signal_that_came_before_it(journal: Journal) -> None:
    locked(journal)
    commit(journal, make_signal(7, expected=3))

    request = make_append(
        E1,
        make_child_request(E1),
        make_join_next(),
        expected=3,
        holder=make_holder(),
        awaits=True,
        created=[make_stub()],
    )
    (committed,) = commit(journal, request)

    assert not committed.blocked
    # The writer must look for what it did not bring.
    assert committed.responses_before == committed.response_count == 1
    child = make_stub().execution_id
    assert [response.event for response in results(journal)] == [
        e.ChildFinished(child_execution_id=child, finished_version=Version(1), retval=make_retval(7))
    ]
    assert journal.state_of(child).status is Status.FINISHED
    assert journal.state_of(E1).status is Status.LOCKED
    for execution_id in (E1, child):
        assert_state_is_folded(journal, execution_id)


def test_what_came_by_mail_arrives_behind_the_requests_that_it_answers(journal: Journal) -> None:
    locked(journal)
    for number in (7, 8, 9):
        commit(journal, make_signal(number, expected=3))

    commit(
        journal,
        make_append(
            E1,
            make_child_request(E1, 1),
            make_child_request(E1, 2),
            expected=3,
            holder=make_holder(),
            created=[make_stub(1), make_stub(2)],
        ),
    )
    commit(
        journal,
        make_append(
            E1,
            make_child_request(E1, 3),
            make_join_next(),
            expected=5,
            holder=make_holder(),
            awaits=True,
            created=[make_stub(3)],
        ),
    )

    # An await stands behind what answers it.
    assert [response.at_version for response in results(journal)] == [5, 5, 6]
    assert_state_is_folded(journal, E1)


def test_signals_are_given_out_in_their_order_once(journal: Journal) -> None:
    locked(journal)
    commit(journal, make_signal(1, expected=3), make_signal(2, expected=3))

    requests = [make_child_request(E1, number) for number in (1, 2, 3)]
    stubs = [make_stub(number) for number in (1, 2, 3)]
    commit(journal, make_append(E1, *requests, expected=3, holder=make_holder(), created=stubs))

    retvals = [response.event.retval for response in results(journal) if isinstance(response.event, e.ChildFinished)]
    assert retvals == [make_retval(1), make_retval(2)]
    assert [journal.state_of(stub.execution_id).is_finished for stub in stubs] == [True, True, False]


def test_a_signal_ends_the_call_that_waits(journal: Journal) -> None:
    locked(journal)
    commit(journal, make_append(E1, make_child_request(E1), expected=3, created=[make_stub()]))

    commit(journal, make_signal(7, ends=1))

    (response,) = results(journal)
    assert isinstance(response.event, e.ChildFinished)
    assert response.event.retval == make_retval(7)
    # Nothing is left for the next call.
    commit(journal, make_append(E1, make_child_request(E1, 2), expected=4, created=[make_stub(2)]))
    assert not journal.state_of(make_stub(2).execution_id).is_finished


def test_a_signal_id_counts_once(journal: Journal) -> None:
    locked(journal)
    commit(journal, make_append(E1, make_child_request(E1), expected=3, created=[make_stub()]))
    (first,) = commit(journal, make_signal(7, signal_id="a", ends=1))
    assert first.is_new

    (again,) = commit(journal, make_signal(7, signal_id="a", expected=4))
    twice = commit(journal, make_signal(8, signal_id="b", expected=4), make_signal(8, signal_id="b", expected=4))

    assert not again.is_new
    assert [each.is_new for each in twice] == [True, False]


def test_a_signal_is_not_kept_when_the_execution_has_moved_on(journal: Journal) -> None:
    locked(journal)

    refusal(journal, make_signal(expected=2), VersionConflict)
    refusal(journal, make_signal(ends=1), ExecutionNotFound)
    commit(journal, make_append(E1, make_child_request(E1), expected=3, created=[make_stub()]))

    assert not results(journal)


def test_a_signal_that_comes_second_does_not_count(journal: Journal) -> None:
    locked(journal)
    commit(journal, make_append(E1, make_child_request(E1), expected=3, created=[make_stub()]))
    commit(journal, make_child_end(E1, 1))

    refusal(journal, make_signal(7, signal_id="a", ends=1), AlreadyFinished)

    # It was not noted either.
    (later,) = commit(journal, make_signal(7, signal_id="a", expected=4))
    assert later.is_new


def test_nobody_and_the_finished_get_no_signals(journal: Journal) -> None:
    refusal(journal, make_signal(), ExecutionNotFound)
    commit(journal, make_submit(E1, make_created(), make_finished()))

    refusal(journal, make_signal(expected=2), AlreadyFinished)
    assert journal.load_log(ExecutionId(E2)) == []
