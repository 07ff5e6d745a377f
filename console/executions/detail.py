"""One execution: its head, and a tab for each thing there is to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from console.access import needs
from console.debugger.partings import known_parting
from console.executions.event_words import event_line
from console.executions.listing import PAGE, listed
from console.executions.lookup import found
from console.executions.summaries import summary_of
from console.operating.offers import offered_actions
from console.pages import page
from console.seeing import shows
from executions.access.scopes import Insight, Scope
from executions.models import Execution, HttpExchange, LogLine
from executions.operations.listing import CursorRefused, Direction, ExecutionFilter, page_of, place_at
from executions.operations.paging import numbered_page

WINDOW: Final = 200
"""Rows of one page of the log."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the things to look at: its address behind the execution's, its name, and what it holds how many of.

    One that shows nothing but what `needs` allows to see is not there for others.
    """

    url_name: str
    title: str
    counted: str | None = None
    needs: Insight | None = None


TABS: Final = (
    Tab("console_execution", "Overview"),
    Tab("console_timeline", "Timeline"),
    Tab("console_events", "Events", "events"),
    Tab("console_children", "Children", "children"),
    Tab("console_logs", "Logs", "logs"),
    Tab("console_http", "HTTP", "http"),
    Tab("console_responses", "Responses", "responses"),
    Tab("console_debug", "Debugger"),
    Tab("console_raw", "Raw", needs=Insight.PAYLOAD),
)


def tab_page(request: HttpRequest, execution_id: str, tab: str, template: str, **context: Any) -> HttpResponse:
    """Return the page of an execution with one of its tabs open.

    Args:
        request: Who asks.
        execution_id: The execution.
        tab: The tab's name in URLs.
        template: What it looks like, below ``console/``; extends ``console/executions/execution.html``.
        context: What the template shows.
    """
    row = found(execution_id)
    summary = summary_of(row, timezone.now())
    return page(
        request,
        template,
        title="Execution",
        tab_title=f"{summary.state.word}: {row.ffqn.rpartition('/')[2]}",
        summary=summary,
        row=row,
        tabs=[each for each in TABS if each.needs is None or shows(each.needs)],
        active_tab=tab,
        now=summary.now,
        actions=offered_actions(request, row),
        parting=known_parting(row),
        **context,
    )


@needs(Scope.READ)
def overview(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the head and the latest of everything."""
    row = found(execution_id)
    latest = list(row.events.order_by("-version")[:20])[::-1]
    return tab_page(
        request,
        execution_id,
        "console_execution",
        "executions/overview.html",
        lines=[event_line(event, row.created_at) for event in latest],
    )


@needs(Scope.READ)
def events(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show a part of the event log."""
    row = found(execution_id)
    kind = request.GET.get("kind", "")
    rows = row.events.all()
    if kind:
        rows = rows.filter(variant=kind) | rows.filter(history_event_type=kind)
    direction = Direction.OLDER if request.GET.get("direction") == Direction.OLDER.value else Direction.NEWER
    cursor = _number(request, "version")
    page_rows = numbered_page(
        rows, "version", cursor=cursor, direction=direction, including=cursor is not None, length=WINDOW
    )
    first = page_rows[0].version if page_rows else 0
    last = page_rows[-1].version if page_rows else 0
    return tab_page(
        request,
        execution_id,
        "console_events",
        "executions/events.html",
        lines=[event_line(event, row.created_at) for event in page_rows],
        kind=kind,
        kinds=_kinds(row),
        older=max(0, first - 1) if first > 0 else None,
        newer=last + 1 if last + 1 < row.next_version else None,
    )


def _kinds(row: Execution) -> list[str]:
    found_kinds = row.events.values_list("variant", "history_event_type").distinct()
    return sorted({history or variant for variant, history in found_kinds})


@needs(Scope.READ)
def logs(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the latest log lines, or those before a place."""
    derived = request.GET.get("derived", "on") == "on"
    rows = LogLine.objects.of(execution_id, with_descendants=derived)
    before = _number(request, "before")
    lines = numbered_page(rows, "id", cursor=before, direction=Direction.OLDER, including=False, length=WINDOW)
    older = lines[0].pk if len(lines) == WINDOW else None
    return tab_page(
        request,
        execution_id,
        "console_logs",
        "executions/logs.html",
        lines=lines,
        derived=derived,
        older=older,
        before=before,
        last_log=lines[-1].pk if lines else 0,
    )


@needs(Scope.READ)
def http_requests(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the latest HTTP requests of its guest."""
    exchanges = HttpExchange.objects.newest_of(execution_id, limit=WINDOW)
    return tab_page(request, execution_id, "console_http", "executions/http.html", exchanges=exchanges)


@needs(Scope.READ)
def responses(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show a page of what came back to its join sets."""
    row = found(execution_id)
    cursor = _number(request, "cursor")
    rows = numbered_page(
        row.responses.all(), "cursor", cursor=cursor, direction=Direction.OLDER, including=False, length=WINDOW
    )
    older = rows[0].cursor if rows and rows[0].cursor > 1 else None
    return tab_page(request, execution_id, "console_responses", "executions/responses.html", rows=rows, older=older)


@needs(Scope.READ)
def children(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show a page of its children."""
    row = found(execution_id)
    cursor = request.GET.get("cursor")
    now = timezone.now()
    try:
        place = None if cursor is None else place_at(cursor)
    except CursorRefused as error:
        raise BadRequest(str(error)) from error
    rows = page_of(ExecutionFilter(parent=row.pk), place=place, length=PAGE + 1, now=now)
    shown = rows[:PAGE]
    older = shown[-1].pk if len(rows) > PAGE else None
    return tab_page(
        request,
        execution_id,
        "console_children",
        "executions/children.html",
        rows=listed(shown, now),
        older=older,
    )


def _number(request: HttpRequest, name: str) -> int | None:
    """Return a number of the address; what is none counts as not there."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
