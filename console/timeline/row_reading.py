"""What happened to what is in sight: a bounded number of queries and rows, however much there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from console.timeline.log_reading import Log, arrivals_of, logs_of
from console.timeline.rows import Requests, Row
from console.timeline.tree import DelayNode, Group, Node, Tree
from engine.log.event_decoding import decode_event
from engine.log.events import DelayRequested
from executions.instants import to_micros
from executions.models import Event, Execution, HttpExchange, OperationRecord

MOST_REQUESTS: Final = 400
"""Of one execution."""
_MOST_OPERATIONS: Final = 1000
_SEARCHED_EVENTS: Final = 5000
"""How far before a delay's end its beginning is looked for."""


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What was read for some rows, by the execution, or the delay, that it is about.

    Args:
        executions: How each stands now.
        logs: What there is to see of their logs.
        arrivals: See `console.timeline.log_reading.arrivals_of`.
        operations: What people did to them, oldest first.
        delays: When delays were requested and for when, as far as that was found; microseconds since the epoch.
        requests: Their HTTP requests, the newest ones.
    """

    executions: dict[str, Execution]
    logs: dict[str, Log]
    arrivals: dict[str, dict[tuple[int, str], int]]
    operations: dict[str, list[OperationRecord]] = field(default_factory=dict)
    delays: dict[str, tuple[int, int]] = field(default_factory=dict)
    requests: dict[str, list[HttpExchange]] = field(default_factory=dict)


def facts_of(rows: Sequence[Row], tree: Tree, *, begin: int, end: int) -> RowFacts:
    """Return what there is to know of rows.

    Args:
        rows: Those in sight.
        tree: Whose they are.
        begin: Left edge of the window, in microseconds since the epoch.
        end: Its right edge.
    """
    nodes: list[str] = []
    delays: list[DelayNode] = []
    requests: dict[str, list[HttpExchange]] = {}
    for row in rows:
        match row.content:
            case Node(execution_id=execution_id):
                nodes.append(execution_id)
            case DelayNode() as delay:
                delays.append(delay)
            case Requests(execution_id=execution_id):
                requests[execution_id] = HttpExchange.objects.newest_of(execution_id, limit=MOST_REQUESTS)
            case Group():
                pass
            case other:
                assert_never(other)
    executions = Execution.objects.in_bulk(nodes)
    logs = logs_of({pk: row.next_version for pk, row in executions.items()}, begin=begin, end=end)
    return RowFacts(
        executions=executions,
        logs=logs,
        # What a part of a log waited for is not looked for: there may be any number of responses.
        arrivals=arrivals_of(pk for pk, log in logs.items() if log.moments and log.moments[0].version == 0),
        operations=_operations_of(nodes),
        delays=_requested(delays, tree),
        requests=requests,
    )


def _operations_of(execution_ids: Sequence[str]) -> dict[str, list[OperationRecord]]:
    operations: dict[str, list[OperationRecord]] = {}
    records = OperationRecord.objects.filter(execution_id__in=execution_ids).order_by("execution_id", "id")
    for record in records[:_MOST_OPERATIONS]:
        operations.setdefault(record.execution_id, []).append(record)
    return operations


def _requested(delays: Iterable[DelayNode], tree: Tree) -> dict[str, tuple[int, int]]:
    families: dict[str, list[DelayNode]] = {}
    for delay in delays:
        families.setdefault(delay.execution_id, []).append(delay)
    requested: dict[str, tuple[int, int]] = {}
    for execution_id, family in families.items():
        behind = [delay.at_version or tree.by_id[execution_id].events for delay in family]
        requests = Event.objects.filter(
            execution_id=execution_id,
            version__gte=min(behind) - _SEARCHED_EVENTS,
            version__lt=max(behind),
            join_set_id__in={delay.join_set_id for delay in family},
            history_event_type="join_set_request",
            # Those of children hold their parameters, which may be large.
            payload__contains='"type":"delay_request"',
        )
        for at, payload in requests.values_list("created_at", "payload"):
            event = decode_event(payload)
            if isinstance(event, DelayRequested):
                requested[event.delay_id] = to_micros(at), to_micros(event.expires_at)
    return requested
