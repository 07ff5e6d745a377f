"""What the server tells a timeline's script: places in pixels, and instants as microseconds since the root's creation.

Such an instant is exact in JavaScript for two hundred years; no other number of the answer is ever large.
"""

from __future__ import annotations

from msgspec import Struct


class Bar(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A stretch of time on a row.

    Args:
        look: A `Phase`, or ``crowd`` for many stretches as one.
        x: Left edge.
        width: How wide it is.
        begin: When it began.
        end: When it ended, or now.
        text: More on it.
        cap: A `Cap`, if its end is in sight and worth a mark.
        goes_on: Whether it has not ended.
        count: Of a crowd: how many.
        height: Of a crowd: how much of the row's height it takes, up to 1.
        bad: How many of them did not end well; of one, whether it did not.
    """

    look: str
    x: float
    width: float
    begin: int
    end: int
    text: str = ""
    cap: str = ""
    goes_on: bool = False
    count: int = 0
    height: float = 1.0
    bad: int = 0


class Signpost(Struct, frozen=True, kw_only=True, gc=False):
    """A moment on a row; ``sign`` is a `Sign`."""

    x: float
    at: int
    sign: str
    text: str


class Badge(Struct, frozen=True, kw_only=True, gc=False):
    """A `ShownState`."""

    key: str
    word: str
    icon: str


class ShownRow(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A row in sight.

    Args:
        key: Tells it apart.
        kind: ``execution``, ``delay``, ``group`` or ``requests``.
        depth: How far below the root it is.
        is_open: Whether its children follow; left out if it has none.
        name: What it is called.
        of: More of its name, such as the package of a function.
        url: Where more is.
        links: Where its submission, response and await are told.
        state: How an execution stands.
        begin: When it began.
        end: When it ended; left out while it goes on.
        note: What there is to say in a few words.
        bars: In order.
        signs: In order.
    """

    key: str
    kind: str
    depth: int
    name: str
    begin: int
    is_open: bool | None = None
    of: str = ""
    url: str = ""
    links: str = ""
    state: Badge | None = None
    end: int | None = None
    note: str = ""
    bars: list[Bar] = []
    signs: list[Signpost] = []


class ShownPiece(Struct, frozen=True, kw_only=True, gc=False):
    """A `Piece` of the axis."""

    t0: int
    t1: int
    x0: float
    x1: float
    is_gap: bool


class Timeline(Struct, frozen=True, kw_only=True, gc=False):
    """A window of a timeline.

    Args:
        base: When the root was created, in microseconds since the epoch.
        begin: Left edge of the window.
        end: Right edge.
        limit: When the last thing happened, or now; windows end there at most.
        goes_on: Whether more will happen.
        now_x: Where the present is, if it is in the window.
        pieces: The axis, from left to right.
        ticks: Places on the axis with what stands there.
        first: Number of the first row of these.
        total: How many rows there are to scroll through.
        opened: Keys of the rows that are open.
        rows: The rows in sight.
        overview: The whole of the time, with the same axis rules, as bars.
        overview_begin: Left edge of the window there.
        overview_end: Right edge.
        overview_pieces: The axis of the overview.
        size: Counts what has happened; see `Tree.size`.
        again_ms: How long this is good for.
        notice: What is not shown, if anything.
    """

    base: int
    begin: int
    end: int
    limit: int
    goes_on: bool
    now_x: float | None
    pieces: list[ShownPiece]
    ticks: list[tuple[float, str]]
    first: int
    total: int
    opened: list[str]
    rows: list[ShownRow]
    overview: list[Bar]
    overview_begin: float
    overview_end: float
    overview_pieces: list[ShownPiece]
    size: int
    again_ms: int
    notice: str
