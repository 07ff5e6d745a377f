"""What only PostgreSQL's feed can get wrong; what every feed promises is tested in test_wakeups.py."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from executions.journal.connection import DedicatedConnection, own_connection
from executions.journal.notifications import CHANNEL, Switchboard
from tests.harness.eventually import PATIENCE_S, eventually

Calls = queue.SimpleQueue[str]
MakeBoard = Callable[[], Switchboard]


@pytest.fixture
def parameters(postgresql_settings: dict[str, Any]) -> dict[str, Any]:
    """How to reach the tests' database."""
    return {
        "host": postgresql_settings["HOST"],
        "port": postgresql_settings["PORT"],
        "user": postgresql_settings["USER"],
        "dbname": postgresql_settings["NAME"],
    }


@pytest.fixture
def make_board(parameters: dict[str, Any]) -> Iterator[MakeBoard]:
    """Makes switchboards, each as a process of its own has one."""
    made: list[Switchboard] = []

    def make() -> Switchboard:
        made.append(Switchboard(parameters))
        return made[-1]

    yield make
    for board in made:
        board.stop()


@pytest.fixture
def admin(parameters: dict[str, Any]) -> Iterator[psycopg.Connection]:
    with psycopg.connect(**parameters, autocommit=True) as connection:
        yield connection


def listening(
    board: Switchboard, calls: Calls, name: str = "called", *, ignoring: DedicatedConnection | None = None
) -> None:
    """Have a board call, and wait until it hears."""
    board.listen(lambda: calls.put(name), ignoring=ignoring)
    calls.get(timeout=PATIENCE_S)  # the first call, as something may have been missed


def cut_listeners(admin: psycopg.Connection) -> int:
    """Break the connections of all boards; return how many there were."""
    found = admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query ~* %s",
        (f"^(LISTEN|NOTIFY) {CHANNEL}",),
    )
    return len(found.fetchall())


def test_a_commit_is_heard_of_in_other_processes(make_board: MakeBoard) -> None:
    calls: Calls = queue.SimpleQueue()
    listening(make_board(), calls)
    ours = make_board()

    for _ in range(3):
        ours.tell(None)
        calls.get(timeout=PATIENCE_S)


def test_who_committed_hears_nothing_of_it_and_the_others_of_the_process_do(make_board: MakeBoard) -> None:
    board, calls = make_board(), Calls()
    ours, theirs = DedicatedConnection(own_connection), DedicatedConnection(own_connection)
    listening(board, calls, "theirs", ignoring=theirs)
    board.listen(lambda: calls.put("ours"), ignoring=ours)

    board.tell(ours)
    assert calls.get(timeout=PATIENCE_S) == "theirs"
    assert board.flush(PATIENCE_S)
    assert calls.empty()

    board.tell(theirs)
    assert calls.get(timeout=PATIENCE_S) == "ours"


def test_many_commits_are_few_notifications(make_board: MakeBoard) -> None:
    said = 0

    def count() -> None:
        nonlocal said
        said += 1

    far, near = make_board(), make_board()
    calls: Calls = queue.SimpleQueue()
    listening(far, calls)
    far.listen(count, ignoring=None)

    for _ in range(2000):
        near.tell(None)
    assert near.flush(PATIENCE_S)

    calls.get(timeout=PATIENCE_S)
    assert said < 1000


def test_what_was_missed_while_the_connection_was_broken_is_made_up_for(
    make_board: MakeBoard, admin: psycopg.Connection
) -> None:
    calls: Calls = queue.SimpleQueue()
    board = make_board()
    listening(board, calls)

    eventually(lambda: cut_listeners(admin))

    calls.get(timeout=PATIENCE_S)  # the call that makes up for it
    other = make_board()
    other.tell(None)
    assert other.flush(PATIENCE_S)
    calls.get(timeout=PATIENCE_S)


def test_a_commit_that_is_told_while_the_connection_is_broken_is_said_later(
    make_board: MakeBoard, admin: psycopg.Connection
) -> None:
    calls: Calls = queue.SimpleQueue()
    near = make_board()
    near.tell(None)
    assert near.flush(PATIENCE_S)
    eventually(lambda: cut_listeners(admin))
    far = make_board()
    listening(far, calls)

    near.tell(None)

    assert near.flush(PATIENCE_S)
    calls.get(timeout=PATIENCE_S)


def test_who_stops_leaves_no_thread_behind(parameters: dict[str, Any]) -> None:
    board = Switchboard(parameters)
    board.tell(None)
    assert board.flush(PATIENCE_S)
    thread = board._thread
    assert thread is not None

    board.stop()

    assert not thread.is_alive()
    board.tell(None)
