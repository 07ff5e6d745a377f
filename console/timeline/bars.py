"""Stretches of time as bars: those too narrow to be told apart become one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from console.timeline.answer import Bar
from console.timeline.axis import Axis
from console.timeline.crowds import Crowd
from console.timeline.phases import Phase, Span

MOST_BARS: Final = 100
"""Of one row."""
_LEAST_WIDTH: Final = 2.0
_BUCKET_WIDTH: Final = 6.0
CROWD: Final = "crowd"


def bars_of(spans: Sequence[Span], axis: Axis, *, origin: int) -> list[Bar]:
    """Return the bars of a row.

    Args:
        spans: In the order of their beginnings.
        axis: The window.
        origin: What instants of the answer count from.
    """
    placed = [(axis.x(span.begin), axis.x(span.end), span) for span in spans if _is_in(span, axis)]
    width = _LEAST_WIDTH
    while True:
        bars = _merged(placed, axis, origin, width)
        if len(bars) <= MOST_BARS:
            return bars
        width *= 2


def _is_in(span: Span, axis: Axis) -> bool:
    return span.end >= axis.begin and span.begin <= axis.end


def _merged(placed: Sequence[tuple[float, float, Span]], axis: Axis, origin: int, width: float) -> list[Bar]:
    bars: list[Bar] = []
    narrow: list[tuple[float, float, Span]] = []
    for x0, x1, span in placed:
        is_narrow = x1 - x0 < width
        if narrow and not (is_narrow and x1 - narrow[0][0] < width):
            bars.append(_together(narrow, axis, origin))
            narrow = []
        if is_narrow:
            narrow.append((x0, x1, span))
        else:
            bars.append(_bar(x0, x1, span, axis, origin))
    if narrow:
        bars.append(_together(narrow, axis, origin))
    return bars


def _together(narrow: Sequence[tuple[float, float, Span]], axis: Axis, origin: int) -> Bar:
    x0, _, first = narrow[0]
    x1 = max(x for _, x, _ in narrow)
    last = narrow[-1][2]
    shown = [each for each in narrow if each[2].phase is not Phase.QUEUED or each[2].cap is not None] or narrow
    if len(shown) == 1:
        return _bar(shown[0][0], shown[0][1], shown[0][2], axis, origin)
    return Bar(
        look=CROWD,
        x=_round(x0),
        width=_round(max(x1 - x0, 1.0)),
        begin=first.begin - origin,
        end=max(span.end for _, _, span in narrow) - origin,
        cap="" if last.cap is None else last.cap.value,
        goes_on=last.goes_on,
        count=len(narrow),
        bad=sum(span.is_bad for _, _, span in narrow),
    )


def _bar(x0: float, x1: float, span: Span, axis: Axis, origin: int) -> Bar:
    return Bar(
        look=span.phase.value,
        x=_round(x0),
        width=_round(max(x1 - x0, 1.0)),
        begin=span.begin - origin,
        end=span.end - origin,
        text=span.text,
        cap="" if span.cap is None or span.end > axis.end else span.cap.value,
        goes_on=span.goes_on,
        bad=int(span.is_bad),
    )


def crowd_bars(crowd: Crowd, axis: Axis, *, origin: int, now: int, most: int = MOST_BARS) -> list[Bar]:
    """Return many spans as blocks: the higher, the more there were at a time.

    Args:
        crowd: The spans.
        axis: The window.
        origin: What instants of the answer count from.
        now: The present instant; nothing is shown behind it.
        most: How many blocks at most.
    """
    buckets = crowd.buckets(axis.edges(max(_BUCKET_WIDTH, axis.width / most * 1.25)))
    highest = max((bucket.alive for bucket in buckets), default=0)
    return [
        Bar(
            look=CROWD,
            x=_round(axis.x(bucket.begin)),
            width=_round(axis.x(bucket.end) - axis.x(bucket.begin)),
            begin=bucket.begin - origin,
            end=bucket.end - origin,
            count=bucket.alive,
            height=_round(bucket.alive / highest),
            bad=bucket.bad,
        )
        for bucket in buckets
        if bucket.alive and bucket.begin < now
    ]


def density_bars(samples: Sequence[tuple[int, int]], axis: Axis, *, origin: int) -> list[Bar]:
    """Return a long log as blocks: the higher, the more events were written in a time.

    Args:
        samples: Some of its events in order, as instant and version.
        axis: The window.
        origin: What instants of the answer count from.
    """
    stretches = [(t0, t1, v1 - v0) for (t0, v0), (t1, v1) in pairwise(samples) if t1 > axis.begin and t0 < axis.end]
    rates = [count / max(1, t1 - t0) for t0, t1, count in stretches]
    highest = max(rates, default=1.0)
    return [
        Bar(
            look=CROWD,
            x=_round(axis.x(t0)),
            width=_round(max(axis.x(t1) - axis.x(t0), 1.0)),
            begin=t0 - origin,
            end=t1 - origin,
            text=f"{count:,} events",
            count=count,
            height=_round(max(0.15, (rate / highest) ** 0.5)),
        )
        for (t0, t1, count), rate in zip(stretches, rates, strict=True)
    ]


def _round(pixels: float) -> float:
    return round(pixels, 2)
