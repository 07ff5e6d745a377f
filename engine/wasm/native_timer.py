"""A timer that ticks without Python: no thread of ours, no interpreter lock.

POSIX timers can call a C function on a thread of the C library. So an epoch goes by even while a guest holds the
interpreter lock, which is what lets short calls keep it (`engine.wasm.gil_choice`).

A child forked by a process that made such a timer cannot make one: the C library's lock around them may have been
copied in its locked state. Workers are forked by a process that runs no guests, so it does not concern them.

Source:
    POSIX, ``timer_create`` with ``SIGEV_THREAD``; the layout of ``sigevent`` is that of Linux on 64-bit machines.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from ctypes import c_char, c_int, c_long, c_void_p

from engine.errors import WasmError
from engine.wasm.native import Address

_SIGEV_THREAD = 2
_CLOCK_MONOTONIC = 1
_NANOSECONDS = 1_000_000_000
_MACHINES = ("x86_64", "aarch64")

_libc = ctypes.CDLL(None, use_errno=True)


class _Event(ctypes.Structure):
    _fields_ = (
        ("value", c_void_p),
        ("signal", c_int),
        ("notify", c_int),
        ("function", c_void_p),
        ("attributes", c_void_p),
        ("padding", c_char * 32),
    )


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", c_long), ("nanoseconds", c_long))


class _Interval(ctypes.Structure):
    _fields_ = (("period", _Timespec), ("first", _Timespec))


class NativeTimer:
    """Calls a C function with one pointer, again and again, while it runs.

    Args:
        function: Address of a function that takes one pointer, may be called from any thread, and does not wait.
        argument: The pointer; valid for as long as the timer exists and some moments more, as the last call may be
            under way.
    """

    def __init__(self, function: Address, argument: Address) -> None:
        self._event = _Event(value=argument, notify=_SIGEV_THREAD, function=function)
        self._timer: c_void_p | None = None

    @staticmethod
    def is_available() -> bool:
        """Whether this process can have such timers."""
        return (
            sys.platform == "linux"
            and platform.machine() in _MACHINES
            and hasattr(_libc, "timer_create")
            and not _process.is_forked_beside_timers
        )

    def start(self, period_s: float) -> None:
        """Call the function every so many seconds from now on."""
        self._set(period_s)

    def stop(self) -> None:
        """Call it no more; a call may still be under way."""
        self._set(0)

    def close(self) -> None:
        """Give the timer back."""
        timer, self._timer = self._timer, None
        # A forked child inherits no timers.
        if timer is not None and not _process.is_forked_beside_timers:
            _libc.timer_delete(timer)

    def _set(self, period_s: float) -> None:
        seconds, nanoseconds = divmod(round(period_s * _NANOSECONDS), _NANOSECONDS)
        interval = _Timespec(seconds, nanoseconds)
        setting = _Interval(interval, interval)
        _check(_libc.timer_settime(self._own_timer(), 0, ctypes.byref(setting), None), "start a timer")

    def _own_timer(self) -> c_void_p:
        if self._timer is None:
            timer = c_void_p()
            _process.has_timers = True
            created = _libc.timer_create(_CLOCK_MONOTONIC, ctypes.byref(self._event), ctypes.byref(timer))
            _check(created, "create a timer")
            self._timer = timer
        return self._timer


class _Process:
    """What this process has done about timers."""

    def __init__(self) -> None:
        self.has_timers = False
        self.is_forked_beside_timers = False

    def after_fork(self) -> None:
        self.is_forked_beside_timers = self.has_timers


_process = _Process()
os.register_at_fork(after_in_child=_process.after_fork)


def _check(result: int, what: str) -> None:
    if result != 0:
        raise WasmError(f"cannot {what}: {os.strerror(ctypes.get_errno())}")
