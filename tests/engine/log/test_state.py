"""The table of transitions in the docstring of `engine.log.state`, row by row."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from enum import Enum

import pytest

from engine.deployment.spec import ComponentType
from engine.errors import IllegalTransition
from engine.log import events as e
from engine.log.ids import DeploymentId, Version, named_join_set
from engine.log.return_values import Failed, FailureKind, Returned, ReturnValue
from engine.log.state import (
    ExecutionState,
    Holder,
    Lifecycle,
    Status,
    fold_event,
    fold_log,
    fold_response,
    initial_state,
    result_kind_of,
)
from tests.builders import (
    JOIN_SET,
    NOW,
    after,
    make_child_request,
    make_child_response,
    make_component_id,
    make_created,
    make_entries,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_locked,
)
from tests.engine.log.samples import EVENTS

E1 = make_execution_id()
HOLDER, STRANGER = make_holder(1), make_holder(2)
CREATED_SET = e.JoinSetCreated(join_set_id=JOIN_SET)
OTHER_SET = named_join_set("other")


class Situation(Enum):
    """Where an execution can be when an event arrives at after(5); locks are HOLDER's, until after(10)."""

    PENDING = "due since now"
    LATER = "pending at after(20), never locked"
    LOCKED = "locked"
    BLOCKED = "blocked, its run in memory"
    HOT = "pending at after(10) by a response, its run in memory"
    COLD = "blocked, its run unloaded"
    BACKOFF = "pending at after(20), after a failed run"
    PAUSED = "paused while due"
    PAUSED_BLOCKED = "paused while blocked, its run in memory"
    CANCELLING = "cancelled while due"
    CANCELLING_LOCKED = "cancelled while locked"
    FINISHED = "finished"


def reach(situation: Situation) -> ExecutionState:
    """Return a state in this situation."""
    scheduled_at = after(20) if situation is Situation.LATER else NOW
    state = initial_state(E1, make_entries(make_created(scheduled_at=scheduled_at))[0])

    def on(*events: e.ExecutionEvent, awaits: bool = False) -> None:
        for entry in make_entries(*events, start=state.next_version):
            fold_event(state, entry, awaits=awaits and entry.event is events[-1])

    match situation:
        case Situation.PENDING | Situation.LATER:
            pass
        case Situation.LOCKED:
            on(make_locked(HOLDER))
        case Situation.BLOCKED:
            on(make_locked(HOLDER), make_join_next(closing=True), awaits=True)
        case Situation.HOT:
            on(make_locked(HOLDER), make_join_next(), awaits=True)
            fold_response(state, response(1))
        case Situation.COLD:
            on(make_locked(HOLDER), make_join_next(run_expires_at=NOW), awaits=True)
        case Situation.BACKOFF:
            on(make_locked(HOLDER), e.TemporarilyFailed(backoff_expires_at=after(20), reason=""))
        case Situation.PAUSED:
            on(e.Paused())
        case Situation.PAUSED_BLOCKED:
            on(make_locked(HOLDER), make_join_next(), awaits=True)
            on(e.Paused())
        case Situation.CANCELLING:
            on(e.CancellationRequested())
        case Situation.CANCELLING_LOCKED:
            on(make_locked(HOLDER), e.CancellationRequested())
        case Situation.FINISHED:
            on(make_locked(HOLDER), make_finished())
    return state


def response(cursor: int, *, at: datetime = NOW, join_set: str = JOIN_SET) -> e.Response:
    template = make_child_response(E1, join_set=named_join_set(join_set.removeprefix("n:")), at=at)
    return e.Response(
        execution_id=template.execution_id,
        cursor=cursor,
        join_set_id=template.join_set_id,
        created_at=template.created_at,
        event=template.event,
    )


def apply(state: ExecutionState, event: e.ExecutionEvent, *, seconds: float = 5, awaits: bool = False) -> None:
    fold_event(state, e.LogEntry(state.next_version, after(seconds), event), awaits=awaits)


def assert_refused(state: ExecutionState, event: e.ExecutionEvent, *, awaits: bool = False) -> None:
    before = copy.copy(state)
    with pytest.raises(IllegalTransition):
        apply(state, event, awaits=awaits)
    assert state == before


def all_but(*excluded: Situation) -> list[Situation]:
    return [situation for situation in Situation if situation not in excluded]


S = Situation


# --- Created, and the end ---------------------------------------------------------------------------------------------


def test_a_created_execution_is_pending_at_its_schedule() -> None:
    state = reach(S.LATER)

    assert (state.status, state.lifecycle, state.due_at) == (Status.PENDING_AT, Lifecycle.ACTIVE, after(20))
    assert (state.first_scheduled_at, state.created_at, state.next_version) == (after(20), NOW, 1)
    assert state.holder is None


@pytest.mark.parametrize(
    "entry", [e.LogEntry(Version(1), NOW, make_created()), e.LogEntry(Version(0), NOW, e.Paused())]
)
def test_a_log_starts_with_created_at_version_0(entry: e.LogEntry) -> None:
    with pytest.raises(IllegalTransition):
        initial_state(E1, entry)


@pytest.mark.parametrize("situation", all_but())
def test_nothing_is_created_twice(situation: Situation) -> None:
    assert_refused(reach(situation), make_created())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_nothing_follows_the_end(event: e.ExecutionEvent) -> None:
    assert_refused(reach(S.FINISHED), event)


@pytest.mark.parametrize("situation", all_but(S.FINISHED))
@pytest.mark.parametrize("version", [0, -1, 1])
def test_a_version_that_is_not_the_next_is_refused(situation: Situation, version: int) -> None:
    state = reach(situation)
    wrong = state.next_version + (version or -state.next_version)

    with pytest.raises(IllegalTransition, match=f"{state.next_version} is next"):
        fold_event(state, e.LogEntry(Version(wrong), NOW, make_finished()))


@pytest.mark.parametrize("situation", all_but(S.FINISHED))
def test_whatever_has_not_ended_can_end(situation: Situation) -> None:
    state = reach(situation)

    apply(state, make_finished())

    assert (state.status, state.lifecycle, state.result_kind) == (Status.FINISHED, Lifecycle.ACTIVE, "ok")
    assert (state.due_at, state.join_set_id, state.closing) == (after(5), None, False)
    assert state.is_finished


@pytest.mark.parametrize(
    ("retval", "kind"),
    [
        (Returned(ok=True, payload=None), "ok"),
        (Returned(ok=False, payload=None), "error"),
        *((Failed(kind=kind), kind.value) for kind in FailureKind),
    ],
)
def test_how_it_ended_has_a_short_name(retval: ReturnValue, kind: str) -> None:
    assert result_kind_of(retval) == kind


# --- Locking ----------------------------------------------------------------------------------------------------------


def test_whoever_comes_first_locks_what_is_due() -> None:
    state = reach(S.PENDING)

    apply(state, make_locked(STRANGER, component_id=make_component_id(version="c"), max_retries=3))

    assert (state.status, state.holder, state.due_at) == (Status.LOCKED, STRANGER, after(10))
    assert (state.last_lock_version, state.max_retries) == (1, 3)
    assert state.retry_backoff == timedelta(milliseconds=100)
    assert state.component_id == make_component_id(version="c")


@pytest.mark.parametrize("situation", all_but(S.PENDING))
def test_a_stranger_locks_nothing_else(situation: Situation) -> None:
    assert_refused(reach(situation), make_locked(STRANGER, until=after(30)))


@pytest.mark.parametrize(
    ("situation", "status"),
    [(S.LOCKED, Status.LOCKED), (S.HOT, Status.LOCKED), (S.BLOCKED, Status.BLOCKED_BY_JOIN_SET)],
)
def test_the_same_run_extends_its_lock_and_goes_on(situation: Situation, status: Status) -> None:
    state = reach(situation)

    apply(state, make_locked(HOLDER, until=after(30)))

    assert (state.status, state.due_at, state.last_lock_version) == (status, after(30), 1)
    assert (state.join_set_id is not None) is (status is Status.BLOCKED_BY_JOIN_SET)


@pytest.mark.parametrize("situation", [S.COLD, S.PAUSED_BLOCKED, S.CANCELLING_LOCKED, S.LATER, S.PAUSED, S.CANCELLING])
def test_a_run_that_has_lost_its_right_does_not_lock_again(situation: Situation) -> None:
    assert_refused(reach(situation), make_locked(HOLDER, until=after(30)))


def test_a_lock_that_is_over_before_it_begins_is_refused() -> None:
    assert_refused(reach(S.PENDING), make_locked(HOLDER, until=after(5)))


def test_an_expired_hot_run_is_anybodys() -> None:
    state = reach(S.HOT)

    apply(state, make_locked(STRANGER, until=after(30)), seconds=10)

    assert state.holder == STRANGER


@pytest.mark.parametrize(
    ("holder", "seconds", "held"), [(HOLDER, 9.999, True), (HOLDER, 10, False), (STRANGER, 5, False)]
)
@pytest.mark.parametrize("situation", [S.LOCKED, S.BLOCKED, S.HOT])
def test_only_the_holder_of_an_unexpired_lock_holds_it(
    situation: Situation, holder: Holder, seconds: float, *, held: bool
) -> None:
    assert reach(situation).is_held_by(holder, after(seconds)) is held


@pytest.mark.parametrize("situation", [S.PENDING, S.LATER, S.COLD, S.FINISHED])
def test_nobody_holds_the_rest(situation: Situation) -> None:
    assert not reach(situation).is_held_by(HOLDER, after(5))


# --- Giving the lock back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", [S.LOCKED, S.HOT, S.LATER])
def test_unlocking_makes_pending_at_the_instant(situation: Situation) -> None:
    state = reach(situation)

    apply(state, e.Unlocked(backoff_expires_at=after(7), reason=""))

    assert (state.status, state.due_at, state.temporary_failures) == (Status.PENDING_AT, after(7), 0)


@pytest.mark.parametrize("situation", [S.BLOCKED, S.COLD])
def test_unlocking_what_is_blocked_only_moves_its_lock(situation: Situation) -> None:
    state = reach(situation)

    apply(state, e.Unlocked(backoff_expires_at=after(7), reason=""))

    assert (state.status, state.join_set_id, state.due_at) == (Status.BLOCKED_BY_JOIN_SET, JOIN_SET, after(7))


def test_a_tick_that_is_left_out_is_one_that_comes_later() -> None:
    seed = make_component_id(component_type=ComponentType.CRON)
    state = initial_state(E1, make_entries(make_created(component_id=seed, scheduled_at=after(20)))[0])

    apply(state, e.Unlocked(backoff_expires_at=after(80), reason="cron: left out"))

    assert (state.status, state.due_at) == (Status.PENDING_AT, after(80))
    apply(state, e.Paused())
    assert_refused(state, e.Unlocked(backoff_expires_at=after(140), reason="cron: left out"))


@pytest.mark.parametrize("situation", [S.PENDING, S.PAUSED, S.PAUSED_BLOCKED, S.CANCELLING, S.CANCELLING_LOCKED])
def test_unlocking_what_nobody_is_to_run_is_refused(situation: Situation) -> None:
    assert_refused(reach(situation), e.Unlocked(backoff_expires_at=after(7), reason=""))


@pytest.mark.parametrize(
    "event",
    [e.TemporarilyFailed(backoff_expires_at=after(7), reason=""), e.TemporarilyTimedOut(backoff_expires_at=after(7))],
)
@pytest.mark.parametrize("situation", all_but(S.FINISHED, S.BACKOFF))
def test_a_failed_run_counts_and_waits(situation: Situation, event: e.ExecutionEvent) -> None:
    state = reach(situation)

    apply(state, event)

    assert (state.status, state.due_at, state.temporary_failures) == (Status.PENDING_AT, after(7), 1)
    assert state.join_set_id is None


# --- What people want -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", [S.PENDING, S.LATER, S.BLOCKED, S.HOT, S.COLD, S.BACKOFF])
def test_pausing_and_unpausing_leaves_the_rest_as_it_was(situation: Situation) -> None:
    state = reach(situation)
    before = (state.status, state.due_at, state.join_set_id)

    apply(state, e.Paused())
    assert state.lifecycle is Lifecycle.PAUSED
    assert_refused(state, e.Paused())
    apply(state, e.Unpaused())

    assert (state.status, state.due_at, state.join_set_id, state.lifecycle) == (*before, Lifecycle.ACTIVE)


@pytest.mark.parametrize("situation", [S.LOCKED, S.CANCELLING, S.CANCELLING_LOCKED, S.PAUSED])
def test_what_is_running_cancelling_or_paused_is_not_paused(situation: Situation) -> None:
    assert_refused(reach(situation), e.Paused())


@pytest.mark.parametrize("situation", all_but(S.PAUSED, S.PAUSED_BLOCKED))
def test_only_the_paused_is_unpaused(situation: Situation) -> None:
    assert_refused(reach(situation), e.Unpaused())


@pytest.mark.parametrize("situation", all_but(S.FINISHED, S.CANCELLING, S.CANCELLING_LOCKED))
def test_cancelling_leaves_the_rest_as_it_was_and_happens_once(situation: Situation) -> None:
    state = reach(situation)
    before = (state.status, state.due_at, state.join_set_id)

    apply(state, e.CancellationRequested())

    assert (state.status, state.due_at, state.join_set_id) == before
    assert state.lifecycle is Lifecycle.CANCELLING
    assert_refused(state, e.CancellationRequested())


# --- History events ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", [S.LOCKED, S.HOT, S.BLOCKED, S.PAUSED])
def test_an_unanswered_await_blocks(situation: Situation) -> None:
    state = reach(situation)

    apply(state, make_join_next(join_set=OTHER_SET, run_expires_at=after(9), closing=True), awaits=True)

    assert (state.status, state.join_set_id) == (Status.BLOCKED_BY_JOIN_SET, OTHER_SET)
    assert (state.due_at, state.closing) == (after(9), True)


@pytest.mark.parametrize("situation", [S.PENDING, S.LATER, S.COLD, S.PAUSED_BLOCKED, S.CANCELLING])
def test_nobody_awaits_without_a_run(situation: Situation) -> None:
    assert_refused(reach(situation), make_join_next(), awaits=True)


@pytest.mark.parametrize("event", [CREATED_SET, make_join_next(), make_child_request(E1)])
@pytest.mark.parametrize("situation", [S.LOCKED, S.HOT, S.BLOCKED])
def test_a_hot_run_that_goes_on_has_its_lock_back(situation: Situation, event: e.ExecutionEvent) -> None:
    state = reach(situation)

    apply(state, event)

    assert (state.status, state.due_at, state.join_set_id, state.closing) == (Status.LOCKED, after(10), None, False)


@pytest.mark.parametrize(
    "situation",
    [S.PENDING, S.LATER, S.COLD, S.PAUSED, S.PAUSED_BLOCKED, S.CANCELLING, S.CANCELLING_LOCKED],
)
def test_elsewhere_history_events_only_move_the_version(situation: Situation) -> None:
    state = reach(situation)
    before = copy.copy(state)

    apply(state, CREATED_SET)

    before.next_version = state.next_version
    assert state == before
    assert state.next_version == reach(situation).next_version + 1


# --- Upgrades ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", all_but(S.FINISHED))
def test_an_upgrade_is_book_keeping(situation: Situation) -> None:
    state = reach(situation)
    status = state.status
    other = DeploymentId("Dep_2")

    apply(state, e.ComponentUpgradeFinished(component_digest="sha256:9", deployment_id=other, failure="no"))
    assert (state.incompatible_digest, state.component_id) == ("sha256:9", make_component_id())
    apply(state, e.ComponentUpgradeFinished(component_digest="sha256:8", deployment_id=other))

    assert (state.component_id.digest, state.deployment_id, state.incompatible_digest) == ("sha256:8", other, None)
    assert state.component_id.name == make_component_id().name
    assert state.status is status


# --- Responses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("situation", "at", "due_at"),
    [(S.BLOCKED, after(5), after(10)), (S.BLOCKED, after(12), after(12)), (S.COLD, after(5), after(5))],
)
def test_the_awaited_response_wakes(situation: Situation, at: datetime, due_at: datetime) -> None:
    state = reach(situation)

    fold_response(state, response(1, at=at))

    assert (state.status, state.due_at, state.join_set_id) == (Status.PENDING_AT, due_at, None)
    assert (state.closing, state.response_count) == (False, 1)


def test_a_paused_execution_is_woken_underneath() -> None:
    state = reach(S.PAUSED_BLOCKED)

    fold_response(state, response(1))

    assert (state.status, state.lifecycle) == (Status.PENDING_AT, Lifecycle.PAUSED)


def test_a_cancelling_execution_is_not_woken() -> None:
    state = reach(S.BLOCKED)
    apply(state, e.CancellationRequested())

    fold_response(state, response(1))

    assert (state.status, state.response_count) == (Status.BLOCKED_BY_JOIN_SET, 1)


@pytest.mark.parametrize("situation", all_but(S.BLOCKED, S.COLD, S.PAUSED_BLOCKED, S.HOT))
def test_elsewhere_a_response_is_only_counted(situation: Situation) -> None:
    state = reach(situation)
    before = copy.copy(state)

    fold_response(state, response(1))

    before.response_count = 1
    assert state == before


def test_a_response_of_another_join_set_is_only_counted() -> None:
    state = reach(S.BLOCKED)

    fold_response(state, response(1, join_set=OTHER_SET))

    assert (state.status, state.response_count) == (Status.BLOCKED_BY_JOIN_SET, 1)


@pytest.mark.parametrize("cursor", [0, 1, 3])
def test_a_gap_in_the_responses_is_refused(cursor: int) -> None:
    state = reach(S.HOT)

    with pytest.raises(IllegalTransition, match="2 is next"):
        fold_response(state, response(cursor))


# --- Whole logs -------------------------------------------------------------------------------------------------------


def test_an_empty_log_has_no_state() -> None:
    with pytest.raises(IllegalTransition):
        fold_log(E1, [])


def arrived(cursor: int, at_version: int) -> e.Response:
    template = response(cursor)
    return e.Response(
        execution_id=E1,
        cursor=cursor,
        at_version=at_version,
        join_set_id=template.join_set_id,
        created_at=NOW,
        event=template.event,
    )


@pytest.mark.parametrize(
    ("at_versions", "status"),
    [
        ((), Status.BLOCKED_BY_JOIN_SET),
        ((3,), Status.LOCKED),
        ((4,), Status.PENDING_AT),
    ],
)
def test_a_response_counts_from_where_it_arrived(at_versions: tuple[int, ...], status: Status) -> None:
    log = make_entries(make_created(), make_locked(HOLDER), CREATED_SET, make_join_next())
    responses = [arrived(cursor, at_version) for cursor, at_version in enumerate(at_versions, 1)]

    assert fold_log(E1, log, responses).status is status


def test_each_await_takes_a_response_of_its_own() -> None:
    log = make_entries(make_created(), make_locked(HOLDER), make_join_next(), make_join_next())

    assert fold_log(E1, log, [arrived(1, 2)]).status is Status.BLOCKED_BY_JOIN_SET
    assert fold_log(E1, log, [arrived(1, 2), arrived(2, 2)]).status is Status.LOCKED


def test_a_look_that_found_a_response_takes_it() -> None:
    found = e.JoinNextTry(join_set_id=JOIN_SET, outcome=e.TryOutcome.FOUND)
    pending = e.JoinNextTry(join_set_id=JOIN_SET, outcome=e.TryOutcome.PENDING)

    log = make_entries(make_created(), make_locked(HOLDER), pending, found, make_join_next())

    assert fold_log(E1, log, [arrived(1, 3)]).status is Status.BLOCKED_BY_JOIN_SET
