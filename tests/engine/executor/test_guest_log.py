from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.deployment.spec import LogLevel
from engine.errors import JournalUnavailable
from engine.executor.best_effort import BestEffort
from engine.journal.memory import MemoryJournal
from engine.journal.records import LogLine
from engine.log.ids import RunId
from engine.simulation.connection import Connection
from tests.builders import NOW, make_execution_id


def _line(number: int) -> LogLine:
    return LogLine(
        execution_id=make_execution_id(1),
        run_id=RunId("Run_1"),
        created_at=NOW,
        level=LogLevel.INFO,
        message=str(number),
    )


def _messages(journal: MemoryJournal) -> list[str]:
    return [line.message for line in journal.log_lines]


def test_lines_are_stored_in_their_order_when_it_is_flushed() -> None:
    journal = MemoryJournal()
    log = BestEffort(journal.add_log_lines, what="log lines")
    for number in range(1200):
        log.add(_line(number))
    assert _messages(journal) == []

    log.flush()

    assert _messages(journal) == [str(number) for number in range(1200)]


def test_flushing_nothing_writes_nothing() -> None:
    journal = MemoryJournal()

    BestEffort(journal.add_log_lines, what="log lines").flush()

    assert _messages(journal) == []


@pytest.mark.parametrize("capacity", [0, 3])
def test_more_lines_than_fit_are_dropped_and_the_rest_is_kept(capacity: int) -> None:
    journal = MemoryJournal()
    log = BestEffort(journal.add_log_lines, what="log lines", capacity=capacity)
    for number in range(10):
        log.add(_line(number))

    log.flush()
    log.add(_line(99))
    log.flush()

    assert _messages(journal) == [str(number) for number in range(capacity)] + (["99"] if capacity else [])


def test_lines_that_cannot_be_stored_are_lost_and_nobody_is_troubled() -> None:
    journal = MemoryJournal()
    connection = Connection(journal)
    log = BestEffort(connection.add_log_lines, what="log lines")
    log.add(_line(1))
    connection.is_cut = True
    with pytest.raises(JournalUnavailable):
        connection.add_log_lines([])

    log.flush()
    connection.is_cut = False
    log.add(_line(2))
    log.flush()

    assert _messages(journal) == ["2"]


def test_a_flood_does_not_keep_whoever_flushes() -> None:
    stored: list[LogLine] = []

    def store(lines: Sequence[LogLine]) -> None:
        stored.extend(lines)
        log.add(_line(len(stored)))

    log = BestEffort(store, what="log lines")
    log.add(_line(0))

    log.flush()
    log.flush()

    assert [line.message for line in stored] == ["0", "1"]
