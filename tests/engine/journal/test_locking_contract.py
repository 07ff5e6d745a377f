"""What every journal promises: who gets which execution to run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from engine.deployment.spec import ComponentType, LockingStrategy
from engine.errors import ExecutionNotFound
from engine.journal.protocol import Journal
from engine.journal.records import LockedExecution
from engine.log import events as e
from engine.log.ids import DeploymentId, ExecutionId
from engine.log.return_values import CANCELLED
from engine.log.state import Status
from tests.builders import (
    JOIN_SET,
    NOW,
    after,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_component_id,
    make_created,
    make_delay_request,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_lock_request,
    make_lockable,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import assert_state_is_folded, commit, lock_pending

pytestmark = pytest.mark.usefixtures("either_database")

E1, E2, E3, E4 = (make_execution_id(number) for number in (1, 2, 3, 4))
OLD, NEW = make_component_id(version="a"), make_component_id(version="b")


def submit(
    journal: Journal, execution_id: ExecutionId, *, due_at: datetime = NOW, ffqn: str = "test:pkg/api.call"
) -> None:
    commit(journal, make_submit(execution_id, make_created(scheduled_at=due_at, ffqn=ffqn)))


def ids(locked: Sequence[LockedExecution]) -> list[ExecutionId]:
    return [execution.state.execution_id for execution in locked]


# --- Which executions -------------------------------------------------------------------------------------------------


def test_a_due_execution_is_locked_once(journal: Journal) -> None:
    submit(journal, E1)

    (locked,) = lock_pending(journal, make_lock_request(holder=make_holder(1)))

    assert lock_pending(journal, make_lock_request(holder=make_holder(2))) == []
    assert locked.created == make_created()
    state = locked.state
    assert (state.status, state.holder, state.due_at) == (Status.LOCKED, make_holder(1), after(10))
    assert (state.next_version, state.last_lock_version) == (2, 1)
    assert journal.state_of(E1) == state
    assert journal.load_log(E1)[1].event == make_locked(make_holder(1))
    assert_state_is_folded(journal, E1)


def test_nothing_is_locked_before_it_is_due(journal: Journal) -> None:
    submit(journal, E1, due_at=after(5))

    assert lock_pending(journal, make_lock_request(now=after(4.999999))) == []
    assert ids(lock_pending(journal, make_lock_request(now=after(5)))) == [E1]


def test_the_longest_due_come_first_over_all_components(journal: Journal) -> None:
    submit(journal, E1, due_at=after(3), ffqn="test:pkg/api.a")
    submit(journal, E2, due_at=after(1), ffqn="test:pkg/api.b")
    submit(journal, E3, due_at=after(2), ffqn="test:pkg/api.a")
    submit(journal, E4, due_at=after(1), ffqn="test:pkg/api.a")
    choices = (make_lockable(ffqns=("test:pkg/api.a",)), make_lockable(ffqns=("test:pkg/api.b", "test:pkg/api.c")))

    locked = lock_pending(journal, make_lock_request(*choices, now=after(9)))

    assert ids(locked) == [E2, E4, E3, E1]


def test_no_more_are_locked_than_asked_for(journal: Journal) -> None:
    for execution_id in (E1, E2, E3):
        submit(journal, execution_id)

    assert ids(lock_pending(journal, make_lock_request(limit=2))) == [E1, E2]
    assert ids(lock_pending(journal, make_lock_request(limit=2))) == [E3]


def test_a_component_with_a_long_queue_does_not_stand_in_anothers_way(journal: Journal) -> None:
    busy = [make_execution_id(number) for number in range(10, 30)]
    for execution_id in busy:
        submit(journal, execution_id, ffqn="test:pkg/api.busy")
    submit(journal, E1, due_at=after(1), ffqn="test:pkg/api.rare")
    choices = (
        make_lockable(ffqns=("test:pkg/api.busy",), limit=2),
        make_lockable(ffqns=("test:pkg/api.rare",), limit=3),
    )

    locked = lock_pending(journal, make_lock_request(*choices, now=after(1), limit=4))

    assert ids(locked) == [*busy[:2], E1]


@pytest.mark.parametrize("limits", [(0, 5), (5, 0)])
def test_without_room_nothing_is_locked(journal: Journal, limits: tuple[int, int]) -> None:
    submit(journal, E1)

    locked = lock_pending(journal, make_lock_request(make_lockable(limit=limits[0]), limit=limits[1]))

    assert locked == []
    assert journal.state_of(E1).status is Status.PENDING_AT


def test_functions_of_nobody_are_left_alone(journal: Journal) -> None:
    submit(journal, E1, ffqn="test:pkg/api.unknown")

    assert lock_pending(journal, make_lock_request(make_lockable(), make_lockable(ffqns=()))) == []


def test_what_is_locked_blocked_paused_cancelling_or_finished_is_left_alone(journal: Journal) -> None:
    created = make_created()
    commit(
        journal,
        make_submit(make_execution_id(11), created, make_locked()),
        make_submit(make_execution_id(12), created, e.Paused()),
        make_submit(make_execution_id(13), created, e.CancellationRequested()),
        make_submit(make_execution_id(14), created, make_locked(), make_finished()),
        make_submit(make_execution_id(15), created, make_locked()),
    )
    commit(
        journal,
        make_append(make_execution_id(15), make_join_next(run_expires_at=after(1)), expected=2, awaits=True),
    )

    assert lock_pending(journal, make_lock_request(now=after(100))) == []


def test_a_woken_execution_is_locked_only_when_its_hot_run_is_over(journal: Journal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    waiting = (make_child_request(E1), make_join_next())
    commit(journal, make_append(E1, *waiting, expected=3, awaits=True, created=[make_child(E1, 1, make_locked())]))
    commit(journal, make_child_end(E1, expected=2, at=after(1)), now=after(1))

    assert lock_pending(journal, make_lock_request(now=after(9), holder=make_holder(2))) == []
    assert ids(lock_pending(journal, make_lock_request(now=after(10), holder=make_holder(2)))) == [E1]
    assert_state_is_folded(journal, E1)


# --- Which versions of a component ------------------------------------------------------------------------------------


def test_by_function_any_version_qualifies_and_the_present_one_takes_over(journal: Journal) -> None:
    commit(journal, make_submit(E1, make_created(component_id=OLD)))
    choice = make_lockable(component_id=NEW, strategy=LockingStrategy.BY_FFQNS)

    (locked,) = lock_pending(journal, make_lock_request(choice))

    assert locked.state.component_id == NEW
    assert_state_is_folded(journal, E1)


def test_by_digest_only_the_very_version_qualifies(journal: Journal) -> None:
    commit(
        journal,
        make_submit(E1, make_created(component_id=OLD)),
        make_submit(E2, make_created(component_id=NEW, ffqn="test:pkg/api.unheard-of")),
    )
    choice = make_lockable(component_id=NEW, strategy=LockingStrategy.BY_COMPONENT_DIGEST, ffqns=())

    assert ids(lock_pending(journal, make_lock_request(choice))) == [E2]


def test_auto_leaves_the_version_until_somebody_knows_better(journal: Journal) -> None:
    commit(journal, make_submit(E1, make_created(component_id=OLD)))
    choice = make_lockable(component_id=NEW, strategy=LockingStrategy.AUTO)

    (locked,) = lock_pending(journal, make_lock_request(choice))

    assert locked.state.component_id == OLD
    assert_state_is_folded(journal, E1)


@pytest.mark.parametrize("strategy", [LockingStrategy.AUTO, LockingStrategy.BY_FFQNS])
def test_a_version_that_cannot_replay_it_does_not_lock_it_again(journal: Journal, strategy: LockingStrategy) -> None:
    failed = e.ComponentUpgradeFinished(
        component_digest=NEW.digest, deployment_id=DeploymentId("Dep_2"), failure="it asks for something else"
    )
    commit(journal, make_submit(E1, make_created(component_id=OLD), failed))

    def lock_with(version: str) -> list[ExecutionId]:
        choice = make_lockable(component_id=make_component_id(version=version), strategy=strategy)
        return ids(lock_pending(journal, make_lock_request(choice)))

    assert lock_with("b") == []
    assert lock_with("c") == [E1]


# --- Expired locks ----------------------------------------------------------------------------------------------------


def lock_until(journal: Journal, execution_id: ExecutionId, until: datetime, *events: e.ExecutionEvent) -> None:
    commit(journal, make_submit(execution_id, make_created(), make_locked(until=until), *events))


def test_expired_locks_are_found_oldest_first(journal: Journal) -> None:
    lock_until(journal, E1, after(3))
    lock_until(journal, E2, after(1))
    lock_until(journal, E3, after(2))
    lock_until(journal, E4, after(4))

    assert [state.execution_id for state in journal.expired_locks(after(3), limit=10)] == [E2, E3, E1]
    assert [state.execution_id for state in journal.expired_locks(after(3), limit=2)] == [E2, E3]
    assert journal.expired_locks(after(0.9), limit=10) == []


def test_an_expired_lock_tells_whether_its_run_made_progress(journal: Journal) -> None:
    lock_until(journal, E1, after(1))
    lock_until(journal, E2, after(1), e.JoinSetCreated(join_set_id=JOIN_SET))

    idle, busy = journal.expired_locks(after(1), limit=10)

    assert idle.last_lock_version is not None
    assert busy.last_lock_version is not None
    assert idle.last_lock_version + 1 == idle.next_version
    assert busy.last_lock_version + 1 < busy.next_version


def test_locks_of_the_cancelled_and_of_the_blocked_are_nobodys_to_expire(journal: Journal) -> None:
    lock_until(journal, E1, after(1), e.CancellationRequested())
    lock_until(journal, E2, after(1))
    commit(journal, make_append(E2, make_join_next(run_expires_at=after(1)), expected=2, awaits=True))

    assert journal.expired_locks(after(5), limit=10) == []


# --- Cancelling -------------------------------------------------------------------------------------------------------


def test_the_cancelled_are_found_oldest_first_until_they_end(journal: Journal) -> None:
    cancelled = e.CancellationRequested()
    commit(journal, make_submit(E1, make_created(), make_locked(until=after(5)), cancelled, at=after(1)))
    commit(journal, make_submit(E2, make_created(scheduled_at=after(100)), cancelled, at=after(2)))
    commit(journal, make_submit(E3, make_created(), cancelled))
    commit(journal, make_submit(E4, make_created(), make_locked(until=after(5))))

    def found(*, limit: int = 10) -> list[ExecutionId]:
        return [state.execution_id for state in journal.cancelling(limit=limit)]

    assert found() == [E3, E1, E2]
    assert found(limit=1) == [E3]
    commit(journal, make_append(E3, e.Finished(retval=CANCELLED), expected=2))
    assert found() == [E1, E2]


# --- The next wake-up -------------------------------------------------------------------------------------------------


def test_the_next_wake_up_is_the_earliest_of_executions_delays_and_locks(journal: Journal) -> None:
    def next_at(behind: datetime) -> datetime | None:
        return journal.outlook(behind, leeway=timedelta()).next_at

    assert next_at(NOW) is None

    submit(journal, E1, due_at=after(40))
    lock_until(journal, E2, after(30), make_delay_request(E2, expires_at=after(1), paused=True))
    commit(journal, make_append(E2, make_delay_request(E2, 2, expires_at=after(20)), expected=3))
    submit(journal, E3, due_at=after(10))

    assert [next_at(after(seconds)) for seconds in (0, 10, 20, 30, 40)] == [
        after(10),
        after(20),
        after(30),
        after(40),
        None,
    ]
    assert next_at(after(10) - timedelta(microseconds=1)) == after(10)


def test_the_outlook_tells_what_is_due_and_what_comes_next(journal: Journal) -> None:
    leeway = timedelta(seconds=3)

    def seen(seconds: float) -> tuple[bool, bool, datetime | None]:
        outlook = journal.outlook(after(seconds), leeway=leeway)
        return outlook.is_pending, outlook.is_overdue, outlook.next_at

    assert seen(0) == (False, False, None)

    lock_until(journal, E2, after(30), make_delay_request(E2, expires_at=after(1), paused=True))
    submit(journal, E3, due_at=after(10))
    assert seen(0) == (False, False, after(10))
    assert seen(10) == (True, False, after(33))
    assert seen(32.999) == (True, False, after(33))
    assert seen(33) == (True, True, None)

    commit(journal, make_append(E2, make_delay_request(E2, 2, expires_at=after(20)), expected=3))
    assert seen(10) == (True, False, after(20))
    assert seen(20) == (True, True, after(33))


def test_what_is_being_cancelled_is_overdue_from_the_start(journal: Journal) -> None:
    submit(journal, E1, due_at=after(40))
    assert not journal.outlook(NOW, leeway=timedelta()).is_overdue

    commit(journal, make_append(E1, e.CancellationRequested(), expected=1))

    assert journal.outlook(NOW, leeway=timedelta()).is_overdue


def test_children_are_locked_like_everybody(journal: Journal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))
    commit(journal, make_append(E1, make_child_request(E1), expected=2, created=[make_child(E1)]))
    activity = make_component_id("activity", component_type=ComponentType.ACTIVITY)

    (locked,) = lock_pending(journal, make_lock_request(make_lockable(component_id=activity)))

    assert locked.state.parent == (E1, JOIN_SET)
    assert locked.created.parent == (E1, JOIN_SET)


def test_what_a_commit_makes_due_is_locked_by_it(journal: Journal) -> None:
    request = make_lock_request(holder=make_holder(1))

    report = journal.commit([make_submit(E1), make_submit(E2)], now=NOW, lock=request)

    assert ids(report.locked) == [E1, E2]
    assert not report.hints.is_due
    assert journal.state_of(E1).holder == make_holder(1)
    assert [entry.version for entry in journal.load_log(E1)] == [0, 1]
    assert_state_is_folded(journal, E1)


def test_what_finds_no_room_in_a_commit_is_left_for_a_later_look(journal: Journal) -> None:
    report = journal.commit([make_submit(E1), make_submit(E2)], now=NOW, lock=make_lock_request(limit=1))

    assert ids(report.locked) == [E1]
    assert report.hints.is_due
    assert ids(lock_pending(journal, make_lock_request())) == [E2]


def test_a_commit_that_makes_nothing_due_locks_nothing(journal: Journal) -> None:
    submit(journal, E1)
    writes = [make_submit(E2, make_created(scheduled_at=after(5)))]

    report = journal.commit(writes, now=NOW, lock=make_lock_request())

    assert report.locked == ()
    assert report.hints.pending_from == after(5)


def test_a_refused_write_does_not_keep_others_from_being_locked(journal: Journal) -> None:
    report = journal.commit(
        [make_append(E1, e.Paused(), expected=1), make_submit(E2)], now=NOW, lock=make_lock_request()
    )

    assert isinstance(report.outcomes[0], ExecutionNotFound)
    assert ids(report.locked) == [E2]
