from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.deployment.spec import LogLevel
from engine.errors import ExecutionNotFound, JournalUnavailable
from engine.journal.memory import MemoryJournal
from engine.journal.records import LogLine, Write
from tests.builders import NOW, make_execution_id, make_holder, make_http_exchange, make_submit
from tests.engine.journal.commits import commit

E1 = make_execution_id()


def fail(writes: Sequence[Write]) -> None:
    raise JournalUnavailable("injected")


def test_a_fault_before_the_commit_writes_nothing() -> None:
    journal = MemoryJournal(before_commit=fail)

    with pytest.raises(JournalUnavailable):
        journal.commit([make_submit(E1)], now=NOW)

    with pytest.raises(ExecutionNotFound):
        journal.state_of(E1)


def test_a_fault_after_the_commit_has_written_everything() -> None:
    journal = MemoryJournal(after_commit=fail)

    with pytest.raises(JournalUnavailable):
        journal.commit([make_submit(E1)], now=NOW)

    assert journal.state_of(E1).next_version == 1


def test_a_fault_may_look_at_the_writes_and_go_away() -> None:
    journal = MemoryJournal()
    seen: list[Sequence[Write]] = []
    journal.before_commit = seen.append
    commit(journal, make_submit(E1))
    journal.before_commit = None

    commit(journal, make_submit(make_execution_id(2)))

    assert seen == [(make_submit(E1),)]


def test_log_lines_are_kept_in_order() -> None:
    journal = MemoryJournal()
    lines = [
        LogLine(
            execution_id=E1, run_id=make_holder().run_id, created_at=NOW, level=LogLevel.INFO, message=f"line {number}"
        )
        for number in range(3)
    ]

    journal.add_log_lines(lines[:2])
    journal.add_log_lines(lines[2:])

    assert journal.log_lines == tuple(lines)


def test_http_exchanges_are_kept_in_order() -> None:
    journal = MemoryJournal()
    exchanges = [make_http_exchange(url=f"http://a.test/{number}") for number in range(3)]

    journal.add_http_exchanges(exchanges[:2])
    journal.add_http_exchanges(exchanges[2:])

    assert journal.http_exchanges == tuple(exchanges)
