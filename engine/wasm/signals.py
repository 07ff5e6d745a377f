"""Keeps signal handlers from raising where nothing can catch.

Python runs a signal's handler on the main thread at the next step of bytecode. While a guest runs there, that is the
first step of the next callback, before any ``try``; an exception such as ``KeyboardInterrupt`` would be lost there and
the callback would return garbage to C. So while the main thread runs a guest, handlers wait until they are inside a
callback's ``try``, or back in plain Python.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from signal import SIGALRM, SIGINT, SIGTERM
from types import CodeType, FrameType
from typing import Any, Final, TypeVar

# The signal module wraps these to return enums, which takes ten times as long.
_signal: Any = importlib.import_module("_signal")

_SIGNALS: Final = tuple(map(int, (SIGINT, SIGTERM, SIGALRM)))
"""Those whose handlers are known to raise."""

_F = TypeVar("_F", bound=Callable[..., Any])

_contained: set[CodeType] = set()
_callbacks: set[CodeType] = set()


def as_callback(function: _F) -> _F:
    """Mark a function that C calls, or that must not end half way: handlers have to wait while it is at work."""
    _callbacks.add(function.__code__)
    return function


def as_contained(function: _F) -> _F:
    """Mark a function whose callback catches whatever it raises: handlers may run in it.

    It calls ``run_waiting`` if ``waiting`` is not empty.
    """
    _contained.add(function.__code__)
    return function


class Handler:
    """Stands in for a handler of the program's."""

    __slots__ = ("number", "original")

    def __init__(self, number: int, original: Callable[[int, FrameType | None], Any]) -> None:
        self.number, self.original = number, original

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Run the original, now or later."""
        if _may_raise(frame):
            self.original(number, frame)
        else:
            waiting.append(self)


waiting: list[Handler] = []
"""Handlers of signals that came at a bad moment."""


def _may_raise(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code in _contained:
            return True
        if frame.f_code in _callbacks:
            return False
        frame = frame.f_back
    return True


def run_waiting() -> None:
    """Run the handlers that wait, now that they may raise; does nothing on other threads than the main one."""
    if threading.current_thread() is threading.main_thread():
        while waiting:
            handler = waiting.pop(0)
            handler.original(handler.number, None)


def hold_back_handlers() -> list[Handler]:
    """Let Python's signal handlers wait for their moment from now on; for the main thread only.

    Returns:
        What ``restore_handlers`` undoes.
    """
    replaced = []
    for number in _SIGNALS:
        original = _signal.getsignal(number)
        if callable(original):
            handler = Handler(number, original)
            _signal.signal(number, handler)
            replaced.append(handler)
    return replaced


def restore_handlers(replaced: list[Handler]) -> None:
    """Let handlers run at once again, first of all those that wait."""
    for handler in replaced:
        # Unless the run itself has installed another one.
        if _signal.getsignal(handler.number) is handler:
            _signal.signal(handler.number, handler.original)
    if waiting:
        run_waiting()
