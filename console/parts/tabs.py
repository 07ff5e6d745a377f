"""The tabs that show an execution's parts row by row, and the rows that they ask for when somebody scrolls."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse

from console.access import needs
from console.executions.detail import tab_page
from console.executions.lookup import found
from console.parts.event_kinds import GROUPS
from console.parts.events import EventsPart, last_failure
from console.parts.finding import part_of
from console.parts.http import HttpPart
from console.parts.logs import LEVELS, STREAMS, LogsPart
from console.parts.part import Part
from console.parts.responses import ResponsesPart
from console.parts.windows import Place, number_of, place_of
from console.seeing import shows
from executions.access.scopes import Insight, Scope
from executions.models import Execution

TABS: Final = {
    "events": "console_events",
    "logs": "console_logs",
    "http": "console_http",
    "responses": "console_responses",
}
"""By the part's name in addresses."""


@needs(Scope.READ)
def events(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the log, from its end on, or around an event."""
    execution = found(execution_id)
    part = EventsPart(request.GET)
    at = number_of(request.GET, "version")
    if request.GET.get("at") == "failure":
        at = last_failure(execution)
    return _tab(
        request,
        execution,
        part,
        tab="console_events",
        place=Place(around=at),
        filter=part.filter,
        groups=GROUPS,
        is_grouped=set(part.filter.kinds) <= GROUPS.keys(),
        at=at,
    )


@needs(Scope.READ)
def logs(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show what was logged, from the newest line on."""
    part = LogsPart(request.GET)
    place = Place(around=number_of(request.GET, "line"))
    return _tab(
        request, found(execution_id), part, tab="console_logs", place=place, part=part, levels=LEVELS, streams=STREAMS
    )


@needs(Scope.READ)
def http_requests(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the HTTP requests of its guest, from the newest on."""
    part = HttpPart(request.GET)
    return _tab(request, found(execution_id), part, tab="console_http", place=Place(), part=part)


@needs(Scope.READ)
def responses(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show what came back to its join sets, from the newest on, or around a response."""
    part = ResponsesPart(request.GET)
    place = Place(around=number_of(request.GET, "cursor"))
    return _tab(request, found(execution_id), part, tab="console_responses", place=place, part=part)


@needs(Scope.READ)
def rows(request: HttpRequest, execution_id: str, part: str) -> HttpResponse:
    """Return a window of a part's rows as JSON."""
    execution = found(execution_id)
    try:
        shown = part_of(TABS[part], request.GET)
        assert shown is not None
        window = shown.window(execution, place_of(request.GET))
    except BadRequest as error:
        return JsonResponse({"error": str(error)}, status=400)
    return JsonResponse(
        {
            "rows": [{"key": row.key, "html": row.html} for row in shown.rows(execution, window.numbers)],
            "older": window.older,
            "newer": window.newer,
            "cursor": shown.cursor(execution),
        }
    )


def _tab(
    request: HttpRequest, execution: Execution, shown: Part, *, tab: str, place: Place, **context: Any
) -> HttpResponse:
    window = shown.window(execution, place)
    return tab_page(
        request,
        execution.pk,
        tab,
        f"executions/{shown.into}.html",
        shown=shown,
        window=window,
        rows=[row.html for row in shown.rows(execution, window.numbers)],
        cursor=shown.cursor(execution),
        query=request.GET.urlencode(),
        sees_values=shows(Insight.PAYLOAD),
        **context,
    )
