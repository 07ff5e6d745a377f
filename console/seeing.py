"""What may be shown of values, while a page or a frame is being made.

Values become HTML and words in many places, deep below the view that knows who asks. So whoever makes a page says it
once, around all of the making (`ConsoleSite.admin_view`, `console.live.consumer`), and whatever writes a value asks
here. Where nobody said anything, nothing is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from urllib.parse import urlsplit

from console.visible import visible
from executions.access.scopes import Insight

NOTHING: Final[frozenset[Insight]] = frozenset()

_shown: ContextVar[frozenset[Insight]] = ContextVar("console_shown", default=NOTHING)


@contextmanager
def showing(insights: frozenset[Insight]) -> Iterator[None]:
    """Have values and source shown meanwhile, as far as these allow it."""
    token = _shown.set(insights)
    try:
        yield
    finally:
        _shown.reset(token)


def shows(insight: Insight) -> bool:
    """Tell whether the page or frame that is being made may show a part of what there is."""
    return insight in _shown.get()


def payload(text: str) -> str:
    """Return text that may hold values, inert; or only how long it is, if values are not shown."""
    return visible(text) if shows(Insight.PAYLOAD) else f"text of {_size(text)}"


def payload_url(url: str) -> str:
    """Return a URL, inert; or only where it leads, if values are not shown: paths and queries are made of them."""
    if shows(Insight.PAYLOAD):
        return visible(url)
    parts = urlsplit(url)
    return visible(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…")


def payload_about(value: str) -> str:
    """Return the type and the size of a value, given as JSON text; numbers, and true and false, say no size."""
    match json.loads(value, parse_int=str, parse_float=str, parse_constant=str):
        case dict():
            return f"object of {_size(value)}"
        case list():
            return f"list of {_size(value)}"
        case bool():
            return "boolean"
        case None:
            return "null"
        case str() if value.lstrip().startswith('"'):
            return f"string of {_size(value)}"
        case _:
            return "number"


def _size(text: str) -> str:
    count = len(text.encode())
    return f"{count:,} byte{'' if count == 1 else 's'}"
