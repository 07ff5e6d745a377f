from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from engine.errors import ExecutionNotFound
from engine.journal.memory import MemoryJournal
from engine.log.ids import ExecutionId
from engine.log.return_values import ReturnValue
from engine.log.state import ExecutionState, Status
from executions import following
from executions.following import Follower
from executions.journal.journal import SqlJournal
from tests.builders import make_append, make_execution_id, make_finished, make_retval, make_submit
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.usefixtures("either_database")

E1 = make_execution_id(1)
PATIENCE_S = 20.0


class Feed:
    """A change feed that a test speaks through."""

    def __init__(self) -> None:
        self.say: Callable[[], None] | None = None

    def start(self, callback: Callable[[], None]) -> None:
        self.say = callback

    def stop(self) -> None:
        self.say = None


class WatchedJournal(MemoryJournal):
    """A journal that does something right after a reader has looked: what the reader saw is old then."""

    def __init__(self, after_look: Callable[[int], None]) -> None:
        super().__init__()
        self._after_look = after_look
        self._looks = 0

    def state_of(self, execution_id: ExecutionId) -> ExecutionState:
        state = super().state_of(execution_id)
        self._looks += 1
        self._after_look(self._looks)
        return state


@pytest.fixture
def no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a wake-up nobody looks again within a test."""
    monkeypatch.setattr(following, "_RECHECK_S", 10 * PATIENCE_S)


def wait_in_time(
    follower: Follower, on_change: Callable[[ExecutionState], None] = lambda state: None
) -> ReturnValue | None:
    """Wait for E1; it does not count what the follower sees when the time is over, for it looks once more then."""
    started = time.monotonic()
    retval = follower.wait(E1, timeout_s=PATIENCE_S, on_change=on_change)
    assert time.monotonic() - started < PATIENCE_S
    return retval


def test_what_has_finished_is_not_waited_for() -> None:
    journal = MemoryJournal()
    commit(journal, make_submit(E1), make_append(E1, make_finished(), expected=1))

    with Follower(journal, Feed()) as follower:
        assert follower.wait(E1) == make_retval()


@pytest.mark.usefixtures("no_second_look")
def test_an_end_that_comes_between_the_look_and_the_wait_is_noticed() -> None:
    feed = Feed()

    def end(look: int) -> None:
        if look == 1:
            commit(watched, make_append(E1, make_finished(), expected=1))
            assert feed.say is not None
            feed.say()

    watched = WatchedJournal(end)
    commit(watched, make_submit(E1))

    with Follower(watched, feed) as follower:
        assert wait_in_time(follower) == make_retval()


@pytest.mark.usefixtures("no_second_look")
def test_the_feed_wakes_who_waits() -> None:
    feed = Feed()
    watched = MemoryJournal()
    commit(watched, make_submit(E1))
    has_looked = threading.Event()

    def end() -> None:
        has_looked.wait(PATIENCE_S)
        commit(watched, make_append(E1, make_finished(), expected=1))
        assert feed.say is not None
        feed.say()

    with Follower(watched, feed) as follower:
        other = threading.Thread(target=end)
        other.start()
        retval = wait_in_time(follower, lambda _state: has_looked.set())
        other.join()

    assert retval == make_retval()


def test_a_wake_up_that_is_lost_only_costs_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_RECHECK_S", 0.001)

    def end(look: int) -> None:
        if look == 3:
            commit(watched, make_append(E1, make_finished(), expected=1))

    watched = WatchedJournal(end)
    commit(watched, make_submit(E1))

    with Follower(watched, Feed()) as follower:
        assert wait_in_time(follower) == make_retval()


@pytest.mark.parametrize("timeout_s", [0, 0.01])
def test_who_waits_in_vain_is_told_when_the_time_is_over(timeout_s: float) -> None:
    journal = MemoryJournal()
    commit(journal, make_submit(E1))

    with Follower(journal, Feed()) as follower:
        assert follower.wait(E1, timeout_s=timeout_s) is None


def test_every_look_is_told() -> None:
    watched = MemoryJournal()
    commit(watched, make_submit(E1))
    seen: list[Status] = []

    def on_change(state: ExecutionState) -> None:
        seen.append(state.status)
        if not state.is_finished:
            commit(watched, make_append(E1, make_finished(), expected=1))
            assert feed.say is not None
            feed.say()

    feed = Feed()
    with Follower(watched, feed) as follower:
        follower.wait(E1, on_change=on_change)

    assert seen == [Status.PENDING_AT, Status.FINISHED]


def test_an_execution_that_does_not_exist_is_not_waited_for() -> None:
    with Follower(MemoryJournal(), Feed()) as follower, pytest.raises(ExecutionNotFound):
        follower.wait(E1)


# --- On a database ----------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(transactional_db: None) -> Iterator[SqlJournal]:
    journal = SqlJournal.dedicated()
    yield journal
    journal.close()


@pytest.mark.usefixtures("no_second_look")
def test_a_commit_of_another_connection_is_noticed(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1))
    others = SqlJournal.dedicated()

    def on_change(state: ExecutionState) -> None:
        if not state.is_finished:
            commit(others, make_append(E1, make_finished(), expected=1))

    with Follower(journal) as follower:
        assert wait_in_time(follower, on_change) == make_retval()
    others.close()


@pytest.mark.usefixtures("no_second_look")
def test_a_commit_of_the_very_journal_that_is_followed_is_noticed(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1))

    def on_change(state: ExecutionState) -> None:
        if not state.is_finished:
            commit(journal, make_append(E1, make_finished(), expected=1))

    with Follower(journal) as follower:
        assert wait_in_time(follower, on_change) == make_retval()


def test_whoever_followed_leaves_no_connection_behind(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1), make_append(E1, make_finished(), expected=1))
    journal.state_of(E1)
    before = open_connections()

    with Follower(journal) as follower:
        follower.wait(E1)

    assert open_connections() == before


def open_connections() -> int:
    """Each connection that was used has the write-ahead log open once."""
    return sum(file.path.endswith("-wal") for file in psutil.Process().open_files())
