"""Writes of many threads in few transactions. Races are forced with a journal that waits where a test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import pytest

from engine.clock import SimulatedClock
from engine.errors import ExecutionExists, ExecutionNotFound, JournalError, JournalUnavailable, VersionConflict
from engine.executor.group_commit import GroupCommit
from engine.executor.ticket import Ticket
from engine.journal.memory import MemoryJournal
from engine.journal.protocol import CommitReport, OpenCommit, PreparedCommit
from engine.journal.records import Committed, Hints, LockedExecution, LockRequest, Write
from engine.log.events import Paused
from engine.log.ids import ExecutionId
from tests.builders import (
    make_append,
    make_child_request,
    make_created,
    make_execution_id,
    make_lock_request,
    make_locked,
    make_submit,
)

WAIT_S = 20


class Journal(MemoryJournal):
    """Counts transactions, and holds them back when asked to."""

    def __init__(self) -> None:
        super().__init__(before_commit=self._note)
        self.sizes: list[int] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.fault: BaseException | None = None

    def _note(self, writes: Sequence[Write]) -> None:
        self.sizes.append(len(writes))
        self.entered.release()
        assert self.gate.wait(WAIT_S)
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def hints() -> list[Hints]:
    return []


@pytest.fixture
def commits(journal: Journal, hints: list[Hints]) -> GroupCommit:
    return GroupCommit(journal, SimulatedClock(), hints.append)


@contextmanager
def _thread(target: object, *args: object) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=target, args=args)  # type: ignore[arg-type]  # a callable
    thread.start()
    yield thread
    thread.join(WAIT_S)
    assert not thread.is_alive()


def _paused(number: int) -> Write:
    return make_append(make_execution_id(number), Paused(), expected=1)


def test_a_write_is_durable_when_it_is_settled(commits: GroupCommit, journal: Journal) -> None:
    committed = commits.commit(make_submit(make_execution_id(1)))

    assert committed.next_version == 1
    assert journal.state_of(make_execution_id(1)).next_version == 1


def test_nothing_is_written_before_somebody_settles(commits: GroupCommit, journal: Journal) -> None:
    ticket = commits.enqueue(make_submit(make_execution_id(1)))

    assert not ticket.is_settled
    assert journal.sizes == []


def test_whoever_settles_takes_what_waits_along_in_its_order(commits: GroupCommit, journal: Journal) -> None:
    # The second write is right only behind the first one.
    first = commits.enqueue(make_submit(make_execution_id(1)))
    second = commits.enqueue(_paused(1))
    third = commits.enqueue(make_submit(make_execution_id(2)))

    commits.settle(third)

    assert first.is_settled
    assert second.result().next_version == 2
    assert journal.sizes == [3]


def test_a_refused_write_does_not_disturb_the_others(commits: GroupCommit) -> None:
    outcomes = commits.commit_all(
        [
            make_submit(make_execution_id(1)),
            make_append(make_execution_id(1), Paused(), expected=7),
            make_submit(make_execution_id(1), make_created(params="[1]")),
            make_submit(make_execution_id(2)),
        ]
    )

    assert [type(outcome) for outcome in outcomes] == [Committed, VersionConflict, ExecutionExists, Committed]


def test_settling_a_refused_write_raises_each_time(commits: GroupCommit) -> None:
    ticket = commits.enqueue(_paused(1))

    for _ in range(2):
        with pytest.raises(JournalError):
            commits.settle(ticket)


def test_writes_that_come_during_a_commit_share_the_next_one(commits: GroupCommit, journal: Journal) -> None:
    journal.gate.clear()
    tickets: list[Ticket] = []

    def follow(number: int) -> None:
        commits.settle(tickets[number])

    with _thread(commits.commit, make_submit(make_execution_id(100))):
        assert journal.entered.acquire(timeout=WAIT_S)
        tickets.extend(commits.enqueue(make_submit(make_execution_id(number))) for number in range(1, 9))
        followers = [threading.Thread(target=follow, args=[number]) for number in range(8)]
        for follower in followers:
            follower.start()
        journal.gate.set()
        for follower in followers:
            follower.join(WAIT_S)

    assert all(ticket.is_settled for ticket in tickets)
    assert journal.sizes == [1, 8]


def test_a_transaction_has_a_most_number_of_writes(journal: Journal, hints: list[Hints]) -> None:
    commits = GroupCommit(journal, SimulatedClock(), hints.append, max_writes=3)

    outcomes = commits.commit_all([make_submit(make_execution_id(number)) for number in range(1, 8)])

    assert all(isinstance(outcome, Committed) for outcome in outcomes)
    assert journal.sizes == [3, 3, 1]


def test_hints_are_told_after_each_commit(commits: GroupCommit, hints: list[Hints]) -> None:
    commits.commit_all([make_submit(make_execution_id(1)), make_submit(make_execution_id(2))])
    commits.commit(_paused(1))

    assert len(hints) == 2
    assert hints[0].is_due


def test_a_journal_that_does_not_answer_fails_all_that_waited(
    commits: GroupCommit, journal: Journal, hints: list[Hints]
) -> None:
    tickets = [commits.enqueue(make_submit(make_execution_id(number))) for number in (1, 2)]
    journal.fault = JournalUnavailable("down")

    for ticket in tickets:
        with pytest.raises(JournalUnavailable):
            commits.settle(ticket)

    assert journal.sizes == [2]
    assert hints == []
    journal.fault = None
    assert commits.commit(make_submit(make_execution_id(1))).is_new


def test_followers_of_a_commit_that_breaks_off_do_not_wait_for_ever(commits: GroupCommit, journal: Journal) -> None:
    journal.gate.clear()
    journal.fault = ZeroDivisionError("a defect")
    ticket = commits.enqueue(make_submit(make_execution_id(1)))
    raised: list[BaseException] = []

    def settle() -> None:
        try:
            commits.settle(ticket)
        except (JournalError, ZeroDivisionError) as error:
            raised.append(error)

    with _thread(settle):
        assert journal.entered.acquire(timeout=WAIT_S)
        with _thread(settle):
            journal.gate.set()

    # Whoever led sees the defect itself.
    assert sorted(type(error).__name__ for error in raised) == ["JournalUnavailable", "ZeroDivisionError"]


def test_many_threads_lose_and_mix_up_nothing(commits: GroupCommit, journal: Journal) -> None:
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait(WAIT_S)
        for each in range(20):
            execution_id = make_execution_id(number * 100 + each)
            assert commits.commit(make_submit(execution_id)).next_version == 1
            assert commits.commit(make_append(execution_id, Paused(), expected=1)).next_version == 2

    threads = [threading.Thread(target=write, args=[number]) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)

    assert sum(journal.sizes) == 8 * 20 * 2
    assert all(
        journal.state_of(make_execution_id(number * 100 + each)).next_version == 2
        for number in range(1, 9)
        for each in range(20)
    )


# Posted writes, which nobody waits for.


def test_a_post_is_committed_at_once_if_nobody_leads(commits: GroupCommit, journal: Journal) -> None:
    commits.post(make_submit(make_execution_id(1)))

    assert journal.state_of(make_execution_id(1)).next_version == 1


def test_a_post_during_a_commit_does_not_wait_and_is_committed_next(commits: GroupCommit, journal: Journal) -> None:
    commits.start()
    journal.gate.clear()
    with _thread(commits.commit, make_submit(make_execution_id(1))):
        assert journal.entered.acquire(timeout=WAIT_S)
        commits.post(make_submit(make_execution_id(2)))
        assert journal.sizes == [1]
        journal.gate.set()

    commits.stop()

    assert journal.state_of(make_execution_id(2)).next_version == 1


def test_a_refused_post_is_nobodys_trouble(commits: GroupCommit) -> None:
    commits.post(_paused(1))

    assert commits.commit(make_submit(make_execution_id(1))).is_new


class _Source:
    """Locks all there is, and remembers what it got."""

    def __init__(self) -> None:
        self.has_room = True
        self.requests = 0
        self.taken: list[ExecutionId] = []

    def request(self, now: datetime) -> LockRequest | None:
        self.requests += 1
        return make_lock_request(now=now) if self.has_room else None

    def take(self, locked: Sequence[LockedExecution]) -> None:
        self.taken += [execution.state.execution_id for execution in locked]


def test_what_a_commit_makes_due_is_locked_at_no_extra_commit(commits: GroupCommit, journal: Journal) -> None:
    source = _Source()
    commits.lock_for(source)

    commits.commit_all([make_submit(make_execution_id(1)), make_submit(make_execution_id(2))])

    assert source.taken == [make_execution_id(1), make_execution_id(2)]
    assert journal.sizes == [2]


def test_a_write_that_can_make_nothing_due_asks_for_no_lock(commits: GroupCommit) -> None:
    source = _Source()
    commits.commit(make_submit(make_execution_id(1)))
    commits.lock_for(source)

    commits.commit(_paused(1))

    assert source.requests == 0


def test_a_look_locks_what_others_made_due(commits: GroupCommit) -> None:
    source = _Source()
    commits.commit(make_submit(make_execution_id(1)))
    commits.lock_for(source)

    assert commits.lock_due() == 1
    assert commits.lock_due() == 0
    assert source.taken == [make_execution_id(1)]


def test_what_there_is_no_room_for_is_locked_with_the_commit_of_whoever_makes_room(
    commits: GroupCommit, journal: Journal, hints: list[Hints]
) -> None:
    source = _Source()
    source.has_room = False
    commits.lock_for(source)
    commits.commit(make_submit(make_execution_id(1)))
    commits.commit(make_submit(make_execution_id(2)))
    assert not any(hint.is_due for hint in hints)  # nobody could do anything

    source.has_room = True
    commits.look()
    commits.commit(make_append(make_execution_id(2), make_locked(), expected=1))  # makes nothing due
    commits.lock_if_asked()

    assert source.taken == [make_execution_id(1)]
    assert journal.sizes == [1, 1, 1]


def test_what_there_is_no_room_for_is_locked_even_if_nothing_else_is_written(commits: GroupCommit) -> None:
    source = _Source()
    source.has_room = False
    commits.lock_for(source)
    commits.commit(make_submit(make_execution_id(1)))

    source.has_room = True
    commits.look()
    commits.lock_if_asked()

    assert source.taken == [make_execution_id(1)]


def test_nobody_looks_when_there_was_room_for_all(commits: GroupCommit) -> None:
    source = _Source()
    commits.lock_for(source)
    commits.commit(make_submit(make_execution_id(1)))

    commits.look()
    commits.lock_if_asked()

    assert source.requests == 1


def test_a_look_at_a_journal_that_does_not_answer_fails(commits: GroupCommit, journal: Journal) -> None:
    commits.lock_for(_Source())
    journal.fault = JournalUnavailable("away")

    with pytest.raises(JournalUnavailable):
        commits.lock_due()


def test_a_source_that_was_taken_away_gets_nothing_more(commits: GroupCommit) -> None:
    source = _Source()
    commits.lock_for(source)
    commits.lock_for(None)

    commits.commit(make_submit(make_execution_id(1)))

    assert source.taken == []


class _SlowDisk(Journal):
    """Leaves commits open until a test lets them reach the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = threading.Event()
        self.is_broken = False

    def begin_commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> OpenCommit:
        return _Waiting(self, super().begin_commit(writes, now=now, lock=lock))


class _Waiting:
    def __init__(self, journal: _SlowDisk, begun: OpenCommit) -> None:
        self._journal, self._begun = journal, begun

    def finish(self) -> CommitReport:
        assert self._journal.disk.wait(WAIT_S)
        if self._journal.is_broken:
            raise JournalUnavailable("the disk is gone")
        return self._begun.finish()


@pytest.fixture
def slow() -> Iterator[tuple[GroupCommit, _SlowDisk]]:
    journal = _SlowDisk()
    commits = GroupCommit(journal, SimulatedClock(), lambda _: None)
    commits.start()
    yield commits, journal
    journal.disk.set()
    commits.stop()


def test_a_writer_goes_on_while_its_commit_reaches_the_disk(slow: tuple[GroupCommit, _SlowDisk]) -> None:
    commits, journal = slow
    ticket = commits.enqueue(make_submit(make_execution_id(1)))

    commits.commit_behind(ticket)

    assert not ticket.is_settled
    journal.disk.set()
    assert commits.settle(ticket).next_version == 1


def test_nobody_else_commits_meanwhile(slow: tuple[GroupCommit, _SlowDisk]) -> None:
    commits, journal = slow
    ticket = commits.enqueue(make_submit(make_execution_id(1)))
    commits.commit_behind(ticket)

    with _thread(commits.commit, _paused(1)):
        assert len(journal.sizes) <= 1
        journal.disk.set()

    assert journal.sizes == [1, 1]
    assert commits.settle(ticket).next_version == 1


def test_a_commit_that_fails_behind_its_writer_is_told_when_it_is_settled(slow: tuple[GroupCommit, _SlowDisk]) -> None:
    commits, journal = slow
    ticket = commits.enqueue(make_submit(make_execution_id(1)))
    commits.commit_behind(ticket)
    journal.is_broken = True
    journal.disk.set()

    with pytest.raises(JournalUnavailable):
        commits.settle(ticket)

    journal.is_broken = False
    assert commits.commit(make_submit(make_execution_id(2))).next_version == 1


def test_without_its_threads_it_leaves_nothing_to_another(commits: GroupCommit, journal: Journal) -> None:
    ticket = commits.enqueue(make_submit(make_execution_id(1)))

    commits.commit_behind(ticket)

    assert journal.sizes == [1]
    assert commits.settle(ticket).next_version == 1


class _Preparing(_SlowDisk):
    """Prepares commits of which nothing is done before they are finished."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0

    def prepare_commit(self, writes: Sequence[Write], *, now: datetime) -> PreparedCommit | None:
        return _Prepared(self, writes, now)


class _Prepared:
    def __init__(self, journal: _Preparing, writes: Sequence[Write], now: datetime) -> None:
        self._journal, self._writes, self._now = journal, writes, now

    def finish(self) -> CommitReport:
        return self._journal.begin_commit(self._writes, now=self._now).finish()

    def drop(self) -> None:
        self._journal.dropped += 1


@pytest.fixture
def preparing() -> Iterator[tuple[GroupCommit, _Preparing]]:
    journal = _Preparing()
    commits = GroupCommit(journal, SimulatedClock(), lambda _: None)
    commits.start()
    journal.disk.set()
    commits.commit(make_submit(make_execution_id(1), make_created(), make_locked()))
    journal.disk.clear()
    yield commits, journal
    journal.disk.set()
    commits.stop()


def test_a_writer_may_be_two_commits_ahead(preparing: tuple[GroupCommit, _Preparing]) -> None:
    commits, journal = preparing
    first = commits.enqueue(_step(2))
    commits.commit_behind(first)
    second = commits.enqueue(_step(3), after=first)
    commits.commit_behind(second)
    assert not first.is_settled

    journal.disk.set()

    assert commits.settle(second).next_version == 4
    assert commits.settle(first).next_version == 3
    assert journal.sizes == [1, 1, 1]


def test_what_goes_on_from_a_refused_write_is_refused_whatever_version_it_finds(
    preparing: tuple[GroupCommit, _Preparing],
) -> None:
    commits, journal = preparing
    # Somebody else's event takes the place of the first one.
    journal.commit([_step(2)], now=SimulatedClock().now())
    first = commits.enqueue(_step(2))
    commits.commit_behind(first)
    second = commits.enqueue(_step(3), after=first)
    commits.commit_behind(second)

    journal.disk.set()

    for ticket in (first, second):
        with pytest.raises(VersionConflict):
            commits.settle(ticket)
    assert journal.dropped == 1
    assert journal.state_of(make_execution_id(1)).next_version == 3


def test_it_is_refused_in_line_too(commits: GroupCommit, journal: Journal) -> None:
    commits.commit(make_submit(make_execution_id(1), make_created(), make_locked()))
    first = commits.enqueue(_step(7))
    second = commits.enqueue(_step(2), after=first)

    for ticket in (second, first):
        with pytest.raises(VersionConflict):
            commits.settle(ticket)
    assert journal.state_of(make_execution_id(1)).next_version == 2


def test_who_waits_to_lead_does_so_between_the_commits_of_one_that_is_always_ahead(
    preparing: tuple[GroupCommit, _Preparing],
) -> None:
    commits, journal = preparing
    ahead = commits.enqueue(_step(2))
    commits.commit_behind(ahead)

    with _thread(commits.lock_due) as waiting:
        journal.disk.set()
        for version in range(3, 5000):
            if not waiting.is_alive():
                break
            before, ahead = ahead, commits.enqueue(_step(version), after=ahead)
            commits.commit_behind(ahead)
            commits.settle(before)
        else:
            pytest.fail("nobody else came to lead")


def _step(version: int) -> Write:
    """Return a write that goes on from any other one at the version before."""
    return make_append(make_execution_id(1), make_child_request(make_execution_id(1), version), expected=version)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Released by each client that counts on another thread's commit, for as long as it takes."""
    waiting = threading.Semaphore(0)
    wait = Ticket.wait

    def tell_and_wait(ticket: Ticket, timeout_s: float) -> bool:
        waiting.release()
        return wait(ticket, timeout_s)

    monkeypatch.setattr(Ticket, "wait", tell_and_wait)
    monkeypatch.setattr("engine.executor.group_commit._NEAR_S", 10 * WAIT_S)
    return waiting


def test_a_client_leaves_its_writes_to_a_commit_that_is_near(
    commits: GroupCommit, journal: Journal, clients: threading.Semaphore
) -> None:
    commits.is_commit_near = True
    outcomes: list[Committed | JournalError] = []
    writes = [make_submit(make_execution_id(1)), _paused(2)]

    with _thread(lambda: outcomes.extend(commits.commit_with_next(writes))):
        assert clients.acquire(timeout=WAIT_S)
        commits.commit(make_submit(make_execution_id(3)))

    assert journal.sizes == [3]
    assert [type(outcome) for outcome in outcomes] == [Committed, ExecutionNotFound]


def test_a_client_commits_at_once_if_no_commit_is_near(
    commits: GroupCommit, journal: Journal, clients: threading.Semaphore
) -> None:
    commits.commit_with_next([make_submit(make_execution_id(1)), make_submit(make_execution_id(2))])

    assert journal.sizes == [2]
    assert not clients.acquire(blocking=False)


def test_a_client_whose_commit_was_the_last_but_one_does_not_wait(
    commits: GroupCommit, journal: Journal, clients: threading.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits.is_commit_near = True
    watch = Ticket.watch

    def others_are_done(ticket: Ticket) -> None:
        watch(ticket)
        commits.commit_left()

    monkeypatch.setattr(Ticket, "watch", others_are_done)
    commits.commit_with_next([make_submit(make_execution_id(1))])

    assert journal.sizes == [1]
    assert not clients.acquire(blocking=False)


def test_what_clients_left_to_a_thread_is_committed_when_it_has_nothing_else(
    commits: GroupCommit, journal: Journal, clients: threading.Semaphore
) -> None:
    commits.is_commit_near = True

    with _thread(commits.commit_with_next, [make_submit(make_execution_id(1))]):
        assert clients.acquire(timeout=WAIT_S)
        commits.commit_left()
        commits.commit_left()

    assert journal.sizes == [1]
    assert not commits.is_commit_near


def test_a_commit_that_was_near_and_does_not_come_is_waited_for_once(
    commits: GroupCommit, journal: Journal, clients: threading.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.executor.group_commit._NEAR_S", 0.001)
    commits.is_commit_near = True

    commits.commit_with_next([make_submit(make_execution_id(1))])
    commits.commit_with_next([make_submit(make_execution_id(2))])

    assert journal.sizes == [1, 1]
    assert clients.acquire(blocking=False)
    assert not clients.acquire(blocking=False)


def test_a_client_hears_that_the_storage_did_not_answer(
    commits: GroupCommit, journal: Journal, clients: threading.Semaphore
) -> None:
    commits.is_commit_near = True
    journal.fault = JournalUnavailable("injected")
    outcomes: list[Committed | JournalError] = []

    with _thread(lambda: outcomes.extend(commits.commit_with_next([make_submit(make_execution_id(1))]))):
        assert clients.acquire(timeout=WAIT_S)
        commits.commit_left()

    assert outcomes == [journal.fault]
