"""Windows of rows that are in order of a number: a bounded part of however many there are, found by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import QueryDict

FIRST: Final = 160
"""Rows of a page's first window: what is in sight, and some to either side."""
MOST: Final = 200
"""Rows of one answer."""
SPAN: Final = 20_000
"""Rows that one answer looks through for those that match a filter."""
_LONGEST_NUMBER: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which rows of all: the newest, unless one of the numbers says otherwise.

    Args:
        before: Those before this one.
        after: Those after this one.
        around: Those around this one.
        length: Most rows.
    """

    before: int | None = None
    after: int | None = None
    around: int | None = None
    length: int = FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Some of the rows, by their numbers.

    Args:
        numbers: In order.
        older: Before which one there may be more; ``None`` if there are none.
        newer: After which one there may be more; ``None`` if there are none.
    """

    numbers: list[int]
    older: int | None = None
    newer: int | None = None


def number_of(query: QueryDict, name: str) -> int | None:
    """Return a number of an address; ``None`` if it is not there.

    Raises:
        BadRequest: If it is none.
    """
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise BadRequest(f"{name} has to be a number of at most {_LONGEST_NUMBER} digits.")
    return int(text)


def place_of(query: QueryDict) -> Place:
    """Return the place that an address asks for.

    Raises:
        BadRequest: If a number is none.
    """
    return Place(
        before=number_of(query, "before"),
        after=number_of(query, "after"),
        around=number_of(query, "around"),
        length=max(1, min(MOST, number_of(query, "length") or FIRST)),
    )


def window_of(every: QuerySet[Any], matching: QuerySet[Any] | None, column: str, place: Place) -> Window:
    """Return a window of rows.

    Args:
        every: All rows.
        matching: Those of them that are asked for; ``None`` for all. They are looked for among `SPAN` rows, and the
            window then says where to go on.
        column: The number.
        place: Which of them.
    """
    look = _Look(every, matching, column)
    if place.after is not None:
        return look.newer(place.after, place.length)
    if place.around is None:
        return look.older(place.before, place.length)
    behind = look.newer(place.around - 1, place.length - place.length // 3)
    before = look.older(place.around, place.length - len(behind.numbers))
    return Window(numbers=before.numbers + behind.numbers, older=before.older, newer=behind.newer)


@dataclass(frozen=True, slots=True)
class _Look:
    every: QuerySet[Any]
    matching: QuerySet[Any] | None
    column: str

    def older(self, before: int | None, length: int) -> Window:
        bound = {} if before is None else {f"{self.column}__lt": before}
        numbers, more, end = self._read(bound, f"-{self.column}", "gt", length)
        go_on = numbers[-1] if more else None if end is None else end + 1
        return Window(numbers=numbers[::-1], older=go_on, newer=None if before is None else before - 1)

    def newer(self, after: int, length: int) -> Window:
        numbers, more, end = self._read({f"{self.column}__gt": after}, self.column, "lt", length)
        go_on = numbers[-1] if more else None if end is None else end - 1
        return Window(numbers=numbers, older=after + 1, newer=go_on)

    def _read(self, bound: dict[str, int], order: str, side: str, length: int) -> tuple[list[int], bool, int | None]:
        """Return numbers in an order, whether there are more, and the row at which the search for them ended."""
        end: int | None = None
        rows = self.every.filter(**bound)
        if self.matching is not None:
            end = rows.order_by(order).values_list(self.column, flat=True)[SPAN : SPAN + 1].first()
            rows = self.matching.filter(**bound)
            if end is not None:
                rows = rows.filter(**{f"{self.column}__{side}": end})
        found = list(rows.order_by(order).values_list(self.column, flat=True)[: length + 1])
        return found[:length], len(found) > length, end
