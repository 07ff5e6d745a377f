from __future__ import annotations

from io import StringIO

import pytest

from engine.log.events import JoinSetCreated
from engine.log.state import ExecutionState
from executions import progress
from executions.journal.journal import SqlJournal
from executions.progress import ProgressLine
from tests.builders import (
    JOIN_SET,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_execution_id,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db

E1, E2 = make_execution_id(1), make_execution_id(2)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Stopwatch:
    """Stands in for the module ``time``."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    watch = Stopwatch()
    monkeypatch.setattr(progress, "time", watch)
    return watch


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


@pytest.fixture
def pending(journal: SqlJournal) -> ExecutionState:
    commit(journal, make_submit(E2))
    return journal.state_of(E2)


@pytest.fixture
def parent(journal: SqlJournal) -> ExecutionState:
    """An execution that waits for the second of its two children."""
    commit(journal, make_submit(E1, make_created(), make_locked(), JoinSetCreated(join_set_id=JOIN_SET)))
    requests = [make_child_request(E1, number) for number in (1, 2)]
    children = [make_child(E1, number) for number in (1, 2)]
    commit(journal, make_append(E1, *requests, expected=3, created=children))
    commit(journal, make_child_end(E1, 1))
    joins = (make_join_next(), make_join_next())
    commit(journal, make_append(E1, *joins, expected=5, awaits=True, seen=1))
    return journal.state_of(E1)


def test_the_line_tells_state_children_events_and_time(watch: Stopwatch, parent: ExecutionState) -> None:
    stream = StringIO()
    line = ProgressLine(stream)
    watch.now += 3

    line.update(parent)

    assert stream.getvalue() == "blocked_by_join_set: 1/2 children finished, 7 events, 3.0 s\n"


def test_what_has_no_children_says_nothing_of_them(watch: Stopwatch, pending: ExecutionState) -> None:
    stream = StringIO()
    line = ProgressLine(stream)
    watch.now += 3

    line.update(pending)

    assert stream.getvalue() == "pending_at: 1 event, 3.0 s\n"


def test_elsewhere_than_on_a_terminal_a_line_is_written_now_and_then(watch: Stopwatch, pending: ExecutionState) -> None:
    stream = StringIO()
    line = ProgressLine(stream)

    for _ in range(20):
        watch.now += 0.25
        line.update(pending)
    line.done()

    assert stream.getvalue().splitlines() == ["pending_at: 1 event, 2.0 s", "pending_at: 1 event, 4.0 s"]


def test_on_a_terminal_the_line_is_written_over(
    watch: Stopwatch, pending: ExecutionState, parent: ExecutionState
) -> None:
    stream = Terminal()
    line = ProgressLine(stream)

    watch.now += 0.2
    line.update(parent)
    watch.now += 0.05
    line.update(parent)  # too soon
    watch.now += 0.15
    line.update(pending)

    long = "blocked_by_join_set: 1/2 children finished, 7 events, 0.2 s"
    short = "pending_at: 1 event, 0.4 s"
    assert stream.getvalue() == f"\r{long}\r{short.ljust(len(long))}"


def test_on_a_terminal_the_line_is_taken_away(watch: Stopwatch, pending: ExecutionState) -> None:
    stream = Terminal()
    line = ProgressLine(stream)
    watch.now += 0.2
    line.update(pending)
    shown = stream.getvalue()

    line.done()
    line.done()

    assert stream.getvalue() == shown + "\r" + " " * len("pending_at: 1 event, 0.2 s") + "\r"


def test_what_is_over_at_once_shows_nothing(watch: Stopwatch, pending: ExecutionState) -> None:
    stream = Terminal()
    line = ProgressLine(stream)

    line.update(pending)
    line.done()

    assert stream.getvalue() == ""


def test_results_alone_are_on_standard_output(
    watch: Stopwatch, pending: ExecutionState, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ProgressLine()
    watch.now += 3

    line.update(pending)

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "pending_at: 1 event, 3.0 s\n"
