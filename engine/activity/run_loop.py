"""Waiting on behalf of a guest: for sockets, timers and other threads, on the run's own thread.

Nothing happens behind the guest's back: its connections move on while it waits, and a little whenever it asks how they
are. So a run needs no thread but its own, and ends all it has begun when it ends.
"""

from __future__ import annotations

import math
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from socket import socket
from typing import Protocol

from engine.errors import Trap, TrapKind

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Task(Protocol):
    """Something that goes on while the run waits.

    Args:
        due_at: When it wants to be called at the latest, on `time.monotonic`; ``None`` for never.
    """

    due_at: float | None

    def on_due(self) -> None:
        """Hear that the time has come."""
        ...


class RunLoop:
    """Waits for what one run began; of one thread, but for `interrupt` and `call_soon`.

    Args:
        expires_at: When the run is out of time, on `time.monotonic`.
    """

    def __init__(self, *, expires_at: float = math.inf) -> None:
        self._expires_at = expires_at
        self._is_interrupted = False
        self._mutex = threading.Lock()
        self._soon: deque[Callable[[], None]] = deque()
        self._tasks: set[Task] = set()
        self._selector: selectors.BaseSelector | None = None
        self._watched: dict[socket, int] = {}
        self._waker: tuple[int, int] | None = None

    # For other threads.

    def interrupt(self) -> None:
        """Let whatever the run waits for end in a trap."""
        self._is_interrupted = True
        self._wake()

    def call_soon(self, function: Callable[[], None]) -> None:
        """Have a function called on the run's thread, when that waits next or looks; dropped if it never does."""
        self._soon.append(function)
        self._wake()

    def _wake(self) -> None:
        with self._mutex:
            if self._waker is not None:
                with suppress(BlockingIOError):  # a pipe full of such bytes wakes as well
                    os.write(self._waker[1], b"\0")

    # For the run's own thread.

    def check_time(self) -> None:
        """Return if the run may go on.

        Raises:
            Trap: Of kind ``interrupted``.
        """
        if self._is_interrupted or time.monotonic() >= self._expires_at:
            raise Trap(TrapKind.INTERRUPTED, "wasm trap: interrupt (while the guest waited)")

    def add(self, task: Task) -> None:
        """Look after a task's time from now on."""
        self._tasks.add(task)

    def discard(self, task: Task) -> None:
        """Forget a task."""
        self._tasks.discard(task)

    def watch(self, endpoint: socket, events: int, ready: Callable[[int], None]) -> None:
        """Have ``ready`` called with the events that an endpoint is ready for; zero events forget it."""
        known = self._watched.get(endpoint, 0)
        if events == known:
            return
        selector = self._ensure_selector()
        if not events:
            del self._watched[endpoint]
            selector.unregister(endpoint)
        elif known:
            selector.modify(endpoint, events, ready)
            self._watched[endpoint] = events
        else:
            selector.register(endpoint, events, ready)
            self._watched[endpoint] = events

    def pump(self) -> None:
        """Let everything move on that can without waiting."""
        if self._watched or self._soon or self._tasks:
            self._turn(0.0)

    def wait_until(self, is_done: Callable[[], bool], *, until: float | None = None) -> None:
        """Return once ``is_done`` says so, or at an instant of `time.monotonic`.

        Raises:
            Trap: Of kind ``interrupted``: the run is out of time, or is being stopped.
        """
        self.check_time()
        self.pump()
        while not is_done():
            self.check_time()
            now = time.monotonic()
            if until is not None and now >= until:
                return
            due = [task.due_at for task in self._tasks if task.due_at is not None]
            end = min([self._expires_at, *due, *([] if until is None else [until])])
            self._ensure_waker()
            if self._is_interrupted or self._soon:
                # It was said before there was somebody to wake.
                self._turn(0.0)
            else:
                self._turn(None if math.isinf(end) else max(0.0, end - now))

    def close(self) -> None:
        """Free what waiting took; nothing can be waited for any more."""
        self._tasks.clear()
        self._watched.clear()
        if self._selector is not None:
            self._selector.close()
            self._selector = None
        with self._mutex:
            waker, self._waker = self._waker, None
        if waker is not None:
            os.close(waker[0])
            os.close(waker[1])

    def _turn(self, timeout: float | None) -> None:
        if self._selector is not None:
            for key, events in self._selector.select(timeout):
                if key.data is None:
                    os.read(key.fd, 4096)
                elif isinstance(key.fileobj, socket) and key.fileobj in self._watched:
                    key.data(events)
        while self._soon:
            self._soon.popleft()()
        now = time.monotonic()
        for task in [task for task in self._tasks if task.due_at is not None and task.due_at <= now]:
            task.on_due()

    def _ensure_selector(self) -> selectors.BaseSelector:
        if self._selector is None:
            self._selector = selectors.DefaultSelector()
        return self._selector

    def _ensure_waker(self) -> None:
        if self._waker is None:
            waker = os.pipe()
            os.set_blocking(waker[1], False)
            self._ensure_selector().register(waker[0], READ, None)
            with self._mutex:
                self._waker = waker
