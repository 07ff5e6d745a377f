"""One execution: its head, and a tab for each thing there is to look at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from console.access import needs
from console.debugger.partings import known_parting
from console.executions.listing import PAGE, listed
from console.executions.lookup import found
from console.executions.summaries import fingerprint, standing, summary_of
from console.live.topics import Cursor
from console.operating.offers import offered_actions
from console.operating.steps import ways_on
from console.pages import page
from console.parts.events import LATEST, EventsPart
from console.parts.part import Part, is_complete
from console.parts.windows import Place
from console.seeing import shows
from executions.access.scopes import Insight, Scope
from executions.operations.listing import CursorRefused, ExecutionFilter, page_of, place_at


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


def tab_page(
    request: HttpRequest,
    execution_id: str,
    tab: str,
    template: str,
    *,
    shown: Part | None = None,
    cursor: Cursor | None = None,
    **context: Any,
) -> HttpResponse:
    """Return the page of an execution with one of its tabs open.

    Args:
        request: Who asks.
        execution_id: The execution.
        tab: The tab's name in URLs.
        template: What it looks like, below ``console/``; extends ``console/executions/execution.html``.
        shown: What it shows row by row.
        cursor: Up to where it shows them.
        context: What the template shows.
    """
    row = found(execution_id)
    summary = summary_of(row, timezone.now())
    parting = known_parting(row)
    rows_up_to = cursor or {"version": row.next_version, "response": row.response_count}
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
        shown=shown,
        # With the state that the operations are offered for, so that they follow what came before the page listened.
        cursor=json.dumps({**rows_up_to, "state": fingerprint(row), "standing": standing(row)}),
        is_complete=is_complete(row, shown, summary.now),
        ways=ways_on(request, summary, parting=parting, offers=offered_actions(request, row)),
        parting=parting,
        **context,
    )


@needs(Scope.READ)
def overview(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the head and the latest of everything."""
    row = found(execution_id)
    part = EventsPart(QueryDict())
    latest = part.rows(row, part.window(row, Place(length=LATEST)).numbers)
    return tab_page(
        request,
        execution_id,
        "console_execution",
        "executions/overview.html",
        rows=[each.html for each in latest],
        cursor=part.cursor(row),
        most=LATEST,
    )


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
