"""Many spans of time as numbers: how many there were at a time, without looking at each of them again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol

from msgspec import Struct


class Spanning(Protocol):
    """Something with a beginning and, unless it goes on, an end; microseconds since the epoch."""

    @property
    def begin(self) -> int:
        """When it began."""
        ...

    @property
    def end(self) -> int | None:
        """When it ended; ``None`` if it goes on."""
        ...

    @property
    def is_bad(self) -> bool:
        """Whether it did not end well."""
        ...


class Bucket(Struct, frozen=True, gc=False):
    """A stretch of time.

    Args:
        begin: Where it begins, in microseconds since the epoch.
        end: Where it ends.
        alive: How many spans overlap it.
        ended: How many ended in it.
        bad: How many of these did not end well.
    """

    begin: int
    end: int
    alive: int
    ended: int
    bad: int


class Crowd:
    """Many spans. After they were sorted once, a stretch of time costs a few steps, however many they are.

    Args:
        spans: In any order.
    """

    def __init__(self, spans: Iterable[Spanning]) -> None:
        spans = list(spans)
        ended = [(end, span.begin, span.is_bad) for span in spans if (end := span.end) is not None]
        self._begins = sorted([span.begin for span in spans])
        self._ends = sorted([end for end, _, _ in ended])
        self.longest = max([end - begin for end, begin, _ in ended], default=0)
        """Microseconds of the longest span that has ended."""
        self._bad = sorted([end for end, _, is_bad in ended if is_bad])

    @property
    def bad(self) -> int:
        """How many did not end well."""
        return len(self._bad)

    @property
    def unfinished(self) -> int:
        """How many go on."""
        return len(self._begins) - len(self._ends)

    @property
    def begin(self) -> int:
        """When the first one began."""
        return self._begins[0]

    @property
    def end(self) -> int | None:
        """When the last one ended; ``None`` if one goes on."""
        return None if self.unfinished else self._ends[-1]

    def buckets(self, edges: Sequence[int]) -> list[Bucket]:
        """Return what there was between each two neighbours of a rising sequence of instants."""
        return [self._bucket(begin, end) for begin, end in pairwise(edges)]

    def _bucket(self, begin: int, end: int) -> Bucket:
        over = bisect_left(self._ends, begin)
        return Bucket(
            begin=begin,
            end=end,
            alive=bisect_left(self._begins, end) - over,
            ended=bisect_left(self._ends, end) - over,
            bad=bisect_right(self._bad, end - 1) - bisect_left(self._bad, begin),
        )
