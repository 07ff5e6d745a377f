"""One event, opened: where it leads and what it holds; and its values, piece by piece."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from console.access import needs, needs_insight
from console.executions.lookup import found
from console.parts.event_links import links_of, member_links
from console.parts.windows import number_of
from console.payloads import PIECE, piece_html, value_at, value_url
from engine.errors import IdSyntaxError
from engine.log.ids import DELAY_PREFIX, DelayId, delay_position
from executions.access.scopes import Insight, Scope
from executions.models import Event

_LONGEST_POINTER: Final = 1_000


@needs(Scope.READ)
def event(request: HttpRequest, execution_id: str, version: int) -> HttpResponse:
    """Return what an opened row shows."""
    row = _event(execution_id, version)
    return render(request, "console/executions/event_detail.html", {"event": row, "links": links_of(row)})


@needs(Scope.READ)
@needs_insight(Insight.PAYLOAD)
def value(request: HttpRequest, execution_id: str, version: int) -> HttpResponse:
    """Return a value of an event: as text, as a file, or a piece of it as HTML."""
    pointer = request.GET.get("at", "")
    if len(pointer) > _LONGEST_POINTER:
        raise BadRequest(f"A place in a value has at most {_LONGEST_POINTER} characters.")
    try:
        text = value_at(_event(execution_id, version), pointer)
    except LookupError as error:
        raise Http404(f"Event {version} has no {pointer}.") from error
    begin = number_of(request.GET, "piece")
    if begin is not None:
        url = value_url(execution_id, version, pointer)
        return HttpResponse(piece_html(text, url=url, begin=begin, length=PIECE))
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    if "download" in request.GET:
        name = f"{execution_id}-{version}{pointer}".replace(":", "_").replace("/", "_")
        response.headers["Content-Disposition"] = (
            f'attachment; filename="{name.encode("ascii", "replace").decode()}.json"'
        )
    return response


@needs(Scope.READ)
def links(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Return what an execution, or a delay of it, is to whoever submitted it."""
    delay = request.GET.get("delay", "")
    if delay:
        try:
            delay_position(DelayId(delay))
        except IdSyntaxError as error:
            raise BadRequest(str(error)) from error
    member = delay or found(execution_id).pk
    context = {"member": member, "is_delay": member.startswith(DELAY_PREFIX), "links": list(member_links(member))}
    return render(request, "console/executions/member_links.html", context)


def _event(execution_id: str, version: int) -> Event:
    row = found(execution_id).events.filter(version=version).first()
    if row is None:
        raise Http404(f"{execution_id} has no event {version}.")
    return row
