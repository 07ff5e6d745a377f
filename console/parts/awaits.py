"""Which await took which response.

In each join set the awaits that came by a response take them in the order in which they arrived: the first await the
first response, and so on.

Source:
    `engine.workflow.join_sets.JoinSet.consume`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet

from engine.log.ids import DELAY_PREFIX, DelayId, ExecutionId, delay_position, position_of
from executions.models import Event, JoinSetResponse

TAKING = Q(history_event_type="join_next") | Q(
    history_event_type="join_next_try", payload__endswith='"outcome":"found"}}}'
)
"""Events that take a response, or wait for one."""


def awaits_of(execution_id: str, responses: Iterable[JoinSetResponse]) -> dict[int, int]:
    """Return by which event some responses of an execution were taken: version by cursor. Others were not, so far."""
    wanted = {response.cursor: response.join_set_id for response in responses}
    arrived = _numbers(_responses(execution_id, set(wanted.values())), "cursor")
    taken = _numbers(_takings(execution_id, set(wanted.values())), "version")
    pairs = {
        cursor: version for name in arrived for cursor, version in zip(arrived[name], taken.get(name, ()), strict=False)
    }
    return {cursor: pairs[cursor] for cursor in wanted if cursor in pairs}


def response_taken_by(event: Event) -> JoinSetResponse | None:
    """Return the response that an event took; ``None`` if it took none, so far."""
    if event.join_set_id is None or not Event.objects.filter(TAKING, pk=event.pk).exists():
        return None
    earlier = _takings(event.execution_id, {event.join_set_id}).filter(version__lt=event.version).count()
    responses = _responses(event.execution_id, {event.join_set_id}).order_by("cursor")
    return responses[earlier : earlier + 1].first()


def response_of(member_id: str) -> JoinSetResponse | None:
    """Return what came back from a child or a delay; ``None`` if nothing did."""
    name = "delay_id" if member_id.startswith(DELAY_PREFIX) else "child_execution_id"
    return JoinSetResponse.objects.filter(**{name: member_id}).first()


def request_of(member_id: str) -> Event | None:
    """Return the event by which a child or a delay was submitted; ``None`` for what was not."""
    if member_id.startswith(DELAY_PREFIX):
        position = delay_position(DelayId(member_id))
    else:
        place = position_of(ExecutionId(member_id))
        if place is None:
            return None
        position = place
    requests = Event.objects.filter(
        execution_id=position.parent, history_event_type="join_set_request", join_set_id=position.join_set
    )
    return requests.filter(payload__contains=f'_id":"{member_id}"').order_by("version").first()


def _responses(execution_id: str, join_sets: Collection[str]) -> QuerySet[JoinSetResponse]:
    return JoinSetResponse.objects.filter(execution_id=execution_id, join_set_id__in=join_sets)


def _takings(execution_id: str, join_sets: Collection[str]) -> QuerySet[Event]:
    return Event.objects.filter(TAKING, execution_id=execution_id, join_set_id__in=join_sets)


def _numbers(rows: QuerySet[JoinSetResponse] | QuerySet[Event], column: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for join_set_id, number in rows.order_by(column).values_list("join_set_id", column):
        found[join_set_id].append(number)
    return found
