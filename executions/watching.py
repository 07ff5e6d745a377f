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
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from types import TracebackType
from typing import Final, Self

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
_PACE: Final = 20.0
"""Between two looks lies this many times the processor time of one, too: however many executions are followed, looking
takes no more than this part of a core in a flood of commits."""
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


class _Client:
    """Somebody on an event loop who is told of something."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    async def __aenter__(self) -> Self:
        _WATCHER.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        _WATCHER.remove(self)

    async def _is_told(self, timeout_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.told.wait()
        is_told = self.told.is_set()
        self.told.clear()
        return is_told


class Watch(_Client):
    """One client's interest in an execution; an asynchronous context manager.

    ::

        async with Watch(execution_id) as watch:
            while not (progress := await watch.next(timeout_s=15)).is_over: ...

    Args:
        execution_id: Which execution.
    """

    def __init__(self, execution_id: ExecutionId) -> None:
        super().__init__()
        self.execution_id = execution_id
        self.latest: Progress | None = None

    async def next(self, *, timeout_s: float) -> Progress | None:
        """Wait until the execution has moved on since the last call, or tell at once how far it is at the first one.

        Args:
            timeout_s: Longest time to wait, in seconds.

        Returns:
            How far it is, or ``None`` if the time is over.
        """
        return self.latest if await self._is_told(timeout_s) else None


class CommitWatch(_Client):
    """One client's interest in whatever is committed; an asynchronous context manager as `Watch` is.

    It says that something was, never what: whoever hears it looks at the rows.
    """

    async def next(self, *, timeout_s: float) -> bool:
        """Wait until something was committed since the last call; tell whether it was, within the time in seconds."""
        return await self._is_told(timeout_s)


def _tell(clients: Iterable[_Client]) -> None:
    """Wake clients, those of one loop together; from the thread that looks."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Event]] = {}
    for client in clients:
        # Who was told, and has not looked since, need not be told again: that wakes the loop at each commit of a flood.
        if not client.told.is_set():
            loops.setdefault(client.loop, []).append(client.told)
    for loop, events in loops.items():
        # A loop that is closed belongs to clients that are gone.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_set_all, events)


def _set_all(events: Iterable[asyncio.Event]) -> None:
    for event in events:
        event.set()


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
        self._clients: set[_Client] = set()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._wanted_at = 0.0

    def add(self, client: _Client) -> None:
        with self._mutex:
            self._clients.add(client)
            self._wake.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="execution-watcher", daemon=True)
                self._thread.start()

    def remove(self, client: _Client) -> None:
        with self._mutex:
            self._clients.discard(client)
            self._wake.set()

    def count(self) -> int:
        with self._mutex:
            return len(self._clients)

    def _run(self) -> None:
        feed_connection = DedicatedConnection(own_connection)
        feed = make_change_feed(feed_connection, shortest=timedelta(seconds=_PAUSE_S))
        feed.start(self._wake.set)
        pause = threading.Event()
        try:
            while (clients := self._current()) is not None:
                # Cleared before looking, so that a change while we look is not lost.
                self._wake.clear()
                begun = time.thread_time()
                moved = self._look([client for client in clients if isinstance(client, Watch)])
                _tell([*moved, *(client for client in clients if isinstance(client, CommitWatch))])
                pause.wait(max(_PAUSE_S, (time.thread_time() - begun) * _PACE))
                self._wake.wait(_RECHECK_S)
        finally:
            feed.stop()
            feed_connection.close()
            connection.close()

    def _current(self) -> list[_Client] | None:
        """Return whose executions to look at, or ``None`` if there has been nobody for long."""
        with self._mutex:
            now = time.monotonic()
            if self._clients:
                self._wanted_at = now
            elif now - self._wanted_at >= _LINGER_S:
                self._thread = None
                return None
            return list(self._clients)

    def _look(self, watches: list[Watch]) -> list[Watch]:
        """Return those whose execution has moved on."""
        if not watches:
            return []
        try:
            found = _progress_of({watch.execution_id for watch in watches})
        except DatabaseError as error:
            log.warning("watching.database_failed", error=str(error))
            connection.close()
            return []
        moved = []
        for watch in watches:
            progress = found.get(watch.execution_id, GONE)
            if progress != watch.latest:
                watch.latest = progress
                moved.append(watch)
        return moved


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
