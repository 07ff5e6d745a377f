from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest

from executions.journal.connection import DedicatedConnection, own_connection
from executions.journal.journal import SqlJournal
from executions.journal.wakeups import make_change_feed
from tests.builders import make_execution_id, make_submit
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.usefixtures("either_database")

PATIENCE_S = 20

Calls = queue.SimpleQueue[str]


@pytest.fixture
def calls() -> Calls:
    """What the feed called back."""
    return queue.SimpleQueue()


@pytest.fixture
def other(transactional_db: None) -> Iterator[SqlJournal]:
    """Somebody else's journal."""
    journal = SqlJournal.dedicated()
    yield journal
    journal.close()


def await_call(calls: Calls) -> None:
    calls.get(timeout=PATIENCE_S)


def drain(calls: Calls) -> None:
    """Wait until the feed has nothing more to say about what is over."""
    while not calls.empty():
        calls.get()


def test_every_commit_of_somebody_else_is_noticed(journal: SqlJournal, other: SqlJournal, calls: Calls) -> None:
    feed = journal.change_feed()
    feed.start(lambda: calls.put("changed"))
    try:
        for number in (1, 2, 3):
            commit(other, make_submit(make_execution_id(number)))
            await_call(calls)
    finally:
        feed.stop()


def test_a_feed_that_is_stopped_is_silent(other: SqlJournal, calls: Calls) -> None:
    connection = DedicatedConnection(own_connection)
    feed = make_change_feed(connection)
    feed.start(lambda: calls.put("changed"))
    commit(other, make_submit(make_execution_id(1)))
    await_call(calls)

    feed.stop()

    drain(calls)
    commit(other, make_submit(make_execution_id(2)))
    assert calls.empty()
    connection.close()


def test_a_feed_that_was_never_started_can_be_stopped(db: None) -> None:
    make_change_feed().stop()
