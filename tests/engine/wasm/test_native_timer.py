"""Ticks that need no Python."""

from __future__ import annotations

import ctypes
import os
import threading

import pytest

from engine.wasm import native
from engine.wasm.native_timer import NativeTimer

pytestmark = pytest.mark.skipif(not NativeTimer.is_available(), reason="this system has no such timers")


class Counter:
    """A C function that counts its calls; written in Python only so that a test can see them."""

    def __init__(self) -> None:
        self.calls = 0
        self._called = threading.Condition()
        self._callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._count)
        self.address = native.callback_address(self._callback)

    def _count(self, _argument: int | None) -> None:
        with self._called:
            self.calls += 1
            self._called.notify_all()

    def wait_for(self, calls: int) -> bool:
        with self._called:
            return self._called.wait_for(lambda: self.calls >= calls, timeout=20)


def test_it_calls_again_and_again_until_it_is_stopped() -> None:
    counter = Counter()
    timer = NativeTimer(counter.address, 0)

    timer.start(0.005)
    assert counter.wait_for(5)
    timer.stop()
    timer.start(0.005)
    assert counter.wait_for(counter.calls + 2)
    timer.close()


def test_a_child_of_a_process_with_timers_is_told_that_it_can_have_none() -> None:
    counter = Counter()
    timer = NativeTimer(counter.address, 0)
    timer.start(1000)

    child = os.fork()
    if child == 0:
        os._exit(0 if not NativeTimer.is_available() else 1)
    _, status = os.waitpid(child, 0)
    timer.close()

    assert status == 0
    assert NativeTimer.is_available()
