"""What the executor's modules get in the place of threads, time and randomness while a simulation runs."""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from queue import Empty
from types import SimpleNamespace, TracebackType
from typing import Any

from engine.simulation.seeded.tasks import Group, Scheduler, Task

_PACKAGE = "engine.executor."
_STALL = 0.02
"""How often a thread is overtaken by others when it is about to take a lock."""


class Lock:
    """`threading.Lock`.

    Args:
        scheduler: Has the tasks that wait.
        chance: Decides who is overtaken.
    """

    __slots__ = ("_chance", "_is_taken", "_scheduler", "_waiting")

    def __init__(self, scheduler: Scheduler, chance: random.Random) -> None:
        self._scheduler = scheduler
        self._chance = chance
        self._is_taken = False
        self._waiting: deque[Task] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002  # as in the library
        """See the library."""
        if not self._is_taken and self._chance.random() >= _STALL:
            self._is_taken = True
            return True
        scheduler = self._scheduler
        if scheduler.is_condemned:
            # Who unwinds must get out, whoever has it.
            self._is_taken = True
            return True
        if blocking:
            scheduler.pause()
        until = None if timeout < 0 else scheduler.now_s + timeout
        while self.locked():
            if not blocking or (until is not None and scheduler.now_s >= until):
                return False
            task = scheduler.current
            self._waiting.append(task)
            try:
                scheduler.block(None if until is None else until - scheduler.now_s)
            finally:
                self._leave_queue(task)
        self._is_taken = True
        return True

    def release(self) -> None:
        """See the library."""
        self._is_taken = False
        self._wake_next()

    def _leave_queue(self, task: Task) -> None:
        self._waiting.remove(task)
        if task.is_condemned and not self._is_taken:
            # It may have been this one's turn.
            self._wake_next()

    def _wake_next(self) -> None:
        if self._waiting:
            self._scheduler.wake(self._waiting[0])

    def locked(self) -> bool:
        """See the library."""
        return self._is_taken

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


class _Waitable:
    """Something that tasks wait for."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: list[Task] = []

    def _block(self, timeout_s: float | None) -> bool:
        task = self._scheduler.current
        self._waiting.append(task)
        try:
            return self._scheduler.block(timeout_s)
        finally:
            if task in self._waiting:
                self._waiting.remove(task)

    def _wake(self, most: int | None = None) -> None:
        woken, self._waiting = self._waiting[:most], self._waiting[len(self._waiting[:most]) :]
        for task in woken:
            self._scheduler.wake(task)


class Event(_Waitable):
    """`threading.Event`."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(scheduler)
        self._is_set = False

    def is_set(self) -> bool:
        """See the library."""
        return self._is_set

    def set(self) -> None:
        """See the library."""
        self._is_set = True
        self._wake()

    def clear(self) -> None:
        """See the library."""
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        """See the library."""
        return self._is_set or self._block(timeout)


class Condition(_Waitable):
    """`threading.Condition`."""

    def __init__(self, scheduler: Scheduler, chance: random.Random, lock: Lock | None = None) -> None:
        super().__init__(scheduler)
        self._lock = lock or Lock(scheduler, chance)

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """See the library."""
        self._lock.release()
        try:
            return self._block(timeout)
        finally:
            self._lock.acquire()

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """See the library."""
        until = None if timeout is None else self._scheduler.now_s + timeout
        while not predicate():
            if until is None:
                self.wait()
            elif self._scheduler.now_s >= until:
                return False
            else:
                self.wait(until - self._scheduler.now_s)
        return True

    def notify(self, n: int = 1) -> None:
        """See the library."""
        self._wake(n)

    def notify_all(self) -> None:
        """See the library."""
        self._wake()


class Semaphore(_Waitable):
    """`threading.Semaphore`."""

    def __init__(self, scheduler: Scheduler, value: int = 1) -> None:
        super().__init__(scheduler)
        self._value = value

    def acquire(self) -> bool:
        """See the library."""
        while self._value <= 0:
            self._block(None)
        self._value -= 1
        return True

    def release(self) -> None:
        """See the library."""
        self._value += 1
        self._wake(1)


class SimpleQueue(_Waitable):
    """`queue.SimpleQueue`."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(scheduler)
        self._items: deque[Any] = deque()

    def put(self, item: object) -> None:
        """See the library."""
        self._items.append(item)
        self._wake(1)

    def get(self, timeout: float | None = None) -> Any:
        """See the library."""
        until = None if timeout is None else self._scheduler.now_s + timeout
        while not self._items:
            if until is not None and self._scheduler.now_s >= until:
                raise Empty
            self._block(None if until is None else until - self._scheduler.now_s)
        return self._items.popleft()


class Thread:
    """`threading.Thread`; it belongs to the process of whoever makes it."""

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        target: Callable[..., None],
        args: Sequence[Any] = (),
        name: str = "thread",
        daemon: bool = False,
        group: Group | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._group = group or scheduler.current.group
        self._body = partial(target, *args)
        self._name = name
        self.daemon = daemon
        self._task: Task | None = None

    def start(self) -> None:
        """See the library."""
        self._task = self._scheduler.start(self._body, name=self._name, group=self._group)

    def is_alive(self) -> bool:
        """See the library."""
        return self._task is not None and not self._task.is_done

    def join(self) -> None:
        """See the library."""
        task = self._task
        assert task is not None, "it was not started"
        while not task.is_done:
            task.joiners.append(self._scheduler.current)
            self._scheduler.block(None)


class Timer:
    """`threading.Timer`."""

    def __init__(self, scheduler: Scheduler, interval: float, function: Callable[[], None]) -> None:
        self._is_cancelled = False

        def ring() -> None:
            scheduler.sleep(interval)
            if not self._is_cancelled:
                function()

        self._thread = Thread(scheduler, target=ring, name="timer")

    def start(self) -> None:
        """See the library."""
        self._thread.start()

    def cancel(self) -> None:
        """See the library."""
        self._is_cancelled = True


class ThreadPoolExecutor:
    """`concurrent.futures.ThreadPoolExecutor`, without futures."""

    def __init__(self, scheduler: Scheduler, max_workers: int, thread_name_prefix: str = "pool") -> None:
        self._scheduler = scheduler
        self._group = scheduler.current.group
        self._max_workers = max_workers
        self._name = thread_name_prefix
        self._waiting: deque[Callable[[], None]] = deque()
        self._workers: list[Thread] = []

    def submit(self, function: Callable[..., None], /, *args: Any) -> None:
        """See the library."""
        self._waiting.append(partial(function, *args))
        self._workers = [worker for worker in self._workers if worker.is_alive()]
        if len(self._workers) < self._max_workers:
            worker = Thread(self._scheduler, target=self._work, name=self._name, group=self._group)
            self._workers.append(worker)
            worker.start()

    def shutdown(self, *, wait: bool = True) -> None:
        """See the library."""
        for worker in self._workers if wait else ():
            worker.join()

    def _work(self) -> None:
        while self._waiting:
            self._waiting.popleft()()


class Log:
    """A logger of structlog's.

    Args:
        hear: Is told level, event and data.
    """

    def __init__(self, hear: Callable[[str, str, dict[str, Any]], None]) -> None:
        self.debug = partial(self._say, "debug")
        self.info = partial(self._say, "info")
        self.warning = partial(self._say, "warning")
        self.error = partial(self._say, "error")
        self.exception = partial(self._say, "error")
        self._hear = hear

    def _say(self, level: str, event: str, **data: Any) -> None:
        self._hear(level, event, data)


@contextmanager
def substituted(scheduler: Scheduler, chance: random.Random, log: Log) -> Iterator[None]:
    """Have the executor's modules use these instead of the library's; what they make in the meantime goes on doing so.

    Args:
        scheduler: Has the tasks.
        chance: The source of randomness.
        log: Hears what executors log.
    """
    pool = partial(ThreadPoolExecutor, scheduler)
    simple_queue = partial(SimpleQueue, scheduler)
    stand_ins: dict[str, object] = {
        "threading": SimpleNamespace(
            Lock=partial(Lock, scheduler, chance),
            Event=partial(Event, scheduler),
            Condition=partial(Condition, scheduler, chance),
            Semaphore=partial(Semaphore, scheduler),
            Thread=partial(Thread, scheduler),
            Timer=partial(Timer, scheduler),
        ),
        "time": SimpleNamespace(**dict.fromkeys(("monotonic", "perf_counter", "thread_time"), lambda: scheduler.now_s)),
        "os": SimpleNamespace(urandom=chance.randbytes),
        "queue": SimpleNamespace(SimpleQueue=simple_queue, Empty=Empty),
        "SimpleQueue": simple_queue,
        "ThreadPoolExecutor": pool,
        "log": log,
    }
    replaced = [
        (module, name, vars(module)[name])
        for module_name, module in list(sys.modules.items())
        if module_name.startswith(_PACKAGE)
        for name in stand_ins
        if name in vars(module)
    ]
    for module, name, _ in replaced:
        setattr(module, name, stand_ins[name])
    try:
        yield
    finally:
        for module, name, original in replaced:
            setattr(module, name, original)
