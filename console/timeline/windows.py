"""What a timeline's script asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

MOST_ROWS: Final = 80
MOST_OPEN_CHARACTERS: Final = 8000

_Instant = Annotated[int, Meta(ge=0, le=2**53)]


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a timeline.

    Args:
        begin: Left edge, in microseconds since the root's creation; the very beginning if left out.
        end: Right edge; now, or the very end, if left out.
        width: Pixels.
        first: Number of the first row.
        rows: How many rows.
        open: Keys of open rows, separated by spaces.
        chosen: Whether somebody chose these: if not, more open by themselves.
    """

    begin: _Instant | None = None
    end: _Instant | None = None
    width: Annotated[int, Meta(ge=50, le=8000)] = 800
    first: Annotated[int, Meta(ge=0, le=10**7)] = 0
    rows: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 40
    open: Annotated[str, Meta(max_length=MOST_OPEN_CHARACTERS)] = ""
    chosen: bool = False

    @property
    def opened(self) -> set[str]:
        """Keys of open rows."""
        return set(self.open.split())


def window_of(query: Mapping[str, str]) -> Window:
    """Return the window that the query of an address means.

    Raises:
        msgspec.ValidationError: If it makes no sense; says what.
    """
    return msgspec.convert(dict(query), Window, strict=False)
