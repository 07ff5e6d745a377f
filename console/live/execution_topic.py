"""The page of one execution: its head, and the rows of the tab that is open."""

from __future__ import annotations

import zlib
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils import timezone

from console.executions.detail import TABS
from console.executions.event_words import event_line
from console.executions.summaries import Summary, summary_of
from console.live.messages import Row, Sub
from console.live.topics import Cursor, Update, Waker
from console.timeline.watching import TreeWatch
from engine.errors import IdSyntaxError
from engine.log.ids import parse_execution_id
from engine.log.state import Status
from executions.models import Execution, LogLine
from executions.watching import CommitWatch, Watch

_MOST_ROWS: Final = 200
_EVENT_TABS: Final = ("console_execution", "console_events")
_TREE_TABS: Final = ("console_execution", "console_timeline")


class ExecutionTopic:
    """One execution, with one tab open.

    Args:
        sub: The subscription; its view is the tab.

    Raises:
        ValueError: If it names no execution or no tab.
    """

    interval_s = 0.1

    def __init__(self, sub: Sub) -> None:
        try:
            self._id = parse_execution_id(sub.subject)
        except IdSyntaxError as error:
            raise ValueError(str(error)) from error
        if sub.view not in {tab.url_name for tab in TABS}:
            raise ValueError(f"there is no tab {sub.view}")
        self._tab = sub.view
        self._tree: TreeWatch | None = None

    def waker(self) -> Waker:
        """See `Topic`. Log lines move no execution on, nor do descendants; tabs that show them hear of all commits."""
        if self._tab == "console_logs":
            return CommitWatch()
        if self._tab in _TREE_TABS:
            self._tree = TreeWatch(self._id)
            return self._tree
        return Watch(self._id)

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        size = None if self._tree is None else self._tree.look()
        if size is not None and size == cursor.get("tree"):
            # The usual case: what was committed concerns others.
            return None
        row = Execution.objects.filter(pk=self._id).first()
        if row is None:
            return Update(cursor=cursor, regions={"head": _gone(self._id)}, final=True)
        logs, last_log = self._logs(cursor.get("log", 0)) if self._tab == "console_logs" else ([], 0)
        now_at = {"version": row.next_version, "response": row.response_count, "log": last_log or cursor.get("log", 0)}
        due = int(row.due_at.timestamp() * 1000)
        if size is not None:
            now_at["tree"] = size
        now_at["state"] = zlib.crc32(f"{row.status} {row.lifecycle} {due}".encode())
        if now_at == dict(cursor):
            return None
        final = row.status == Status.FINISHED.value
        summary = summary_of(row, timezone.now())
        regions = _regions(summary)
        rows: list[Row] = []
        skipped = 0
        if not hidden and self._tab in _EVENT_TABS:
            rows, skipped = _events(row, cursor.get("version", 0))
        return Update(cursor=now_at, rows=rows + logs, regions=regions, skipped=skipped, final=final)

    def _logs(self, behind: int) -> tuple[list[Row], int]:
        lines = LogLine.objects.of(self._id, with_descendants=True).filter(pk__gt=behind).order_by("pk")[:_MOST_ROWS]
        rows = [_row("logs", line.pk, "console/executions/log_row.html", line=line, derived=True) for line in lines]
        return rows, int(rows[-1].key) if rows else behind


def _events(row: Execution, behind: int) -> tuple[list[Row], int]:
    """Return the rows of the events from a version on; only the newest if there are very many."""
    first = max(behind, row.next_version - _MOST_ROWS)
    events = row.events.filter(version__gte=first, version__lt=row.next_version).order_by("version")
    rows = [
        _row("events", event.version, "console/executions/event_row.html", line=event_line(event, row.created_at))
        for event in events
    ]
    return rows, first - behind


def _regions(summary: Summary) -> dict[str, str]:
    context = {"summary": summary, "row": summary.row, "now": summary.now}
    counts = {f"count-{name}": count for name, count in summary.counts.items()}
    return {"head": render_to_string("console/executions/head.html", context), **counts}


def _row(into: str, key: int, template: str, **context: Any) -> Row:
    return Row(into=into, key=str(key), html=render_to_string(template, context))


def _gone(execution_id: str) -> str:
    return render_to_string("console/executions/gone.html", {"execution_id": execution_id})
