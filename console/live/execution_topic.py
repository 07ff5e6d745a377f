"""The page of one execution: its head, and the rows of the tab that is open."""

from __future__ import annotations

import math
import time
import zlib
from datetime import datetime
from typing import Final

from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from console.executions.detail import TABS
from console.executions.summaries import Summary, fingerprint, standing, summary_of
from console.live.messages import Sub
from console.live.topics import Cursor, Update, Waker
from console.once import once
from console.parts.events import MOST_NEW
from console.parts.finding import part_of
from console.parts.part import News, is_complete
from console.states import shown_state
from console.timeline.geometry import timeline_of
from console.timeline.snapshots import SNAPSHOTS
from console.timeline.watching import TreeWatch
from console.timeline.windows import window_of
from engine.errors import IdSyntaxError
from engine.log.ids import parse_execution_id
from executions.instants import to_micros
from executions.models import Execution
from executions.watching import CommitWatch, Watch

_TIMELINE: Final = "console_timeline"
_TREE_TABS: Final = ("console_execution", _TIMELINE)
_COMMIT_TABS: Final = ("console_logs", "console_http")
TOLD_FOR_S: Final = 4.5
"""How long what was said of an execution to which nothing is written is good for: less than pages wait for a commit."""

_HEAD_S: Final = 0.4
"""How often the head changes at most while rows go by faster than anybody reads, unless what may be done does.

At the same moments on all pages, at which a timeline follows, too: so it is made once for all of them."""


class ExecutionTopic:
    """One execution, with one tab open.

    Args:
        sub: The subscription; its view is the tab.

    Raises:
        ValueError: If it names no execution or no tab, or no window of a timeline.
    """

    def __init__(self, sub: Sub) -> None:
        try:
            self._id = parse_execution_id(sub.subject)
        except IdSyntaxError as error:
            raise ValueError(str(error)) from error
        if sub.view not in {tab.url_name for tab in TABS}:
            raise ValueError(f"there is no tab {sub.view}")
        self._tab = sub.view
        # Rows are to be there at once; how long a bar is may be told less often.
        self.interval_s = 0.2 if self._tab == _TIMELINE else 0.1
        self._tree: TreeWatch | None = None
        self._tells_again_at = 0.0
        self._asked = sub.timeline
        self._window = window_of(QueryDict(sub.timeline).dict()) if sub.timeline and sub.view in _TREE_TABS else None
        try:
            self._part = part_of(self._tab, QueryDict(sub.query), sub.keys)
        except BadRequest as error:
            raise ValueError(str(error)) from error

    @property
    def remembers(self) -> bool:
        """See `Topic`."""
        return self._part is not None and self._part.remembers

    def waker(self) -> Waker:
        """See `Topic`. Log lines move no execution on, nor do descendants; tabs that show them hear of all commits."""
        if self._tab in _COMMIT_TABS:
            return CommitWatch()
        if self._tab in _TREE_TABS:
            self._tree = TreeWatch(self._id)
            return self._tree
        return Watch(self._id)

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        size = None if self._tree is None else once("size", self._tree.look)
        window = None if hidden else self._window
        is_drawn = window is None or cursor.get("drawn") == size
        if size is not None and size == cursor.get("tree") and is_drawn and time.monotonic() < self._tells_again_at:
            # The usual case: what was committed concerns others.
            return None
        row = once("row", lambda: Execution.objects.filter(pk=self._id).first())
        if row is None:
            return Update(cursor=cursor, regions={"head": _gone(self._id), "facts": ""}, final=True)
        now = once("now", timezone.now)
        # Whoever does not look gets the rows when he does: they stay behind the cursor.
        news = None if hidden or self._part is None else self._part.news(row, cursor)
        now_at = {"over": int(is_complete(row, self._part, now)), "standing": standing(row)}
        is_flooded = self._is_flooded(news, cursor, size)
        headed = int(time.monotonic() / _HEAD_S)
        is_said = headed == cursor.get("headed") and cursor.get("standing") == now_at["standing"]
        has_head = news is None or not (is_flooded and is_said) or bool(now_at["over"])
        timeline, again_s = None, math.inf
        if has_head:
            state = fingerprint(row)
            now_at |= {"state": state, "told": self._told(row, now, cursor, state)}
            if size is not None:
                now_at["tree"] = size
        else:
            again_s = (headed + 1) * _HEAD_S - time.monotonic()
        if window is not None and not is_drawn:
            snapshot = once("snapshot", lambda: SNAPSHOTS.of(row))
            now_at["drawn"] = snapshot.tree.size
            if snapshot.tree.size != cursor.get("drawn"):
                timeline = once(window, lambda: timeline_of(snapshot, window, to_micros(now)))
            if snapshot.tree.size != size:
                # It was read a moment before, for somebody else.
                again_s = min(again_s, snapshot.pause_s)
        now_at = {**cursor, **now_at, **({} if news is None else news.cursor)}
        rows = [] if news is None else news.rows
        skipped = 0 if news is None else news.skipped
        is_behind = news is not None and news.is_behind
        if now_at == dict(cursor) and not rows:
            return None
        return Update(
            cursor={**now_at, "headed": headed},
            rows=rows,
            regions=once("regions", lambda: _regions(_summary(row, now))) if has_head else {},
            skipped=skipped,
            timeline=timeline,
            window="" if timeline is None else self._asked,
            final=bool(now_at["over"]) and not hidden and not is_behind and again_s == math.inf,
            is_behind=is_behind,
            is_flooded=is_flooded,
            again_s=again_s,
        )

    def _is_flooded(self, news: News | None, cursor: Cursor, size: int | None) -> bool:
        """Tell whether more happened since the cursor than anybody can have read."""
        if news is not None:
            return news.skipped > 0
        return size is not None and size - cursor.get("tree", size) > MOST_NEW

    def _told(self, row: Execution, now: datetime, cursor: Cursor, state: int) -> int:
        """Return a number that differs when what is said of the execution does.

        That changes without anything being written to it: locks expire, executors come and go, places become free.
        """
        if cursor.get("state") == state and "told" in cursor and time.monotonic() < self._tells_again_at:
            return cursor["told"]
        self._tells_again_at = time.monotonic() + TOLD_FOR_S
        return zlib.crc32(f"{shown_state(row, now).key} {_summary(row, now).why}".encode())


def _summary(row: Execution, now: datetime) -> Summary:
    return once("summary", lambda: summary_of(row, now))


def _regions(summary: Summary) -> dict[str, str]:
    context = {"summary": summary, "row": summary.row, "now": summary.now}
    counts = {f"count-{name}": count for name, count in summary.counts.items()}
    # The tab's title says it to whoever looks elsewhere.
    title = f"{summary.state.word}: {summary.row.ffqn.rpartition('/')[2]} · Obelisk"
    parts = {part: render_to_string(f"console/executions/{part}.html", context) for part in ("head", "facts")}
    return {"tab-title": title, **parts, **counts}


def _gone(execution_id: str) -> str:
    return render_to_string("console/executions/gone.html", {"execution_id": execution_id})
