from __future__ import annotations

import socket
import threading
import time

import pytest

from engine.activity.run_loop import READ, WRITE, RunLoop
from engine.errors import Trap, TrapKind


class Alarm:
    """A task that is due once."""

    def __init__(self, due_at: float) -> None:
        self.due_at: float | None = due_at
        self.rings = 0

    def on_due(self) -> None:
        self.rings += 1
        self.due_at = None


def test_waiting_ends_at_the_instant_asked_for() -> None:
    loop = RunLoop()
    until = time.monotonic() + 0.02

    loop.wait_until(lambda: False, until=until)

    assert time.monotonic() >= until
    loop.close()


def test_waiting_ends_in_a_trap_when_the_run_is_out_of_time() -> None:
    loop = RunLoop(expires_at=time.monotonic() + 0.02)

    with pytest.raises(Trap) as caught:
        loop.wait_until(lambda: False)

    assert caught.value.kind is TrapKind.INTERRUPTED
    loop.close()


def test_another_thread_ends_the_waiting() -> None:
    loop = RunLoop()
    threading.Timer(0.02, loop.interrupt).start()

    with pytest.raises(Trap) as caught:
        loop.wait_until(lambda: False)

    assert caught.value.kind is TrapKind.INTERRUPTED
    loop.close()


def test_an_interrupt_that_came_before_counts() -> None:
    loop = RunLoop()
    loop.interrupt()

    with pytest.raises(Trap):
        loop.wait_until(lambda: False)
    loop.close()


def test_another_thread_has_something_done_here() -> None:
    loop = RunLoop()
    done_on: list[int] = []
    threading.Thread(target=lambda: loop.call_soon(lambda: done_on.append(threading.get_ident()))).start()

    loop.wait_until(lambda: bool(done_on))

    assert done_on == [threading.get_ident()]
    loop.close()


def test_an_endpoint_that_is_ready_is_told_about() -> None:
    loop = RunLoop()
    here, there = socket.socketpair()
    seen: list[int] = []
    loop.watch(here, READ | WRITE, seen.append)
    loop.pump()
    loop.watch(here, READ, seen.append)
    there.send(b"x")

    loop.wait_until(lambda: len(seen) > 1)

    assert seen[:2] == [WRITE, READ]
    loop.watch(here, 0, seen.append)
    loop.pump()
    assert len(seen) == 2
    loop.close()
    here.close()
    there.close()


def test_an_endpoint_that_was_forgotten_meanwhile_is_not_called() -> None:
    loop = RunLoop()
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []

    def first_forgets_others(number: int) -> None:
        called.append(number)
        for index, (here, _) in enumerate(pairs):
            if index != number:
                loop.watch(here, 0, lambda _events: None)

    for number, (here, _) in enumerate(pairs):
        loop.watch(here, WRITE, lambda _events, number=number: first_forgets_others(number))  # type: ignore[misc]  # mypy gives a lambda's default no type
    loop.pump()

    assert len(called) == 1
    loop.close()
    for pair in pairs:
        pair[0].close()
        pair[1].close()


def test_a_task_is_called_when_it_is_due_and_not_after_it_was_forgotten() -> None:
    loop = RunLoop()
    alarm, forgotten = Alarm(time.monotonic() + 0.02), Alarm(time.monotonic() + 0.01)
    loop.add(alarm)
    loop.add(forgotten)
    loop.discard(forgotten)

    loop.wait_until(lambda: alarm.rings > 0)

    assert (alarm.rings, forgotten.rings) == (1, 0)
    loop.close()
