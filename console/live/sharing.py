"""Reading once for all pages that show the same.

Fifty people who watch one execution would have it read and rendered fifty times for every commit. Here pages that want
to know the same at the same time are gathered, and read for in one go: each cursor once, and all of them as of one
instant, so that afterwards all have one cursor, and from then on one frame serves them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from weakref import WeakKeyDictionary

from django.db import connection

from console.live.reading import reading
from console.live.topics import Cursor, Update

Read = Callable[[Cursor], Update | None]

_GATHERED_S: Final = 0.005
"""How long the first page waits for others."""


def shared_reading() -> SharedReading:
    """Return that of the event loop on which it is called."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = SharedReading()
    return _of_loop[loop]


class SharedReading:
    """Gathers the pages of one event loop."""

    def __init__(self) -> None:
        self._gathering: dict[Hashable, _Gathering] = {}

    async def read(self, key: Hashable, cursor: Cursor, read: Read) -> Update | None:
        """Return what came behind a cursor; it sees all that was committed before the call.

        Args:
            key: Equal for pages to which the same cursor tells the same.
            cursor: How far the page is.
            read: Reads; that of one of the pages is called for all.

        Raises:
            DatabaseError: If the database did not answer.
        """
        gathering = self._gathering.get(key)
        if gathering is None:
            gathering = self._gathering[key] = _Gathering(read)
            gathering.task = asyncio.create_task(self._finish(key, gathering))
        place = frozenset(cursor.items())
        gathering.cursors[place] = cursor
        assert gathering.task is not None
        # Who gives up waiting does not keep it from the others.
        found = await asyncio.shield(gathering.task)
        return found[place]

    async def _finish(self, key: Hashable, gathering: _Gathering) -> Mapping[Hashable, Update | None]:
        await asyncio.sleep(_GATHERED_S)
        # Whoever comes from here on may have heard of a commit that this reading does not see.
        del self._gathering[key]
        return await reading(gathering.read_all)


class _Gathering:
    """Pages that will be read for together."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.cursors: dict[Hashable, Cursor] = {}
        self.task: asyncio.Task[Mapping[Hashable, Update | None]] | None = None

    def read_all(self) -> Mapping[Hashable, Update | None]:
        with _one_instant():
            return {place: self._read(cursor) for place, cursor in self.cursors.items()}


_of_loop: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, SharedReading]] = WeakKeyDictionary()


@contextmanager
def _one_instant() -> Iterator[None]:
    """Have all that is read meanwhile read as of one instant."""
    with connection.cursor() as cursor:
        # By hand: Django's own transactions begin as writers here (`obelisk_site.database`).
        cursor.execute("BEGIN" if connection.vendor == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
