"""A window of a timeline, from the tree and what happened to the rows in sight."""

from __future__ import annotations

import math
from typing import Final

from console.once import once
from console.timeline.answer import ShownPiece, Timeline
from console.timeline.axis import Axis
from console.timeline.bars import crowd_bars
from console.timeline.row_faces import Sight, face_of
from console.timeline.row_reading import facts_of
from console.timeline.rows import opened_by_itself
from console.timeline.snapshots import Snapshot
from console.timeline.tree_reading import MOST_NODES
from console.timeline.windows import Window

_OVERVIEW_BARS: Final = 160
_ROOM: Final = 0.01
"""Part of the time that is left empty at the right end, for marks."""


def timeline_of(snapshot: Snapshot, window: Window, now: int) -> Timeline:
    """Return what there is to see in a window.

    Args:
        snapshot: The tree.
        window: What is asked for.
        now: The present instant, in microseconds since the epoch.
    """
    tree = snapshot.tree
    origin = tree.root.created_at
    goes_on = tree.over_since is None
    end_of_all = max(tree.end, now) if goes_on else tree.end
    limit = end_of_all + max(20, int((end_of_all - origin) * _ROOM))
    begin = origin if window.begin is None else min(origin + window.begin, limit)
    end = limit if window.end is None else min(origin + window.end, limit)
    axis = Axis(begin, end, width=window.width, idle=snapshot.idle)
    whole = Axis(origin, limit, width=window.width, idle=snapshot.idle)

    opened = window.opened if window.chosen else opened_by_itself(tree, window.opened)
    rows = snapshot.unfolded.rows(opened)
    first = max(0, min(window.first, len(rows) - 1))
    shown = rows[first : first + window.rows]
    # Windows that differ in width alone tell the same.
    told = (axis.begin, axis.end, tuple(row.key for row in shown))
    facts = once(told, lambda: facts_of(shown, tree, begin=axis.begin, end=axis.end))
    sight = Sight(axis=axis, origin=origin, now=now, facts=facts)
    return Timeline(
        base=origin,
        begin=axis.begin - origin,
        end=axis.end - origin,
        limit=limit - origin,
        goes_on=goes_on,
        now_x=round(axis.x(now), 2) if goes_on and axis.begin <= now <= axis.end else None,
        pieces=_pieces(axis, origin),
        ticks=axis.ticks(origin),
        first=first,
        total=len(rows),
        opened=sorted(opened),
        rows=[face_of(row, sight) for row in shown],
        overview=crowd_bars(tree.crowd, whole, origin=origin, now=now, most=_OVERVIEW_BARS),
        overview_begin=round(whole.x(axis.begin), 2),
        overview_end=round(whole.x(axis.end), 2),
        overview_pieces=_pieces(whole, origin),
        size=tree.size,
        again_ms=math.ceil(snapshot.pause_s * 1000),
        notice=f"Only the first {MOST_NODES:,} executions below this one are shown." if tree.is_cut else "",
    )


def _pieces(axis: Axis, origin: int) -> list[ShownPiece]:
    return [
        ShownPiece(t0=each.t0 - origin, t1=each.t1 - origin, x0=each.x0, x1=each.x1, is_gap=each.is_gap)
        for each in axis.pieces
    ]
