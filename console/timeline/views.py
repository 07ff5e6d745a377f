"""The timeline's tab, and what its script asks for."""

from __future__ import annotations

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from console.access import needs
from console.executions.detail import tab_page
from console.executions.lookup import found
from console.timeline.geometry import timeline_of
from console.timeline.snapshots import PATIENT, SNAPSHOTS
from console.timeline.windows import window_of
from executions.access.scopes import Scope
from executions.instants import to_micros


@needs(Scope.READ)
def timeline(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the tab."""
    return tab_page(request, execution_id, "console_timeline", "timeline/timeline.html")


@needs(Scope.READ)
def geometry(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Answer with a window of the timeline, as JSON (`console.timeline.answer.Timeline`)."""
    try:
        window = window_of(request.GET.dict())
    except msgspec.ValidationError as error:
        return JsonResponse({"error": f"The address asks for no part of a timeline: {error}."}, status=400)
    row = found(execution_id)
    answer = timeline_of(SNAPSHOTS.of(row, patience=PATIENT), window, to_micros(timezone.now()))
    response = HttpResponse(msgspec.json.encode(answer), content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
