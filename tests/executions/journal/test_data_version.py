"""What only SQLite's feed can get wrong."""

from __future__ import annotations

import queue
from datetime import timedelta

import pytest

from engine.errors import JournalUnavailable
from executions.journal.connection import Connection, DedicatedConnection, own_connection
from executions.journal.journal import SqlJournal
from executions.journal.wakeups import DataVersionWatcher
from tests.builders import make_execution_id, make_submit
from tests.engine.journal.commits import commit

PATIENCE_S = 20


class Failing:
    """A connection that is unavailable at first."""

    def __init__(self, connection: Connection, *, failures: int) -> None:
        self._connection = connection
        self.failures = failures
        self.transaction = connection.transaction
        self.close = connection.close

    def reading(self):  # type: ignore[no-untyped-def]
        if self.failures:
            self.failures -= 1
            raise JournalUnavailable("injected")
        return self._connection.reading()


def test_a_database_that_comes_back_is_watched_again(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: queue.SimpleQueue[str] = queue.SimpleQueue()
    monkeypatch.setattr("executions.journal.wakeups._RETRY_AFTER", timedelta(milliseconds=1))
    connection = Failing(DedicatedConnection(own_connection), failures=2)
    feed = DataVersionWatcher(connection)
    feed.start(lambda: calls.put("changed"))
    try:
        calls.get(timeout=PATIENCE_S)
        commit(journal, make_submit(make_execution_id()))
        calls.get(timeout=PATIENCE_S)
    finally:
        feed.stop()
        connection.close()
    assert connection.failures == 0
