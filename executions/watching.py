"""Following many executions, or everything, for clients that wait: one thread and one query for all.

A request that follows an execution is a coroutine in the web process's event loop and holds no thread while it waits.
The thread here hears of commits, asks for the states of all executions that somebody follows, and tells those whose
execution moved on.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Final

import structlog
from django.db import DatabaseError, connection

from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.journal.connection import DedicatedConnection, own_connection
from executions.journal.wakeups import make_change_feed
from executions.models import Execution

log = structlog.get_logger(__name__)

_RECHECK_S: Final = 1.0
"""How long to wait at most for a wake-up, which may be lost."""
_PAUSE_S: Final = 0.005
"""Between two looks, however often something is committed."""
_LINGER_S: Final = 2.0
"""How long to go on when nobody is left: the next one may come soon, and starting takes longer than looking."""
_BATCH: Final = 500
"""Executions of one query."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an execution is: differs whenever something happened to it.

    Args:
        next_version: Number of its events.
        responses: Number of its responses.
        status: What it is doing; ``None`` if it is not there any more.
    """

    next_version: int
    responses: int
    status: Status | None

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen any more."""
        return self.status is None or self.status is Status.FINISHED


GONE: Final = Progress(0, 0, None)


class Watch:
    """One client's interest in an execution; an asynchronous context manager.

    ::

        async with Watch(execution_id) as watch:
            while not (progress := await watch.next(timeout_s=15)).is_over: ...

    Args:
        execution_id: Which execution.
    """

    def __init__(self, execution_id: ExecutionId) -> None:
        self.execution_id = execution_id
        self._latest: Progress | None = None
        self._told = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> Watch:
        _WATCHER.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        _WATCHER.remove(self)

    async def next(self, *, timeout_s: float) -> Progress | None:
        """Wait until the execution has moved on since the last call, or tell at once how far it is at the first one.

        Args:
            timeout_s: Longest time to wait, in seconds.

        Returns:
            How far it is, or ``None`` if the time is over.
        """
        try:
            await asyncio.wait_for(self._told.wait(), timeout_s)
        except TimeoutError:
            return None
        self._told.clear()
        return self._latest

    def tell(self, progress: Progress) -> None:
        """Take note of how far the execution is; from the thread that looks."""
        if progress != self._latest:
            self._latest = progress
            _tell(self._told, self._loop)


class CommitWatch:
    """One client's interest in whatever is committed; an asynchronous context manager as `Watch` is.

    It says that something was, never what: whoever hears it looks at the rows.
    """

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> CommitWatch:
        _WATCHER.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        _WATCHER.remove(self)

    async def next(self, *, timeout_s: float) -> bool:
        """Wait until something was committed since the last call; tell whether it was, within the time in seconds."""
        try:
            await asyncio.wait_for(self._told.wait(), timeout_s)
        except TimeoutError:
            return False
        self._told.clear()
        return True

    def tell(self) -> None:
        """Take note of a commit; from the thread that looks."""
        _tell(self._told, self._loop)


def _tell(told: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """Wake who waits on a loop."""
    # Who was told, and has not looked since, need not be told again: that wakes the loop at each commit of a flood.
    # A loop that is closed belongs to a client that is gone.
    if not told.is_set() and not loop.is_closed():
        loop.call_soon_threadsafe(told.set)


def count_watches() -> int:
    """Return how many clients this process follows executions for."""
    return _WATCHER.count()


async def wait_until_over(execution_id: ExecutionId, *, timeout_s: float) -> bool:
    """Wait until an execution has ended, or is gone; tell whether it has within the time, in seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout_s
    async with Watch(execution_id) as watch:
        while (left := until - loop.time()) > 0:
            progress = await watch.next(timeout_s=left)
            if progress is not None and progress.is_over:
                return True
    return False


class _Watcher:
    """The thread that looks; it runs as long as there is somebody to look for, and a moment longer."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._watches: set[Watch | CommitWatch] = set()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._wanted_at = 0.0

    def add(self, watch: Watch | CommitWatch) -> None:
        with self._mutex:
            self._watches.add(watch)
            self._wake.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="execution-watcher", daemon=True)
                self._thread.start()

    def remove(self, watch: Watch | CommitWatch) -> None:
        with self._mutex:
            self._watches.discard(watch)
            self._wake.set()

    def count(self) -> int:
        with self._mutex:
            return len(self._watches)

    def _run(self) -> None:
        feed_connection = DedicatedConnection(own_connection)
        feed = make_change_feed(feed_connection)
        feed.start(self._wake.set)
        pause = threading.Event()
        try:
            while (watches := self._current()) is not None:
                # Cleared before looking, so that a change while we look is not lost.
                self._wake.clear()
                self._look([watch for watch in watches if isinstance(watch, Watch)])
                for watch in watches:
                    if isinstance(watch, CommitWatch):
                        watch.tell()
                pause.wait(_PAUSE_S)
                self._wake.wait(_RECHECK_S)
        finally:
            feed.stop()
            feed_connection.close()
            connection.close()

    def _current(self) -> list[Watch | CommitWatch] | None:
        """Return whose executions to look at, or ``None`` if there has been nobody for long."""
        with self._mutex:
            now = time.monotonic()
            if self._watches:
                self._wanted_at = now
            elif now - self._wanted_at >= _LINGER_S:
                self._thread = None
                return None
            return list(self._watches)

    def _look(self, watches: list[Watch]) -> None:
        if not watches:
            return
        try:
            found = _progress_of({watch.execution_id for watch in watches})
        except DatabaseError as error:
            log.warning("watching.database_failed", error=str(error))
            connection.close()
            return
        for watch in watches:
            watch.tell(found.get(watch.execution_id, GONE))


def _progress_of(ids: Iterable[ExecutionId]) -> dict[ExecutionId, Progress]:
    found: dict[ExecutionId, Progress] = {}
    left = iter(ids)
    while batch := list(islice(left, _BATCH)):
        rows = Execution.objects.filter(pk__in=batch).values_list(
            "execution_id", "next_version", "response_count", "status"
        )
        found.update(
            (ExecutionId(pk), Progress(version, responses, Status(status))) for pk, version, responses, status in rows
        )
    return found


_WATCHER: Final = _Watcher()
