from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from engine.wasm.epoch_clock import TICK_SECONDS, EpochClock
from engine.wasm.run import Run


def epoch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "wasm-epoch"]


class Counter:
    """Counts epochs, and tells when a number of them is reached."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def increment(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait_for(self, reached: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(reached, timeout=30)


def test_epochs_pass_while_runs_are_alive_and_stop_when_none_is() -> None:
    counter, runs = Counter(), {1: Run(None, None)}
    others = set(epoch_threads())
    clock = EpochClock(counter.increment, runs)

    clock.ensure_ticking()
    assert counter.wait_for(lambda: counter.count >= 5)
    (thread,) = set(epoch_threads()) - others
    runs.clear()
    thread.join(30)

    assert not thread.is_alive()
    assert not clock.is_ticking


def test_a_stopped_clock_starts_again() -> None:
    counter, runs = Counter(), dict[int, Run]()
    others = set(epoch_threads())
    clock = EpochClock(counter.increment, runs)
    for _ in range(2):
        clock.ensure_ticking()
        (thread,) = set(epoch_threads()) - others
        thread.join(30)
    seen = counter.count

    runs[1] = Run(None, None)
    clock.ensure_ticking()

    assert counter.wait_for(lambda: counter.count > seen)
    runs.clear()


def test_one_thread_ticks_however_many_ask() -> None:
    clock = EpochClock(lambda: None, {1: Run(None, None)})
    others = set(epoch_threads())

    askers = [threading.Thread(target=clock.ensure_ticking) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()

    assert len(set(epoch_threads()) - others) == 1
    clock.after_fork()


@pytest.mark.parametrize(
    ("seconds", "ticks"), [(-1.0, 0), (0.0, 0), (0.001, 1), (TICK_SECONDS, 1), (0.095, 10), (float("inf"), 10**11)]
)
def test_a_deadline_is_looked_at_no_later_than_it_is_reached(seconds: float, ticks: int) -> None:
    assert EpochClock(lambda: None, {}).ticks_for(seconds) == ticks
