"""Reading once for all pages that show the same.

Fifty people who watch one execution would have it read and rendered fifty times for every commit. Here pages that want
to know of one thing at the same time are gathered, and read for in one go: each cursor once, and all of them as of one
instant, so that afterwards all have one cursor, and from then on one frame serves them all. What pages of different
kinds have in common, such as the head of an execution, is made for all of them (`console.once`).
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
from console.once import made_once

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

    async def read(self, about: Hashable, view: Hashable, cursor: Cursor, read: Read) -> Update | None:
        """Return what came behind a cursor; it sees all that was committed before the call.

        Args:
            about: Equal for pages that are gathered: they are about the same thing, and may see the same of it.
            view: Equal for those of them to which the same cursor tells the same.
            cursor: How far the page is.
            read: Reads; that of one of the pages is called for all.

        Raises:
            DatabaseError: If the database did not answer.
        """
        gathering = self._gathering.get(about)
        if gathering is None:
            gathering = self._gathering[about] = _Gathering()
            gathering.task = asyncio.create_task(self._finish(about, gathering))
        place = (view, frozenset(cursor.items()))
        gathering.wanted.setdefault(place, (read, cursor))
        assert gathering.task is not None
        # Who gives up waiting does not keep it from the others.
        found = await asyncio.shield(gathering.task)
        return found[place]

    async def _finish(self, about: Hashable, gathering: _Gathering) -> Mapping[Hashable, Update | None]:
        await asyncio.sleep(_GATHERED_S)
        # Whoever comes from here on may have heard of a commit that this reading does not see.
        del self._gathering[about]
        return await reading(gathering.read_all)


class _Gathering:
    """Pages that will be read for together."""

    def __init__(self) -> None:
        self.wanted: dict[Hashable, tuple[Read, Cursor]] = {}
        self.task: asyncio.Task[Mapping[Hashable, Update | None]] | None = None

    def read_all(self) -> Mapping[Hashable, Update | None]:
        with _one_instant(), made_once():
            return {place: read(cursor) for place, (read, cursor) in self.wanted.items()}


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
