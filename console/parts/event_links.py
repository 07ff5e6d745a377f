"""Where an event leads: from a submission to its child, the response and the await, and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from django.urls import reverse

from console.parts.awaits import awaits_of, request_of, response_of, response_taken_by
from engine.log import events as e
from engine.log.ids import ExecutionId, position_of
from executions.models import Event, JoinSetResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One way to go on.

    Args:
        what: What it is to the event.
        text: What stands there.
        url: Where it leads; empty if nowhere, so far.
    """

    what: str
    text: str
    url: str = ""


def event_url(execution_id: str, version: int) -> str:
    """Return where an event is shown in its log."""
    return f"{reverse('admin:console_events', args=[execution_id])}?version={version}#v{version}"


def response_url(response: JoinSetResponse) -> str:
    """Return where a response is shown among the others."""
    url = reverse("admin:console_responses", args=[response.execution_id])
    return f"{url}?cursor={response.cursor}#r{response.cursor}"


def links_of(row: Event) -> list[Link]:
    """Return where an event leads."""
    event = row.entry().event
    match event:
        case e.Created(parent=parent, scheduled_by=scheduled_by):
            if parent is not None:
                return list(member_links(row.execution_id))
            return [] if scheduled_by is None else [_execution("scheduled by", scheduled_by)]
        case e.Finished():
            return list(_ways_back(row.execution_id))
        case e.ChildRequested(child_execution_id=child, error=error):
            return [_execution("child", child), *_ways_back(child)] if error is None else []
        case e.DelayRequested(delay_id=delay):
            return list(_ways_back(delay))
        case e.JoinNext() | e.JoinNextTry():
            return list(_taken(row))
        case e.Scheduled(execution_id=other, error=None):
            return [_execution("scheduled", other)]
        case e.Stubbed(target_execution_id=target):
            return [_execution("stub", target)]
        case e.Locked(run_id=run):
            return [Link(what="log of the run", text=run, url=_logs(row.execution_id, run))]
        case _:
            return []


def member_links(member_id: str) -> Iterator[Link]:
    """Return what a child or a delay is to the execution that submitted it: its submission, response and await."""
    request = request_of(member_id)
    if request is not None:
        yield Link(
            what="submitted by", text=f"event {request.version}", url=event_url(request.execution_id, request.version)
        )
    yield from _ways_back(member_id)


def _ways_back(member_id: str) -> Iterator[Link]:
    """Return what came of a child or a delay."""
    response = response_of(member_id)
    if response is None:
        if member_id.startswith("Delay_") or position_of(ExecutionId(member_id)) is not None:
            yield Link(what="response", text="none yet")
        return
    yield Link(what="response", text=f"no. {response.cursor}", url=response_url(response))
    taken_at = awaits_of(response.execution_id, [response]).get(response.cursor)
    if taken_at is None:
        yield Link(what="awaited by", text="not awaited yet")
    else:
        yield Link(what="awaited by", text=f"event {taken_at}", url=event_url(response.execution_id, taken_at))


def _taken(row: Event) -> Iterator[Link]:
    response = response_taken_by(row)
    if response is None:
        if row.history_event_type == "join_next":
            yield Link(what="response", text="none yet")
        return
    yield Link(what="response", text=f"no. {response.cursor}", url=response_url(response))
    if response.child_execution_id is not None:
        yield _execution("of", response.child_execution_id)
    request = request_of(response.child_execution_id or response.delay_id or "")
    if request is not None:
        yield Link(
            what="submitted by", text=f"event {request.version}", url=event_url(request.execution_id, request.version)
        )


def _execution(what: str, execution_id: str) -> Link:
    return Link(what=what, text=execution_id, url=reverse("admin:console_execution", args=[execution_id]))


def _logs(execution_id: str, run_id: str) -> str:
    return f"{reverse('admin:console_logs', args=[execution_id])}?derived=off&run={quote(run_id)}"
