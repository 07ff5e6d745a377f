"""Which part of an execution a tab shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from django.http import QueryDict

from console.parts.events import LATEST, EventsPart
from console.parts.http import HttpPart
from console.parts.logs import LogsPart
from console.parts.part import Part
from console.parts.responses import ResponsesPart

_MAKERS: Final[dict[str, Callable[[QueryDict, Iterable[str]], Part]]] = {
    # Its last few events.
    "console_execution": lambda _query, _keys: EventsPart(QueryDict(), most=LATEST),
    "console_events": lambda query, _keys: EventsPart(query),
    "console_logs": LogsPart,
    "console_http": HttpPart,
    "console_responses": ResponsesPart,
}


def part_of(tab: str, query: QueryDict, keys: Iterable[str] = ()) -> Part | None:
    """Return what a tab shows row by row; ``None`` for tabs that show something else.

    Args:
        tab: The tab's name in URLs.
        query: The page's query: which rows.
        keys: What the page shows already.

    Raises:
        BadRequest: If the query makes no sense.
    """
    maker = _MAKERS.get(tab)
    return None if maker is None else maker(query, keys)
