"""What every journal promises: commits. Locking and delays have files of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from engine.errors import AlreadyFinished, ExecutionExists, ExecutionNotFound, LockLost, VersionConflict
from engine.journal.protocol import Journal
from engine.journal.records import Committed, Hints, Write
from engine.log import events as e
from engine.log.ids import child_id, named_join_set
from engine.log.return_values import CANCELLED, Failed, FailureKind
from engine.log.schedules import Now
from engine.log.state import ExecutionState, Holder, Lifecycle, Status
from tests.builders import (
    FFQN,
    JOIN_SET,
    NOW,
    after,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_child_response,
    make_component_id,
    make_created,
    make_delay_request,
    make_execution,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_locked,
    make_log_line,
    make_retval,
    make_submit,
)
from tests.engine.journal.commits import assert_state_is_folded, commit, refusal

pytestmark = pytest.mark.usefixtures("either_database")

E1, E2, E3 = (make_execution_id(number) for number in (1, 2, 3))
CHILD = child_id(E1, JOIN_SET, 1)
OTHER_SET = named_join_set("other")
HOLDER, STRANGER = make_holder(1), make_holder(2)
CREATED_SET = e.JoinSetCreated(join_set_id=JOIN_SET)


def lock(journal: Journal, *events: e.ExecutionEvent) -> int:
    """Submit E1, locked by HOLDER until after(10), with further events; return its next version."""
    created = make_created()
    commit(journal, make_submit(E1, created, make_locked(HOLDER), *events))
    return 2 + len(events)


def lock_with_child(journal: Journal, *, also: int = 0) -> int:
    """Submit E1, locked, with one or more committed children; return its next version."""
    version = lock(journal, CREATED_SET)
    numbers = range(1, 2 + also)
    requests = [make_child_request(E1, number) for number in numbers]
    children = [make_child(E1, number) for number in numbers]
    commit(journal, make_append(E1, *requests, expected=version, holder=HOLDER, created=children))
    return version + len(requests)


def block(journal: Journal, *, also: int = 0) -> int:
    """Submit E1, blocked on its child; return its next version."""
    version = lock_with_child(journal, also=also)
    (committed,) = commit(journal, make_append(E1, make_join_next(), expected=version, holder=HOLDER, awaits=True))
    assert committed.blocked
    return version + 1


# --- Submitting -------------------------------------------------------------------------------------------------------


def test_a_submitted_execution_is_pending_at_its_schedule(journal: Journal) -> None:
    (committed,) = commit(journal, make_submit(E1, make_created(scheduled_at=after(5))))

    assert committed == Committed(next_version=committed.next_version)
    state = journal.state_of(E1)
    assert (state.status, state.due_at, state.next_version) == (Status.PENDING_AT, after(5), 1)


def test_an_execution_may_be_submitted_with_a_history_of_its_own(journal: Journal) -> None:
    commit(journal, make_submit(E1, make_created(), e.Paused()))

    assert journal.state_of(E1).lifecycle is Lifecycle.PAUSED
    assert journal.state_of(E1).next_version == 2


def test_submitting_the_same_call_again_changes_nothing(journal: Journal) -> None:
    lock(journal)

    (committed,) = commit(journal, make_submit(E1, make_created(scheduled_at=after(3))))

    assert not committed.is_new
    assert committed.next_version == 2
    assert len(journal.load_log(E1)) == 2


@pytest.mark.parametrize("created", [make_created(params="[1]"), make_created(ffqn="test:pkg/api.other")])
def test_the_id_of_another_call_is_refused(journal: Journal, created: e.Created) -> None:
    commit(journal, make_submit(E1))

    error = refusal(journal, make_submit(E1, created), ExecutionExists)

    assert error.execution_id == E1


def test_the_same_id_twice_in_one_commit_is_told_apart_like_in_two(journal: Journal) -> None:
    report = journal.commit([make_submit(E1), make_submit(E1), make_submit(E1, make_created(params="[1]"))], now=NOW)

    first, again, other = report.outcomes
    assert isinstance(first, Committed)
    assert first.is_new
    assert isinstance(again, Committed)
    assert not again.is_new
    assert isinstance(other, ExecutionExists)


# --- Versions ---------------------------------------------------------------------------------------------------------


def test_events_are_read_back_in_order_and_from_any_version(journal: Journal) -> None:
    commit(journal, make_submit(E1))
    commit(journal, make_append(E1, make_locked(HOLDER), expected=1, at=after(1)), now=after(1))
    commit(journal, make_append(E1, CREATED_SET, make_finished(), expected=2, at=after(2)), now=after(2))

    log = journal.load_log(E1)

    assert [entry.version for entry in log] == [0, 1, 2, 3]
    assert [entry.event for entry in log] == [make_created(), make_locked(HOLDER), CREATED_SET, make_finished()]
    assert [entry.created_at for entry in log] == [NOW, after(1), after(2), after(2)]
    assert journal.load_log(E1, start=2) == log[2:]
    assert journal.load_log(E1, start=4) == []


def test_nothing_is_known_of_an_unknown_execution(journal: Journal) -> None:
    assert journal.load_log(E1) == []
    assert journal.load_responses(E1) == []
    with pytest.raises(ExecutionNotFound):
        journal.state_of(E1)


@pytest.mark.parametrize("expected", [0, 2])
def test_append_at_a_wrong_version_is_refused(journal: Journal, expected: int) -> None:
    commit(journal, make_submit(E1))

    error = refusal(journal, make_append(E1, e.Paused(), expected=expected), VersionConflict)

    assert (error.execution_id, error.expected, error.actual) == (E1, expected, 1)
    assert journal.state_of(E1).next_version == 1


def test_of_two_writers_at_one_version_the_first_wins(journal: Journal) -> None:
    commit(journal, make_submit(E1))
    writes = [make_append(E1, e.Paused(), expected=1), make_append(E1, e.CancellationRequested(), expected=1)]

    first, second = journal.commit(writes, now=NOW).outcomes

    assert isinstance(first, Committed)
    assert isinstance(second, VersionConflict)
    assert second.actual == 2
    assert journal.state_of(E1).lifecycle is Lifecycle.PAUSED


def test_append_to_an_unknown_execution_is_refused(journal: Journal) -> None:
    error = refusal(journal, make_append(E1, e.Paused(), expected=1), ExecutionNotFound)

    assert error.execution_id == E1


def test_append_after_the_end_is_refused(journal: Journal) -> None:
    lock(journal, make_finished())

    for event in (make_finished(), e.CancellationRequested(), e.Paused(), make_locked(), CREATED_SET):
        refusal(journal, make_append(E1, event, expected=3), AlreadyFinished)

    assert journal.state_of(E1).next_version == 3


def test_an_event_that_the_state_does_not_accept_is_refused(journal: Journal) -> None:
    version = lock(journal)

    refusal(journal, make_append(E1, e.Paused(), expected=version), VersionConflict)

    assert len(journal.load_log(E1)) == version


# --- All or nothing ---------------------------------------------------------------------------------------------------


def test_an_empty_commit_does_nothing(journal: Journal) -> None:
    report = journal.commit([], now=NOW)

    assert report.outcomes == ()
    assert report.hints == Hints()


def test_a_write_is_refused_whole(journal: Journal) -> None:
    version = lock_with_child(journal)
    commit(journal, make_submit(E2))
    half_good = make_append(
        E1,
        make_child_request(E1, 2),
        make_delay_request(E1),
        e.Unpaused(),
        expected=version,
        holder=HOLDER,
        created=[make_child(E1, 2), make_execution(E3)],
        responses=[make_child_response(E1)],
    )

    refusal(journal, half_good, VersionConflict)

    assert journal.state_of(E1).next_version == version
    assert journal.load_responses(E1) == []
    assert journal.due_delays(after(100), limit=10) == []
    for unborn in (child_id(E1, JOIN_SET, 2), E3):
        assert journal.load_log(unborn) == []


def test_a_refused_write_does_not_disturb_the_others(journal: Journal) -> None:
    commit(journal, make_submit(E2))
    writes: list[Write] = [
        make_submit(E1),
        make_append(E2, e.Paused(), expected=7),
        make_append(E1, make_locked(HOLDER), expected=1),
        make_append(E3, e.Paused(), expected=1),
        make_append(E2, e.Paused(), expected=1),
    ]

    outcomes = journal.commit(writes, now=NOW).outcomes

    assert [type(outcome) for outcome in outcomes] == [
        Committed,
        VersionConflict,
        Committed,
        ExecutionNotFound,
        Committed,
    ]
    assert journal.state_of(E1).status is Status.LOCKED
    assert journal.state_of(E2).lifecycle is Lifecycle.PAUSED


def test_a_child_id_that_is_taken_is_refused_and_the_others_are_not(journal: Journal) -> None:
    version = lock_with_child(journal)
    commit(journal, make_submit(E2))
    again = make_append(E1, make_child_request(E1), expected=version, holder=HOLDER, created=[make_child(E1)])

    taken, paused = journal.commit([again, make_append(E2, e.Paused(), expected=1)], now=NOW).outcomes

    assert isinstance(taken, ExecutionExists)
    assert taken.execution_id == CHILD
    assert isinstance(paused, Committed)
    assert journal.state_of(E1).next_version == version
    assert journal.state_of(E2).lifecycle is Lifecycle.PAUSED
    assert len(journal.load_log(CHILD)) == 1


def test_a_scheduled_id_that_is_taken_is_refused(journal: Journal) -> None:
    version = lock(journal)
    commit(journal, make_submit(E2))
    scheduled = e.Scheduled(execution_id=E2, schedule_at=Now())

    error = refusal(
        journal,
        make_append(E1, scheduled, expected=version, holder=HOLDER, created=[make_execution(E2)]),
        ExecutionExists,
    )

    assert error.execution_id == E2


def test_one_id_twice_in_one_write_is_refused(journal: Journal) -> None:
    version = lock(journal)

    refusal(
        journal,
        make_append(E1, CREATED_SET, expected=version, holder=HOLDER, created=[make_child(E1), make_child(E1)]),
        ExecutionExists,
    )

    assert journal.load_log(CHILD) == []


def test_states_that_were_read_are_the_readers_own(journal: Journal) -> None:
    commit(journal, make_submit(E1))

    journal.state_of(E1).status = Status.FINISHED

    assert journal.state_of(E1).status is Status.PENDING_AT


# --- Locks ------------------------------------------------------------------------------------------------------------


def test_the_holder_of_an_unexpired_lock_may_write(journal: Journal) -> None:
    version = lock(journal)

    commit(journal, make_append(E1, CREATED_SET, expected=version, holder=HOLDER), now=after(9.999))

    assert journal.state_of(E1).next_version == version + 1


@pytest.mark.parametrize(("holder", "seconds"), [(HOLDER, 10), (HOLDER, 60), (STRANGER, 1)])
def test_whoever_does_not_hold_the_lock_is_refused(journal: Journal, holder: Holder, seconds: int) -> None:
    version = lock(journal)

    error = refusal(
        journal, make_append(E1, CREATED_SET, expected=version, holder=holder), LockLost, now=after(seconds)
    )

    assert error.execution_id == E1
    assert journal.state_of(E1).next_version == version


def test_a_late_owner_is_refused_after_the_take_over(journal: Journal) -> None:
    version = lock(journal)
    timed_out = e.TemporarilyTimedOut(backoff_expires_at=after(10))
    commit(journal, make_append(E1, timed_out, expected=version, at=after(10)), now=after(10))
    commit(
        journal,
        make_append(E1, make_locked(STRANGER, until=after(30)), expected=version + 1, at=after(11)),
        now=after(11),
    )

    refusal(journal, make_append(E1, make_finished(), expected=version, holder=HOLDER), VersionConflict, now=after(12))
    refusal(journal, make_append(E1, make_finished(), expected=version + 2, holder=HOLDER), LockLost, now=after(12))


def test_a_lock_is_extended_by_its_own_run_only(journal: Journal) -> None:
    version = lock(journal)

    commit(journal, make_append(E1, make_locked(HOLDER, until=after(20)), expected=version, at=after(5)), now=after(5))
    refusal(
        journal,
        make_append(E1, make_locked(STRANGER, until=after(30)), expected=version + 1, at=after(6)),
        VersionConflict,
        now=after(6),
    )

    state = journal.state_of(E1)
    assert (state.due_at, state.holder, state.last_lock_version) == (after(20), HOLDER, 1)


def test_no_lock_inside_a_backoff(journal: Journal) -> None:
    version = lock(journal)
    failed = e.TemporarilyFailed(backoff_expires_at=after(3), reason="no luck")
    commit(journal, make_append(E1, failed, expected=version, at=after(1)), now=after(1))

    refusal(
        journal,
        make_append(E1, make_locked(STRANGER, until=after(20)), expected=version + 1, at=after(2)),
        VersionConflict,
        now=after(2),
    )

    state = journal.state_of(E1)
    assert (state.status, state.due_at, state.temporary_failures) == (Status.PENDING_AT, after(3), 1)


def test_unlocking_costs_no_retry(journal: Journal) -> None:
    version = lock(journal)

    unlocked = e.Unlocked(backoff_expires_at=after(2), reason="executor closing")
    commit(journal, make_append(E1, unlocked, expected=version, holder=HOLDER))

    state = journal.state_of(E1)
    assert (state.status, state.due_at, state.temporary_failures) == (Status.PENDING_AT, after(2), 0)


# --- Children and responses -------------------------------------------------------------------------------------------


def test_a_child_appears_together_with_its_request(journal: Journal) -> None:
    version = lock_with_child(journal)

    assert isinstance(journal.load_log(E1)[version - 1].event, e.ChildRequested)
    state = journal.state_of(CHILD)
    assert (state.status, state.parent, state.ffqn) == (Status.PENDING_AT, (E1, JOIN_SET), FFQN)


def test_a_child_may_be_born_finished_with_its_response(journal: Journal) -> None:
    version = lock(journal)
    child = make_child(E1, 1, make_locked(HOLDER), make_finished(7))
    response = make_child_response(E1, version=2, at_version=version + 2, retval=make_retval(7))
    events = (CREATED_SET, make_child_request(E1), make_join_next(), CREATED_SET)

    (committed,) = commit(
        journal,
        make_append(E1, *events, expected=version, holder=HOLDER, created=[child], responses=[response]),
    )

    assert committed == Committed(next_version=committed.next_version, responses_before=0, response_count=1)
    assert journal.state_of(CHILD).result_kind == "ok"
    assert journal.load_responses(E1) == [replace(response, cursor=1)]
    assert_state_is_folded(journal, E1)
    assert_state_is_folded(journal, CHILD)


def test_a_childs_end_and_its_response_come_together(journal: Journal) -> None:
    version = lock_with_child(journal)

    (committed,) = commit(journal, make_child_end(E1, value=7, at=after(2)), now=after(2))

    assert committed.next_version == 2
    assert journal.state_of(CHILD).is_finished
    (response,) = journal.load_responses(E1)
    expected = make_child_response(E1, version=1, at_version=version, at=after(2), retval=make_retval(7))
    assert response == replace(expected, cursor=1)


def test_a_failure_reaches_the_parent_as_it_was_recorded(journal: Journal) -> None:
    lock_with_child(journal)
    failure = Failed(kind=FailureKind.TIMED_OUT, reason="too slow", detail="trace")

    commit(
        journal,
        make_append(CHILD, e.Finished(retval=failure), expected=1, responses=[make_child_response(E1, retval=failure)]),
    )

    (response,) = journal.load_responses(E1)
    assert isinstance(response.event, e.ChildFinished)
    assert response.event.retval == failure
    assert journal.state_of(CHILD).result_kind == "timed_out"


def test_response_cursors_are_dense_and_in_commit_order(journal: Journal) -> None:
    lock_with_child(journal, also=4)

    commit(journal, make_child_end(E1, 3))
    commit(journal, make_child_end(E1, 1), make_child_end(E1, 5))
    commit(journal, make_child_end(E1, 2))

    responses = journal.load_responses(E1)
    assert [response.cursor for response in responses] == [1, 2, 3, 4]
    children = [
        response.event.child_execution_id for response in responses if isinstance(response.event, e.ChildFinished)
    ]
    assert children == [child_id(E1, JOIN_SET, number) for number in (3, 1, 5, 2)]
    assert journal.load_responses(E1, after=2) == responses[2:]
    assert journal.load_responses(E1, after=4) == []
    assert journal.state_of(E1).response_count == 4


def test_a_writer_learns_how_many_responses_there_are(journal: Journal) -> None:
    version = lock_with_child(journal, also=1)
    commit(journal, make_child_end(E1, 1))

    (committed,) = commit(journal, make_append(E1, CREATED_SET, expected=version, holder=HOLDER))

    assert (committed.responses_before, committed.response_count) == (1, 1)


def test_a_second_response_of_one_child_is_refused_and_the_others_are_not(journal: Journal) -> None:
    version = lock_with_child(journal, also=1)
    commit(journal, make_child_end(E1, 1))
    again = make_append(E1, CREATED_SET, expected=version, responses=[make_child_response(E1, 1)])

    refused, accepted = journal.commit([again, make_child_end(E1, 2)], now=NOW).outcomes

    assert isinstance(refused, AlreadyFinished)
    assert refused.execution_id == CHILD
    assert isinstance(accepted, Committed)
    assert journal.state_of(E1).next_version == version
    assert [response.cursor for response in journal.load_responses(E1)] == [1, 2]


def test_a_child_cannot_end_twice(journal: Journal) -> None:
    lock_with_child(journal)
    commit(journal, make_child_end(E1))

    refusal(journal, make_child_end(E1, expected=2), AlreadyFinished)

    assert len(journal.load_responses(E1)) == 1


def test_a_response_for_an_unknown_execution_is_refused(journal: Journal) -> None:
    commit(journal, make_submit(E2))
    orphan = make_append(E2, make_finished(), expected=1, responses=[make_child_response(E1)])

    error = refusal(journal, orphan, ExecutionNotFound)

    assert error.execution_id == E1
    assert not journal.state_of(E2).is_finished


def test_a_response_reaches_a_finished_execution_too(journal: Journal) -> None:
    version = lock_with_child(journal)
    commit(journal, make_append(E1, make_finished(), expected=version, holder=HOLDER))

    commit(journal, make_child_end(E1))

    assert len(journal.load_responses(E1)) == 1
    assert journal.state_of(E1).is_finished


# --- Blocking ---------------------------------------------------------------------------------------------------------


def test_an_unanswered_await_blocks(journal: Journal) -> None:
    block(journal)

    state = journal.state_of(E1)
    assert (state.status, state.join_set_id, state.due_at) == (Status.BLOCKED_BY_JOIN_SET, JOIN_SET, after(10))
    assert_state_is_folded(journal, E1)


def test_an_await_does_not_block_when_a_response_came_that_the_writer_did_not_see(journal: Journal) -> None:
    version = lock_with_child(journal)
    commit(journal, make_child_end(E1))

    (committed,) = commit(journal, make_append(E1, make_join_next(), expected=version, holder=HOLDER, awaits=True))

    assert not committed.blocked
    assert journal.state_of(E1).status is Status.LOCKED
    assert_state_is_folded(journal, E1)


def test_an_await_does_not_block_when_its_response_stands_before_it_in_the_same_commit(journal: Journal) -> None:
    version = lock_with_child(journal)

    _, committed = commit(
        journal,
        make_child_end(E1),
        make_append(E1, make_join_next(), expected=version, holder=HOLDER, awaits=True),
    )

    assert not committed.blocked
    assert journal.state_of(E1).status is Status.LOCKED
    assert_state_is_folded(journal, E1)


def test_a_response_behind_an_await_in_the_same_commit_wakes_it(journal: Journal) -> None:
    version = lock_with_child(journal)

    committed, _ = commit(
        journal,
        make_append(E1, make_join_next(), expected=version, holder=HOLDER, awaits=True),
        make_child_end(E1),
    )

    assert committed.blocked
    assert journal.state_of(E1).status is Status.PENDING_AT
    assert_state_is_folded(journal, E1)


def test_a_response_that_the_writer_saw_answers_nothing_new(journal: Journal) -> None:
    version = lock_with_child(journal, also=1)
    commit(journal, make_child_end(E1, 1))
    commit(journal, make_append(E1, make_join_next(), expected=version, holder=HOLDER))

    (committed,) = commit(
        journal, make_append(E1, make_join_next(), expected=version + 1, holder=HOLDER, awaits=True, seen=1)
    )

    assert committed.blocked
    assert_state_is_folded(journal, E1)


def test_a_response_of_another_join_set_answers_nothing(journal: Journal) -> None:
    version = lock_with_child(journal)
    events = (e.JoinSetCreated(join_set_id=OTHER_SET), make_child_request(E1, join_set=OTHER_SET))
    other_child = make_child(E1, join_set=OTHER_SET)
    commit(journal, make_append(E1, *events, expected=version, holder=HOLDER, created=[other_child]))
    commit(journal, make_child_end(E1, join_set=OTHER_SET))

    (committed,) = commit(journal, make_append(E1, make_join_next(), expected=version + 2, holder=HOLDER, awaits=True))

    assert committed.blocked
    assert_state_is_folded(journal, E1)


def test_a_response_makes_a_blocked_execution_pending_when_its_hot_run_is_over(journal: Journal) -> None:
    block(journal)

    commit(journal, make_child_end(E1, at=after(2)), now=after(2))

    state = journal.state_of(E1)
    assert (state.status, state.due_at, state.join_set_id) == (Status.PENDING_AT, after(10), None)


def test_a_response_after_the_hot_run_makes_it_pending_at_once(journal: Journal) -> None:
    block(journal)

    commit(journal, make_child_end(E1, at=after(12)), now=after(12))

    assert journal.state_of(E1).due_at == after(12)


def test_a_hot_run_goes_on_after_the_response(journal: Journal) -> None:
    version = block(journal)
    commit(journal, make_child_end(E1, at=after(2)), now=after(2))

    commit(journal, make_append(E1, CREATED_SET, expected=version, holder=HOLDER, at=after(3)), now=after(3))

    state = journal.state_of(E1)
    assert (state.status, state.due_at) == (Status.LOCKED, after(10))
    assert_state_is_folded(journal, E1)


def test_a_response_of_another_join_set_wakes_nobody(journal: Journal) -> None:
    version = lock_with_child(journal)
    events = (e.JoinSetCreated(join_set_id=OTHER_SET), make_join_next(join_set=OTHER_SET))
    commit(journal, make_append(E1, *events, expected=version, holder=HOLDER, awaits=True))

    commit(journal, make_child_end(E1))

    assert journal.state_of(E1).status is Status.BLOCKED_BY_JOIN_SET
    assert journal.state_of(E1).join_set_id == OTHER_SET
    assert_state_is_folded(journal, E1)


def test_unlocking_a_blocked_execution_changes_only_its_lock(journal: Journal) -> None:
    version = block(journal)
    unlocked = e.Unlocked(backoff_expires_at=after(1), reason="waiting")

    commit(journal, make_append(E1, unlocked, expected=version, holder=HOLDER, at=after(1)), now=after(1))

    state = journal.state_of(E1)
    assert (state.status, state.join_set_id, state.due_at) == (Status.BLOCKED_BY_JOIN_SET, JOIN_SET, after(1))
    commit(journal, make_child_end(E1, at=after(2)), now=after(2))
    assert journal.state_of(E1).due_at == after(2)


# --- Pausing and cancelling -------------------------------------------------------------------------------------------


def test_a_locked_execution_is_paused_by_unlocking_it_first(journal: Journal) -> None:
    version = lock(journal)
    events = (e.Unlocked(backoff_expires_at=NOW, reason="paused"), e.Paused())

    commit(journal, make_append(E1, *events, expected=version))

    state = journal.state_of(E1)
    assert (state.status, state.lifecycle) == (Status.PENDING_AT, Lifecycle.PAUSED)


def test_a_paused_execution_gets_its_response_and_is_pending_when_unpaused(journal: Journal) -> None:
    version = block(journal)
    commit(journal, make_append(E1, e.Paused(), expected=version))
    commit(journal, make_child_end(E1))

    commit(journal, make_append(E1, e.Unpaused(), expected=version + 1))

    state = journal.state_of(E1)
    assert (state.status, state.lifecycle) == (Status.PENDING_AT, Lifecycle.ACTIVE)
    assert_state_is_folded(journal, E1)


def pending(journal: Journal) -> int:
    commit(journal, make_submit(E1))
    return 1


def paused(journal: Journal) -> int:
    commit(journal, make_submit(E1, make_created(), e.Paused()))
    return 2


@pytest.mark.parametrize("reach", [pending, paused, lock, block])
def test_whatever_has_not_ended_can_be_cancelled_once(journal: Journal, reach: Callable[[Journal], int]) -> None:
    version = reach(journal)
    before = journal.state_of(E1).status

    commit(journal, make_append(E1, e.CancellationRequested(), expected=version))
    refusal(journal, make_append(E1, e.CancellationRequested(), expected=version + 1), VersionConflict)

    state = journal.state_of(E1)
    assert (state.status, state.lifecycle) == (before, Lifecycle.CANCELLING)
    assert_state_is_folded(journal, E1)


def test_a_cancelling_execution_is_not_woken_and_can_end(journal: Journal) -> None:
    version = block(journal)
    commit(journal, make_append(E1, e.CancellationRequested(), expected=version))

    commit(journal, make_child_end(E1))

    assert journal.state_of(E1).status is Status.BLOCKED_BY_JOIN_SET
    commit(journal, make_append(E1, e.Finished(retval=CANCELLED), expected=version + 1))
    state = journal.state_of(E1)
    assert (state.status, state.lifecycle, state.result_kind) == (Status.FINISHED, Lifecycle.ACTIVE, "cancelled")


def test_a_run_that_was_paused_does_not_hold_the_lock_again_by_writing(journal: Journal) -> None:
    version = block(journal)
    commit(journal, make_append(E1, e.Paused(), expected=version))

    commit(journal, make_append(E1, CREATED_SET, expected=version + 1))

    state = journal.state_of(E1)
    assert (state.status, state.lifecycle) == (Status.BLOCKED_BY_JOIN_SET, Lifecycle.PAUSED)


# --- Hints ------------------------------------------------------------------------------------------------------------


def test_hints_name_what_a_commit_led_to(journal: Journal) -> None:
    version = block(journal)
    delays = [make_delay_request(E1, 1, expires_at=after(9)), make_delay_request(E1, 2, expires_at=after(7))]
    sleepy = make_delay_request(E1, 3, expires_at=after(1), paused=True)

    report = journal.commit(
        [
            make_append(E1, *delays, sleepy, expected=version, holder=HOLDER),
            make_submit(E2, make_created(scheduled_at=after(50))),
            make_submit(E3, make_created(scheduled_at=after(40))),
            make_child_end(E1),
        ],
        now=NOW,
    )

    assert report.hints == Hints(
        pending_from=after(40), delay_from=after(7), responses_for=frozenset({E1}), finished=frozenset({CHILD})
    )


def test_refused_writes_give_no_hints(journal: Journal) -> None:
    report = journal.commit([make_append(E1, make_finished(), expected=1)], now=NOW)

    assert report.hints == Hints()


# --- State ------------------------------------------------------------------------------------------------------------


def test_every_field_of_a_state_survives_storage(journal: Journal) -> None:
    version = block(journal)
    commit(journal, make_append(E1, e.Paused(), expected=version))
    upgrade = e.ComponentUpgradeFinished(
        component_digest="sha256:" + "f" * 64, deployment_id=make_created().deployment_id, failure="changed"
    )
    commit(journal, make_append(E1, upgrade, expected=version + 1))

    state = journal.state_of(E1)

    assert isinstance(state, ExecutionState)
    assert state.incompatible_digest == "sha256:" + "f" * 64
    assert state.created_at.tzinfo is not None
    assert_state_is_folded(journal, E1)
    assert_state_is_folded(journal, CHILD)


def test_the_newest_call_is_of_a_function_and_a_version(journal: Journal) -> None:
    old, new = make_component_id(version="a"), make_component_id(version="b")
    commit(
        journal,
        make_submit(E1, make_created(component_id=old), at=after(1)),
        make_submit(E2, make_created(component_id=new), at=after(3)),
        make_submit(E3, make_created(component_id=old), make_locked(), at=after(2)),
    )

    assert journal.newest_call(FFQN, old.digest) == journal.state_of(E3)
    assert journal.newest_call(FFQN, new.digest) == journal.state_of(E2)
    assert journal.newest_call(FFQN, make_component_id(version="c").digest) is None
    assert journal.newest_call("test:other/api.f", old.digest) is None


# --- What is remembered beside the log --------------------------------------------------------------------------------


def test_log_lines_are_counted_up_to_a_limit(journal: Journal) -> None:
    journal.add_log_lines([make_log_line(E1)] * 3 + [make_log_line(E2)])

    assert [journal.count_log_lines(each, limit=9) for each in (E1, E2, E3)] == [3, 1, 0]
    assert journal.count_log_lines(E1, limit=2) == 2
