"""When a page with a timeline is to look again: whatever in the tree moved, not only its root."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Final
from weakref import WeakValueDictionary

from console.timeline.tree_reading import size_of
from executions.watching import CommitWatch

_PACE: Final = 10.0
"""Between two looks at a tree lies this many times as long as one takes: it may be a large one."""


class TreeWatch:
    """One page's interest in a tree; an asynchronous context manager as `CommitWatch` is.

    It says that something was committed, at a pace that looking can keep up with, never what.

    Args:
        root_id: The execution.
    """

    def __init__(self, root_id: str) -> None:
        self._root_id = root_id
        self._commits = CommitWatch()
        self._pace = _paces.setdefault(root_id, _Pace())

    def look(self) -> int:
        """Return how much has happened in the tree so far (`Tree.size`)."""
        begun = time.monotonic()
        size = size_of(self._root_id)
        self._pace.looked(begun, time.monotonic())
        return size

    async def __aenter__(self) -> TreeWatch:
        await self._commits.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._commits.__aexit__(kind, value, trace)

    async def next(self, *, timeout_s: float) -> bool:
        """Wait until something was committed since the last call; tell whether it was, within the time in seconds."""
        told = await self._commits.next(timeout_s=timeout_s)
        # The rest of a burst of commits is seen with its first one.
        await asyncio.sleep(self._pace.next_at - time.monotonic())
        return told


class _Pace:
    """When to look at one tree again, for all pages that show it: one of them looks for all."""

    def __init__(self) -> None:
        self.next_at = 0.0

    def looked(self, begun: float, ended: float) -> None:
        self.next_at = ended + (ended - begun) * _PACE


_paces: Final[WeakValueDictionary[str, _Pace]] = WeakValueDictionary()
