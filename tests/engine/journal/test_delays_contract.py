"""What every journal promises: delays."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.errors import AlreadyFinished, ExecutionExists, ExecutionNotFound
from engine.journal.protocol import Journal
from engine.journal.records import Committed, DelayRow, PauseDelay
from engine.log import events as e
from engine.log.ids import DelayId, delay_id
from engine.log.state import Status
from tests.builders import (
    JOIN_SET,
    NOW,
    after,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_delay_end,
    make_delay_request,
    make_delay_response,
    make_execution_id,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import assert_state_is_folded, commit, refusal

pytestmark = pytest.mark.usefixtures("either_database")

E1 = make_execution_id()


def delay(number: int = 1) -> DelayId:
    return delay_id(E1, JOIN_SET, number)


def request(journal: Journal, *expiries: datetime) -> int:
    """Submit E1, locked, with delays; return its next version."""
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    requests = [make_delay_request(E1, number, expires_at=expiry) for number, expiry in enumerate(expiries, 1)]
    commit(journal, make_append(E1, *requests, expected=3))
    return 3 + len(expiries)


def test_delays_are_due_from_their_expiry_on_oldest_first(journal: Journal) -> None:
    request(journal, after(3), after(1), after(2))

    due = journal.due_delays(after(2), limit=10)

    assert due == [
        DelayRow(delay(2), E1, JOIN_SET, after(1), paused=False),
        DelayRow(delay(3), E1, JOIN_SET, after(2), paused=False),
    ]
    assert journal.due_delays(after(3), limit=1) == due[:1]
    assert journal.due_delays(after(0.999), limit=10) == []


def test_a_delay_of_an_execution_that_is_born_with_it_is_due_too(journal: Journal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), make_delay_request(E1, expires_at=after(1))))

    assert [row.delay_id for row in journal.due_delays(after(1), limit=10)] == [delay()]


def test_a_paused_delay_is_never_due(journal: Journal) -> None:
    version = request(journal)
    commit(journal, make_append(E1, make_delay_request(E1, expires_at=NOW, paused=True), expected=version))

    assert journal.due_delays(after(1_000), limit=10) == []


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_delay_gives_one_response_and_is_gone(journal: Journal, *, cancelled: bool) -> None:
    version = request(journal, after(1))

    (committed,) = commit(journal, make_delay_end(delay(), at=after(1), cancelled=cancelled), now=after(1))

    assert (committed.next_version, committed.response_count) == (version, 1)
    assert journal.due_delays(after(9), limit=10) == []
    (response,) = journal.load_responses(E1)
    assert (response.cursor, response.at_version, response.created_at) == (1, version, after(1))
    assert response.event == e.DelayFinished(delay_id=delay(), cancelled=cancelled)
    assert_state_is_folded(journal, E1)


@pytest.mark.parametrize("cancelled", [False, True])
def test_whoever_comes_second_to_end_a_delay_is_told_so(journal: Journal, *, cancelled: bool) -> None:
    request(journal, after(1))
    commit(journal, make_delay_end(delay()))

    error = refusal(journal, make_delay_end(delay(), cancelled=cancelled), AlreadyFinished)

    assert error.execution_id == delay()
    assert len(journal.load_responses(E1)) == 1


def test_two_ends_of_one_delay_in_one_commit_are_told_apart(journal: Journal) -> None:
    request(journal, after(1))

    first, second = journal.commit([make_delay_end(delay(), cancelled=True), make_delay_end(delay())], now=NOW).outcomes

    assert isinstance(first, Committed)
    assert isinstance(second, AlreadyFinished)


def test_an_unknown_delay_counts_as_ended(journal: Journal) -> None:
    refusal(journal, make_delay_end(delay()), AlreadyFinished)


def test_a_delay_id_that_is_taken_is_refused_and_the_others_are_not(journal: Journal) -> None:
    version = request(journal, after(1))
    again = make_append(E1, make_delay_request(E1, expires_at=after(2)), expected=version)

    refused, accepted = journal.commit([again, make_submit(make_execution_id(2))], now=NOW).outcomes

    assert isinstance(refused, ExecutionExists)
    assert refused.execution_id == delay()
    assert isinstance(accepted, Committed)
    assert [row.expires_at for row in journal.due_delays(after(9), limit=10)] == [after(1)]


def test_a_delay_requested_twice_in_one_write_is_refused(journal: Journal) -> None:
    version = request(journal)

    refusal(
        journal,
        make_append(E1, make_delay_request(E1), make_delay_request(E1), expected=version),
        ExecutionExists,
    )

    assert journal.due_delays(after(9), limit=10) == []


def test_a_delay_may_fire_in_the_commit_that_requests_it(journal: Journal) -> None:
    version = request(journal)

    commit(journal, make_append(E1, make_delay_request(E1), expected=version), make_delay_end(delay()))

    assert journal.due_delays(after(9), limit=10) == []
    assert [response.cursor for response in journal.load_responses(E1)] == [1]
    assert_state_is_folded(journal, E1)


def test_a_run_may_bring_the_response_of_a_delay_that_it_requests_already_over(journal: Journal) -> None:
    version = request(journal)
    events = (make_delay_request(E1), make_join_next())

    commit(journal, make_append(E1, *events, expected=version, responses=[make_delay_response(E1)]))

    assert journal.due_delays(after(9), limit=10) == []
    assert len(journal.load_responses(E1)) == 1
    assert journal.state_of(E1).status is Status.LOCKED
    assert_state_is_folded(journal, E1)


def test_a_run_may_bring_the_response_of_its_stored_delay_once(journal: Journal) -> None:
    version = request(journal, after(1))
    fire = make_append(E1, make_join_next(), expected=version, responses=[make_delay_response(E1)])

    commit(journal, fire)

    assert journal.due_delays(after(9), limit=10) == []
    refusal(journal, make_delay_end(delay()), AlreadyFinished)
    again = make_append(E1, make_join_next(), expected=version + 1, responses=[make_delay_response(E1)])
    refusal(journal, again, AlreadyFinished)
    assert len(journal.load_responses(E1)) == 1
    assert_state_is_folded(journal, E1)


def test_a_delay_wakes_the_execution_that_waits_for_it(journal: Journal) -> None:
    version = request(journal, after(1))
    commit(journal, make_append(E1, make_join_next(run_expires_at=NOW), expected=version, awaits=True))

    report = journal.commit([make_delay_end(delay(), at=after(1))], now=after(1))

    assert report.hints.responses_for == {E1}
    assert report.hints.is_due
    assert journal.state_of(E1).status is Status.PENDING_AT


def test_delays_and_children_share_one_order(journal: Journal) -> None:
    version = request(journal, after(1))
    commit(journal, make_append(E1, make_child_request(E1), expected=version, created=[make_child(E1)]))

    commit(journal, make_child_end(E1), make_delay_end(delay()))

    responses = journal.load_responses(E1)
    assert [response.cursor for response in responses] == [1, 2]
    assert [type(response.event) for response in responses] == [e.ChildFinished, e.DelayFinished]


def test_a_paused_delay_is_not_due_until_it_goes_on(journal: Journal) -> None:
    request(journal, after(1), after(2))

    for _ in range(2):
        commit(journal, PauseDelay(delay_id=delay(), paused=True))
    assert [row.delay_id for row in journal.due_delays(after(9), limit=10)] == [delay(2)]

    report = journal.commit([PauseDelay(delay_id=delay(), paused=False)], now=after(0))
    assert report.hints.delay_from == after(1)
    assert [row.delay_id for row in journal.due_delays(after(9), limit=10)] == [delay(1), delay(2)]


def test_a_delay_may_be_paused_and_ended_in_one_commit(journal: Journal) -> None:
    request(journal, after(1))

    journal.commit([PauseDelay(delay_id=delay(), paused=True), make_delay_end(delay(), cancelled=True)], now=after(0))

    assert journal.due_delays(after(9), limit=10) == []
    assert [response.event for response in journal.load_responses(E1)] == [
        e.DelayFinished(delay_id=delay(), cancelled=True)
    ]


def test_only_a_delay_that_waits_is_paused(journal: Journal) -> None:
    request(journal, after(1))
    commit(journal, make_delay_end(delay(), at=after(1)))

    refusal(journal, PauseDelay(delay_id=delay(), paused=True), ExecutionNotFound)
