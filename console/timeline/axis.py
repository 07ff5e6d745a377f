"""Instants to places on the screen, with long stretches in which nothing was done drawn short."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

GAP_WIDTH: Final = 24.0
"""Pixels of a stretch that is drawn short."""
_GAP_SHARE: Final = 0.2
"""Idle stretches longer than this part of what is left of the window are drawn short."""
_MOST_GAPS: Final = 8
_KEPT: Final = 0.02
"""Part of the window that is kept of a gap on either side, so that nothing seems to touch it."""
_LEAST_LENGTH: Final = 20
"""Shortest window, in microseconds: the database knows nothing finer."""
_TICK_DISTANCE: Final = 88
_SECOND: Final = 1_000_000
_STEPS: Final = tuple(
    [factor * 10**power for power in range(6) for factor in (1, 2, 5)]
    + [seconds * _SECOND for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600)]
    + [half_days * 43_200 * _SECOND for half_days in (1, 2, 4, 14, 28, 60, 180, 730, 7300)]
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the axis on which time passes evenly.

    Args:
        t0: Where it begins, in microseconds.
        t1: Where it ends.
        x0: Its left edge, in pixels.
        x1: Its right edge.
        is_gap: Whether it is an idle stretch that is drawn short.
    """

    t0: int
    t1: int
    x0: float
    x1: float
    is_gap: bool


class Axis:
    """A window of time on a number of pixels.

    Args:
        begin: Left edge, in microseconds.
        end: Right edge; moved if it is less than a few microseconds behind the left one.
        width: Pixels between them.
        idle: Stretches in which nothing was done, the longest first.
    """

    def __init__(self, begin: int, end: int, *, width: float, idle: Sequence[tuple[int, int]] = ()) -> None:
        self.begin = begin
        self.end = max(end, begin + _LEAST_LENGTH)
        self.width = width
        gaps = _gaps(self.begin, self.end, idle)
        shown = self.end - self.begin - sum(t1 - t0 for t0, t1 in gaps)
        self._scale = (width - GAP_WIDTH * len(gaps)) / max(1, shown)
        self.pieces = tuple(self._pieces(gaps))
        self._begins = [piece.t0 for piece in self.pieces]

    def _pieces(self, gaps: Sequence[tuple[int, int]]) -> Iterator[Piece]:
        t, x = self.begin, 0.0
        for t0, t1 in gaps:
            at = x + (t0 - t) * self._scale
            yield Piece(t, t0, x, at, is_gap=False)
            yield Piece(t0, t1, at, at + GAP_WIDTH, is_gap=True)
            t, x = t1, at + GAP_WIDTH
        yield Piece(t, self.end, x, self.width, is_gap=False)

    def x(self, instant: int) -> float:
        """Return the place of an instant; those outside are put on the edge that they are beyond."""
        if instant <= self.begin:
            return 0.0
        if instant >= self.end:
            return self.width
        piece = self.pieces[bisect_right(self._begins, instant) - 1]
        share = (instant - piece.t0) / (piece.t1 - piece.t0)
        return piece.x0 + share * (piece.x1 - piece.x0)

    def edges(self, distance: float) -> list[int]:
        """Return instants that lie about so many pixels apart, from the left edge to the right one."""
        edges = [self.begin]
        for piece in self.pieces:
            count = max(1, round((piece.x1 - piece.x0) / distance))
            length = piece.t1 - piece.t0
            edges.extend(piece.t0 + length * number // count for number in range(1, count + 1))
        return edges

    def ticks(self, origin: int) -> list[tuple[float, str]]:
        """Return places with how long after an instant they are, such as ``1 min 40 s``."""
        step = next((step for step in _STEPS if step * self._scale >= _TICK_DISTANCE), _STEPS[-1])
        ticks: list[tuple[float, str]] = []
        behind = -float(_TICK_DISTANCE)
        for piece in self.pieces:
            if piece.is_gap:
                continue
            instant = origin - (origin - piece.t0) // step * step
            while instant <= piece.t1:
                x = self.x(instant)
                if x - behind >= _TICK_DISTANCE / 2 and x <= self.width - _TICK_DISTANCE / 4:
                    ticks.append((x, offset_label(instant - origin, step)))
                    behind = x
                instant += step
        return ticks


def _gaps(begin: int, end: int, idle: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    left = end - begin
    kept = int(left * _KEPT)
    gaps: list[tuple[int, int]] = []
    for first, last in idle:
        if last - first <= _GAP_SHARE * left or len(gaps) == _MOST_GAPS:
            break
        t0, t1 = max(first, begin) + kept, min(last, end) - kept
        if t1 - t0 > _GAP_SHARE * left:
            gaps.append((t0, t1))
            left -= t1 - t0
    return sorted(gaps)


def offset_label(micros: int, step: int) -> str:
    """Return a distance in time, as exact as a step of the axis needs."""
    if step >= 43_200 * _SECOND:
        return f"{micros / (86_400 * _SECOND):g} d"
    if step < _SECOND:
        return _fine(micros, step)
    seconds = micros // _SECOND
    parts = [(seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown) or "0 s"


def _fine(micros: int, step: int) -> str:
    if micros < 1000 and step < 1000:
        return f"{micros} µs"
    digits = 6 - len(str(step)) + 1
    if micros < _SECOND and step < _SECOND:
        return f"{micros / 1000:.{max(0, digits - 3)}f} ms"
    return f"{micros / _SECOND:.{digits}f} s"
