"""Ends of children on their way to the journal."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine.clock import SimulatedClock
from engine.executor.child_ends import ChildEnds
from engine.executor.flusher import Flusher
from engine.executor.group_commit import GroupCommit
from engine.journal.memory import MemoryJournal
from engine.journal.records import Append, Hints
from engine.log.events import Paused, Unpaused
from tests.builders import make_append, make_execution_id, make_submit

WAIT_S = 20
A_WHILE_S = 0.001
LONG_S = 3600.0


class Line:
    """Ends in line; what is committed, and what was refused."""

    def __init__(self, window_s: float) -> None:
        self.commits = GroupCommit(MemoryJournal(), SimulatedClock(), self._note)
        self.flusher = Flusher(self.commits, lambda: False)
        self.refused: list[Append] = []
        self.ends = ChildEnds(self.commits, self.flusher, window_s=window_s, refused=self.refused.append)
        self.committed = threading.Semaphore(0)
        self.commits.commit(make_submit(make_execution_id(1)))
        self.committed.acquire()

    def add(self, version: int) -> Append:
        end = make_append(make_execution_id(1), Paused() if version % 2 else Unpaused(), expected=version)
        self.ends.add(end)
        return end

    def _note(self, _: Hints) -> None:
        self.committed.release()


@pytest.fixture
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    line = Line(request.param)
    line.flusher.start()
    yield line
    line.flusher.stop()


@pytest.mark.parametrize("line", [A_WHILE_S], indirect=True)
def test_while_the_run_is_busy_ends_are_committed_and_so_are_those_behind_them(line: Line) -> None:
    for version in range(1, 4):
        line.add(version)
        assert line.committed.acquire(timeout=WAIT_S)
        assert line.ends.has_settled

    line.ends.settle()

    assert line.ends.is_empty
    assert line.refused == []


@pytest.mark.parametrize("line", [LONG_S], indirect=True)
def test_who_cannot_go_on_has_all_of_them_committed_together(line: Line) -> None:
    line.add(1)
    line.add(2)
    assert not line.ends.has_settled

    line.ends.settle()

    assert line.ends.is_empty
    assert line.committed.acquire(blocking=False)
    assert not line.committed.acquire(blocking=False)


@pytest.mark.parametrize("line", [LONG_S], indirect=True)
def test_what_is_refused_is_looked_after(line: Line) -> None:
    line.add(1)
    wrong = line.add(7)

    line.ends.settle()

    assert line.ends.is_empty
    assert line.refused == [wrong]


@pytest.mark.parametrize("line", [LONG_S], indirect=True)
def test_where_none_is_in_line_nobody_waits(line: Line) -> None:
    line.ends.settle()

    assert line.ends.is_empty
    assert not line.ends.has_settled
    assert line.ends.start_flush() is None
