"""Where in a workflow's log the debugger stands, and where one can go from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from console.executions.event_words import EventLine, event_line
from engine.log import events as e
from engine.log.ids import ExecutionId, position_of
from engine.log.state import Status
from executions.models import Event, Execution, JoinSetResponse

_AROUND: Final = 12
"""How many events are shown before and behind the one that is looked at."""
_BLOCKING: Final = "join_next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """An event of another execution.

    Args:
        execution_id: Of which.
        version: Which; its last call if there is none.
    """

    execution_id: str
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One event of a workflow's log.

    Args:
        version: Which.
        last: The last one that there is.
        call: The event of the call that the workflow was making: this one or the next that it recorded; ``None`` if
            there is none from here on.
        line: What happened.
        around: The events about it, oldest first, this one among them.
        before: The event before at which the workflow waited for a response, if there is one.
        behind: The next at which it waited.
        into: What the event is about: the child that was submitted, or that the response came from.
        out: Where the parent submitted this execution.
        response: What the workflow waited for here, if it has arrived.
    """

    version: int
    last: int
    call: int | None
    line: EventLine
    around: list[EventLine]
    before: int | None
    behind: int | None
    into: Elsewhere | None
    out: Elsewhere | None
    response: JoinSetResponse | None

    @property
    def previous(self) -> int | None:
        """The event before."""
        return self.version - 1 if self.version else None

    @property
    def following(self) -> int | None:
        """The event behind."""
        return self.version + 1 if self.version < self.last else None


def position_at(row: Execution, version: int | None) -> Position:
    """Return a position in a workflow's log.

    Args:
        row: The workflow's execution.
        version: The event; the last call by default, and the last event if there are not so many.
    """
    last = row.next_version - 1
    at = _last_call(row) if version is None else min(version, last)
    events = row.events.order_by("version")
    rows = list(events.filter(version__gte=at - _AROUND, version__lte=at + _AROUND))
    here = next(each for each in rows if each.version == at)
    calls = events.filter(variant="history_event", version__gte=at)
    waits = events.filter(history_event_type=_BLOCKING)
    response = _response_to(here)
    return Position(
        version=at,
        last=last,
        call=calls.values_list("version", flat=True).first(),
        line=event_line(here, row.created_at),
        around=[event_line(each, row.created_at) for each in rows],
        before=waits.filter(version__lt=at).values_list("version", flat=True).last(),
        behind=waits.filter(version__gt=at).values_list("version", flat=True).first(),
        into=_into(here, response),
        out=_out_of(row),
        response=response,
    )


def is_over(row: Execution) -> bool:
    """Tell whether a workflow has returned, or was ended."""
    return row.status == Status.FINISHED.value


def _last_call(row: Execution) -> int:
    calls = row.events.filter(variant="history_event").order_by("-version")
    return calls.values_list("version", flat=True).first() or 0


def _response_to(row: Event) -> JoinSetResponse | None:
    """Return the response that a wait was answered with: join sets give theirs in the order of arrival."""
    match row.entry().event:
        case e.JoinNext(join_set_id=join_set) | e.JoinNextTry(join_set_id=join_set, outcome=e.TryOutcome.FOUND):
            pass
        case _:
            return None
    earlier: QuerySet[Event] = Event.objects.filter(
        execution_id=row.execution_id, join_set_id=join_set, version__lt=row.version
    )
    waits = earlier.filter(history_event_type=_BLOCKING).count()
    tries = earlier.filter(
        history_event_type="join_next_try", payload__contains=f'"{e.TryOutcome.FOUND.value}"'
    ).count()
    responses = JoinSetResponse.objects.filter(execution_id=row.execution_id, join_set_id=join_set).order_by("cursor")
    return responses[waits + tries : waits + tries + 1].first()


def _into(row: Event, response: JoinSetResponse | None) -> Elsewhere | None:
    if response is not None and response.child_execution_id is not None:
        return Elsewhere(execution_id=response.child_execution_id, version=None)
    match row.entry().event:
        case e.ChildRequested(child_execution_id=child, error=None):
            return Elsewhere(execution_id=child, version=0)
        case e.Scheduled(execution_id=other, error=None):
            return Elsewhere(execution_id=other, version=0)
        case _:
            return None


def _out_of(row: Execution) -> Elsewhere | None:
    place = position_of(ExecutionId(row.pk))
    if place is None:
        return None
    requests = Event.objects.filter(
        execution_id=place.parent,
        history_event_type="join_set_request",
        join_set_id=place.join_set,
        payload__contains=f'"{row.pk}"',
    )
    return Elsewhere(execution_id=place.parent, version=requests.values_list("version", flat=True).first())
