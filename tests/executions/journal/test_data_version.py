"""What only SQLite's feed can get wrong."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
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


class Slow:
    """A connection whose answers take long, and a clock that only those and sleeping move."""

    def __init__(self, *, answer_s: float, sleeps: int) -> None:
        self._answer_s = answer_s
        self._left = sleeps
        self.now_s = 1000.0
        self.slept: list[float] = []
        self.watcher = DataVersionWatcher(self)  # type: ignore[arg-type]  # what it uses of a connection

    @contextmanager
    def reading(self) -> Iterator[Slow]:
        self.now_s += self._answer_s
        yield self

    def execute(self, statement: str) -> Slow:
        return self

    def fetchone(self) -> tuple[int]:
        return (7,)

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
        self._left -= 1
        if not self._left:
            self.watcher._is_stopping.set()


@pytest.mark.parametrize(
    ("answer_s", "interval_s"),
    [
        pytest.param(0.00002, 0.001, id="idle"),
        pytest.param(0.0005, 0.005, id="busy"),
        pytest.param(0.02, 0.01, id="overloaded"),
    ],
)
def test_a_busy_process_asks_less_often(answer_s: float, interval_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Slow(answer_s=answer_s, sleeps=3)
    monkeypatch.setattr("executions.journal.wakeups.time", world)

    world.watcher._watch(lambda: None)

    assert world.slept == pytest.approx([interval_s] * 3)
