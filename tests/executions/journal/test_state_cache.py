"""States are read again whenever somebody else may have changed them."""

from __future__ import annotations

import threading

import pytest

from engine.errors import JournalError, VersionConflict
from engine.log.events import Paused
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState, Lifecycle, initial_state
from executions.journal.journal import SqlJournal
from executions.journal.state_cache import StateCache
from tests.builders import (
    NOW,
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_entries,
    make_execution_id,
    make_finished,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit, refusal

E1 = make_execution_id(1)


def make_state(execution_id: ExecutionId = E1) -> ExecutionState:
    return initial_state(execution_id, make_entries(make_created())[0])


HERE, ELSEWHERE = (1, 10), (1, 11)


def test_states_are_known_until_somebody_else_commits() -> None:
    cache = StateCache()
    state = make_state()
    cache.look_up([], HERE)
    cache.keep([state])

    assert cache.look_up([state.execution_id], HERE) == {state.execution_id: state}
    assert cache.look_up([state.execution_id], ELSEWHERE) == {}
    assert cache.look_up([state.execution_id], HERE) == {}


def test_nothing_is_known_where_nobody_can_tell_who_committed() -> None:
    cache = StateCache()
    state = make_state()
    cache.look_up([], None)
    cache.keep([state])

    assert cache.look_up([state.execution_id], None) == {}


def test_the_oldest_states_go_when_there_are_too_many() -> None:
    cache = StateCache(capacity=2)
    cache.look_up([], HERE)
    states = [make_state(execution_id=make_execution_id(number)) for number in range(1, 4)]
    cache.keep(states)

    assert list(cache.look_up([state.execution_id for state in states], HERE)) == [
        state.execution_id for state in states[1:]
    ]


@pytest.mark.usefixtures("either_database")
@pytest.mark.django_db(transaction=True)
class TestOnADatabase:
    """Two journals with connections of their own, as two processes have them."""

    def test_another_journals_write_is_seen(self, journals: tuple[SqlJournal, SqlJournal]) -> None:
        ours, theirs = journals
        commit(ours, make_submit(E1))
        commit(theirs, make_append(E1, Paused(), expected=1))

        conflict = refusal(ours, make_append(E1, Paused(), expected=1), VersionConflict)

        assert conflict.actual == 2
        assert ours.state_of(E1).lifecycle is Lifecycle.PAUSED

    def test_a_commit_reads_no_state_that_the_last_one_wrote(
        self, journals: tuple[SqlJournal, SqlJournal], either_database: str
    ) -> None:
        ours, theirs = journals
        commit(ours, make_submit(E1))
        theirs.state_of(E1)  # looking is no commit
        before = ours._cache.look_up([E1], ours._cache._snapshot) if ours._cache else {}

        commit(ours, make_append(E1, make_locked(), make_finished(1), expected=1))

        # PostgreSQL does not tell whether others have committed, so nothing is known for sure.
        assert set(before) == ({E1} if either_database == "sqlite" else set())
        assert ours._cache is not None
        assert ours._cache._states == {}  # it is finished

    def test_a_failed_commit_leaves_nothing_known(
        self, journals: tuple[SqlJournal, SqlJournal], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ours, _ = journals
        commit(ours, make_submit(E1))

        def fail(*_: object) -> None:
            raise OSError("the disk is gone")

        with monkeypatch.context() as patched:
            patched.setattr("executions.journal.commit.store", fail)
            with pytest.raises(OSError, match="disk"):
                ours.commit([make_append(E1, Paused(), expected=1)], now=NOW)

        (outcome,) = ours.commit([make_append(E1, Paused(), expected=1)], now=NOW).outcomes
        assert not isinstance(outcome, JournalError)

    def test_what_is_begun_is_seen_by_others_when_it_is_finished(self, journals: tuple[SqlJournal, SqlJournal]) -> None:
        ours, theirs = journals

        begun = ours.begin_commit([make_submit(E1)], now=NOW)

        assert len(begun.finish().outcomes) == 1
        assert theirs.state_of(E1).next_version == 1

    def test_what_is_begun_may_be_finished_on_another_thread(self, journals: tuple[SqlJournal, SqlJournal]) -> None:
        ours, _ = journals
        begun = ours.begin_commit([make_submit(E1)], now=NOW)

        finisher = threading.Thread(target=begun.finish)
        finisher.start()
        finisher.join()

        commit(ours, make_append(E1, Paused(), expected=1))

    def test_an_impossible_write_is_refused_though_it_was_begun(self, journals: tuple[SqlJournal, SqlJournal]) -> None:
        ours, _ = journals
        commit(ours, make_submit(E1, make_created(), make_locked()))
        commit(ours, make_append(E1, make_child_request(E1), expected=2, created=[make_child(E1)]))

        again = make_append(E1, make_child_request(E1), expected=3, created=[make_child(E1)])
        report = ours.begin_commit([again, make_submit(make_execution_id(2))], now=NOW).finish()

        assert isinstance(report.outcomes[0], JournalError)
        assert ours.state_of(make_execution_id(2)).next_version == 1
