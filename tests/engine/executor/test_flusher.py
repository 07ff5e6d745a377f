"""The thread that commits what runs hold back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from engine.clock import SimulatedClock
from engine.errors import ExecutionNotFound
from engine.executor.flusher import Flusher, HeldBack
from engine.executor.group_commit import GroupCommit
from engine.executor.ticket import Ticket
from engine.journal.memory import MemoryJournal
from engine.journal.records import Write
from engine.log.events import Paused
from tests.builders import make_append, make_execution_id, make_submit

WAIT_S = 20


class Run:
    """Holds one write back."""

    def __init__(self, commits: GroupCommit, window_s: float, write: Write | None = None) -> None:
        self.window_s = window_s
        self.flushed = threading.Event()
        self._commits = commits
        self._write = write
        self.ticket: Ticket | None = None

    def start_flush(self) -> Ticket | None:
        if self._write is not None:
            self.ticket = self._commits.enqueue(self._write)
        self.flushed.set()
        return self.ticket


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def commits(journal: MemoryJournal) -> GroupCommit:
    return GroupCommit(journal, SimulatedClock(), lambda _: None)


@pytest.fixture
def flusher(commits: GroupCommit) -> Iterator[Flusher]:
    flusher = Flusher(commits, lambda: False)
    flusher.start()
    yield flusher
    flusher.stop()


def _flushed(run: Run) -> bool:
    return run.flushed.wait(WAIT_S)


def test_a_run_is_flushed_when_its_window_is_over(flusher: Flusher, commits: GroupCommit) -> None:
    run = Run(commits, 0.01)
    registered = time.monotonic()

    flusher.register(run)

    assert _flushed(run)
    assert time.monotonic() - registered >= 0.01


def test_what_is_flushed_is_committed(flusher: Flusher, commits: GroupCommit, journal: MemoryJournal) -> None:
    run, later = Run(commits, 0.0, make_submit(make_execution_id(1))), Run(commits, 0.01)

    flusher.register(run)
    flusher.register(later)

    assert _flushed(later)
    assert journal.state_of(make_execution_id(1)).next_version == 1


def test_a_short_window_does_not_wait_for_a_long_one_that_came_first(flusher: Flusher, commits: GroupCommit) -> None:
    long, short = Run(commits, 3600.0), Run(commits, 0.0)

    flusher.register(long)
    flusher.register(short)

    assert _flushed(short)
    assert not long.flushed.is_set()


def test_a_refused_commit_does_not_end_the_thread(flusher: Flusher, commits: GroupCommit) -> None:
    refused = Run(commits, 0.0, make_append(make_execution_id(9), Paused(), expected=1))
    later = Run(commits, 0.0)

    flusher.register(refused)
    assert _flushed(refused)
    flusher.register(later)

    assert _flushed(later)
    assert refused.ticket is not None
    with pytest.raises(ExecutionNotFound):
        commits.settle(refused.ticket)


def test_a_write_that_is_held_back_is_committed_when_its_time_is_over(
    flusher: Flusher, commits: GroupCommit, journal: MemoryJournal
) -> None:
    ticket = commits.enqueue(make_submit(make_execution_id(1)))
    later = Run(commits, 0.01)

    flusher.register(HeldBack(ticket, 0.0))
    flusher.register(later)

    assert _flushed(later)
    assert ticket.is_settled


def test_a_write_that_was_committed_with_others_is_left_alone(commits: GroupCommit) -> None:
    ticket = commits.enqueue(make_submit(make_execution_id(1)))
    held_back = HeldBack(ticket, 0.0)
    assert held_back.start_flush() is ticket

    commits.settle(ticket)

    assert held_back.start_flush() is None


def test_it_can_be_stopped_with_runs_registered_and_without_having_begun(commits: GroupCommit) -> None:
    begun, never_begun = Flusher(commits, lambda: False), Flusher(commits, lambda: False)
    begun.start()
    begun.register(Run(commits, 3600.0))

    begun.stop()
    never_begun.stop()
