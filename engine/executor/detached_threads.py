"""Threads for work that nobody can stop: whoever waits for it may go away, and so may the process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

_IDLE_S = 60.0

Task = Callable[[], None]
"""Work; it must not raise."""


class DetachedThreads:
    """Runs each task on a thread that has nothing else to do; threads are kept for a while for the next task.

    Unlike those of a pool of the standard library, they do not keep the process from ending.

    Args:
        on_end: Called on a thread that ends.
    """

    def __init__(self, on_end: Callable[[], None] = lambda: None) -> None:
        self._on_end = on_end
        self._mutex = threading.Lock()
        self._idle: list[queue.SimpleQueue[Task | None]] = []
        self._is_closed = False

    def start(self, task: Task) -> None:
        """Begin a task at once."""
        with self._mutex:
            # The one that became idle last: the others are left to end.
            inbox = self._idle.pop() if self._idle else None
        if inbox is not None:
            inbox.put(task)
            return
        inbox = queue.SimpleQueue()
        inbox.put(task)
        threading.Thread(target=self._work, args=(inbox,), name="host function", daemon=True).start()

    def close(self) -> None:
        """End the threads that have nothing to do; the others end after their task."""
        with self._mutex:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for inbox in idle:
            inbox.put(None)

    def _work(self, inbox: queue.SimpleQueue[Task | None]) -> None:
        try:
            while (task := self._next(inbox)) is not None:
                task()
                # What it referred to must not live until the next one.
                del task
                with self._mutex:
                    if self._is_closed:
                        return
                    self._idle.append(inbox)
        finally:
            self._on_end()

    def _next(self, inbox: queue.SimpleQueue[Task | None]) -> Task | None:
        try:
            return inbox.get(timeout=_IDLE_S)
        except queue.Empty:
            with self._mutex:
                if inbox in self._idle:
                    self._idle.remove(inbox)
                    return None
            # Somebody took it from the idle ones a moment ago.
            return inbox.get()
