"""What pages can be live about: each topic reads what came behind a cursor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Any, Protocol

from django.utils import timezone

from console.live.messages import Frame, Row, Sub, write_message
from console.timeline.answer import Timeline

Cursor = Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Update:
    """What is new on a page; see `console.live.messages.Frame`.

    Args:
        is_behind: Whether there is more already, for the next frame.
        is_flooded: Whether more happens than anybody can read; then the next frame may take twice as long.
        again_s: After how many seconds to look again at the latest, although nobody says that something happened.
    """

    cursor: Cursor
    rows: list[Row] = field(default_factory=list)
    regions: dict[str, str] = field(default_factory=dict)
    skipped: int = 0
    timeline: Timeline | None = None
    window: str = ""
    final: bool = False
    is_behind: bool = False
    is_flooded: bool = False
    again_s: float = math.inf

    @cached_property
    def frame(self) -> str:
        """The frame that tells it, for all pages that are told: it is written once."""
        return write_message(
            Frame(
                now=timezone.now(),
                cursor=dict(self.cursor),
                rows=self.rows,
                regions=self.regions,
                skipped=self.skipped,
                timeline=self.timeline,
                window=self.window,
                final=self.final,
            )
        )


class Waker(Protocol):
    """Tells when to look; an asynchronous context manager."""

    async def __aenter__(self) -> Any: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def next(self, *, timeout_s: float) -> object:
        """Wait for a hint; falsy if the time is over."""
        ...


class Topic(Protocol):
    """What one page is live about.

    Attributes:
        interval_s: Least time between frames.
        remembers: Whether it remembers what its own page shows. If not, what it reads depends on the subscription and
            the cursor alone, so that it can be read for all pages that have the same (`console.live.sharing`).
    """

    interval_s: float

    @property
    def remembers(self) -> bool:
        """See above."""
        ...

    def waker(self) -> Waker:
        """Return what tells when to look; called on the event loop."""
        ...

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """Return what came behind a cursor, or ``None`` if nothing did; called on a thread that may read the database.

        Args:
            cursor: How far the page is.
            hidden: Whether nobody looks: only what the tab's title shows matters then.
        """
        ...


TopicMaker = Callable[[Sub], Topic]
"""Raises `ValueError` if a subscription makes no sense."""
