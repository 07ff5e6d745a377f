"""Short runs on one thread. What runs is a function of the test's; commits and threads are real."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import cast

import pytest

from engine.clock import SimulatedClock
from engine.executor.activity_run import Job
from engine.executor.durations import Durations
from engine.executor.flusher import Flusher
from engine.executor.group_commit import GroupCommit
from engine.executor.lane import Lane, Seat
from engine.executor.settings import ExecutorSettings
from engine.executor.ticket import Ticket
from engine.journal.memory import MemoryJournal
from engine.journal.records import Write
from engine.log.ids import ExecutorId, RunId
from engine.log.state import Holder
from tests.builders import make_execution_id, make_submit
from tests.harness import steps as s
from tests.harness.live import LiveWorld

WAIT_S = 20
HOLDER = Holder(ExecutorId("Exr_1"), RunId("Run_1"))


class Journal(MemoryJournal):
    """Counts the writes of each transaction."""

    def __init__(self) -> None:
        super().__init__(before_commit=self._note)
        self.sizes: list[int] = []
        self.during_first: Callable[[], None] = lambda: None

    def _note(self, writes: Sequence[Write]) -> None:
        self.sizes.append(len(writes))
        if len(self.sizes) == 1:
            self.during_first()


class Track:
    """A lane, and what ran on it."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.commits = GroupCommit(self.journal, SimulatedClock(), lambda _: None)
        self.flusher = Flusher(self.commits, lambda: False)
        self.given_back: list[str] = []
        self.threads: dict[str, int] = {}
        self.does: dict[str, Callable[[Seat], None]] = {}
        self.pool = ThreadPoolExecutor(4)
        self.lane = Lane(
            self.commits, self.flusher, Durations(), begin=self.pool.submit, run=self._run, give_back=self._give_back
        )
        self._done = threading.Condition()

    def run(self, *names: str) -> None:
        self.lane.add([cast("Job", name) for name in names], HOLDER)

    def wait_for(self, *names: str) -> None:
        with self._done:
            assert self._done.wait_for(lambda: set(names) <= set(self.given_back), WAIT_S), self.given_back

    def _run(self, job: Job, holder: Holder, seat: Seat) -> None:
        name = str(job)
        self.threads[name] = threading.get_ident()
        if (does := self.does.get(name)) is not None:
            does(seat)
        seat.post(make_submit(make_execution_id(len(self.threads))))

    def _give_back(self, jobs: Sequence[Job]) -> None:
        with self._done:
            self.given_back += map(str, jobs)
            self._done.notify_all()


@pytest.fixture
def track() -> Iterator[Track]:
    track = Track()
    track.flusher.start()
    yield track
    track.pool.shutdown()
    track.flusher.stop()


def test_short_runs_share_a_thread_and_a_commit(track: Track) -> None:
    gate = threading.Event()
    track.does["first"] = lambda _: _wait(gate)
    track.run("first")
    track.run("second", "third")
    gate.set()
    track.wait_for("first", "second", "third")
    track.pool.shutdown()

    assert len(set(track.threads.values())) == 1
    assert track.journal.sizes == [3]


def test_a_lane_that_fell_silent_begins_again(track: Track) -> None:
    track.run("first")
    track.wait_for("first")
    track.run("second")

    track.wait_for("second")


def test_a_run_that_is_about_to_wait_holds_up_nobody(track: Track) -> None:
    gate = threading.Event()

    def leave_and_wait(seat: Seat) -> None:
        seat.leave()
        _wait(gate)

    track.does["slow"] = leave_and_wait
    track.run("slow", "quick")
    track.wait_for("quick")

    assert track.threads["quick"] != track.threads["slow"]
    gate.set()
    track.wait_for("slow")


def test_what_ended_before_a_run_that_waits_is_committed_before_it_does(track: Track) -> None:
    seen: list[int] = []

    def leave(seat: Seat) -> None:
        seat.leave()
        seen.append(sum(track.journal.sizes))

    track.does["slow"] = leave
    track.run("quick", "slow")
    track.wait_for("slow")

    assert seen == [1]


def test_a_run_that_took_longer_than_expected_is_passed_by_others(track: Track) -> None:
    gate = threading.Event()
    track.does["stuck"] = lambda _: _wait(gate)
    track.run("stuck", "quick")

    while "quick" not in track.given_back:
        track.lane.help()
    gate.set()

    track.wait_for("stuck")


def test_runs_behind_one_that_breaks_off_take_place(track: Track) -> None:
    def break_off(seat: Seat) -> None:
        raise RuntimeError("a defect")

    track.does["broken"] = break_off
    track.run("broken", "quick")

    track.wait_for("broken", "quick")


class Client:
    """A thread of the same process that submits something while the lane is at work."""

    def __init__(self, track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
        self._waits = threading.Event()
        self._thread = threading.Thread(
            target=track.commits.commit_with_next, args=[[make_submit(make_execution_id(100))]]
        )
        wait = Ticket.wait

        def tell_and_wait(ticket: Ticket, timeout_s: float) -> bool:
            self._waits.set()
            return wait(ticket, timeout_s)

        monkeypatch.setattr(Ticket, "wait", tell_and_wait)
        monkeypatch.setattr("engine.executor.group_commit._NEAR_S", 10 * WAIT_S)

    def submit(self) -> None:
        """Begin, and return when it counts on the lane's commit."""
        self._thread.start()
        _wait(self._waits)

    def join(self) -> None:
        _wait(self._waits)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()


def test_what_a_client_submits_meanwhile_is_in_the_runs_commit(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(track, monkeypatch)
    track.does["first"] = lambda _: client.submit()
    track.run("first", "second")
    client.join()
    track.wait_for("first", "second")

    assert track.journal.sizes == [3]


def test_what_a_client_submits_during_the_last_commit_is_committed_behind_it(
    track: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(track, monkeypatch)
    track.journal.during_first = client.submit
    track.run("only")
    client.join()

    assert track.journal.sizes == [1, 1]


def test_what_a_client_left_to_a_run_that_waits_is_committed_first(
    track: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(track, monkeypatch)
    gate = threading.Event()

    def leave_and_wait(seat: Seat) -> None:
        client.submit()
        seat.leave()
        _wait(gate)

    track.does["slow"] = leave_and_wait
    track.run("slow")
    client.join()

    assert track.journal.sizes == [1]
    gate.set()
    track.wait_for("slow")


class Run:
    """A run with a commit window that counts how often its buffer is asked for."""

    def __init__(self, window_s: float) -> None:
        self.window_s = window_s
        self.flushes = 0

    def start_flush(self) -> Ticket | None:
        self.flushes += 1
        return None


def test_the_flusher_hears_of_one_window_of_many_short_runs(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[object] = []
    monkeypatch.setattr(track.flusher, "register", registered.append)
    runs = {"first": Run(WAIT_S), "second": Run(WAIT_S), "third": Run(0)}
    flushes: list[int] = []

    def begin_window(name: str, seat: Seat) -> None:
        seat.register(runs[name])
        if name == "first":
            # As the flusher's thread does; it is too early.
            seat.start_flush()
        if name == "third":
            seat.start_flush()
            flushes.extend(run.flushes for run in runs.values())
            # The next window of this run is one to be told of.
            seat.register(runs[name])

    for name in runs:
        track.does[name] = partial(begin_window, name)
    track.run(*runs)
    track.wait_for(*runs)

    windows = [each for each in registered if isinstance(each, Seat)]
    assert len(windows) == 3
    assert flushes == [0, 0, 1]


def test_a_run_that_is_over_takes_no_window_from_the_one_behind_it(
    track: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: list[object] = []
    monkeypatch.setattr(track.flusher, "register", registered.append)
    over, current = Run(0), Run(0)

    def run_both(seat: Seat) -> None:
        seat.register(over)
        # The flusher asks it, meanwhile the next one begins, and then it wants to be asked again.
        seat.start_flush()
        seat.register(current)
        seat.register(over)
        seat.start_flush()

    track.does["both"] = run_both
    track.run("both")
    track.wait_for("both")

    assert (over.flushes, current.flushes) == (1, 1)


def test_a_run_that_left_the_lane_has_a_window_of_its_own(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[object] = []
    monkeypatch.setattr(track.flusher, "register", registered.append)
    run = Run(WAIT_S)

    def leave(seat: Seat) -> None:
        seat.leave()
        seat.register(run)

    track.does["slow"] = leave
    track.run("slow")
    track.wait_for("slow")

    assert registered == [run]


def test_a_short_workflow_that_waits_today_holds_up_nobody() -> None:
    with LiveWorld() as world:
        world.start_executor(settings=ExecutorSettings(hot_wait=timedelta(seconds=WAIT_S)))
        for _ in range(3):
            world.run(world.submit_steps(s.call("add", 1, 2)))
        sleeper = world.submit_steps(s.sleep(s.after_ms(2000)))
        others = [world.submit_steps(s.call("add", 1, 2)) for _ in range(5)]

        for other in others:
            world.run(other)
        assert not world.state_of(sleeper).is_finished
        world.run(sleeper)


def _wait(gate: threading.Event) -> None:
    assert gate.wait(WAIT_S)
