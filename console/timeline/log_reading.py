"""Reading event logs for timelines: whole where they are short, a part or samples of them where they are long."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from django.db.models import Case, QuerySet, TextField, Value, When
from msgspec import Struct

from console.timeline.phases import DECODED_KINDS, Moment
from engine.log.event_decoding import decode_event
from executions.instants import to_micros
from executions.models import Event, JoinSetResponse

MOST_EVENTS: Final = 400
"""Of one log: more would not be told apart on one row of a screen."""
_SAMPLES: Final = 100
_MOST_RESPONSES: Final = 20_000


class Log(Struct, frozen=True, gc=False):
    """What was read of a log.

    Args:
        moments: Its events, without gaps; empty if there were too many.
        samples: If there were too many: some of them, in order, as instant and version.
    """

    moments: Sequence[Moment] = ()
    samples: Sequence[tuple[int, int]] = ()


def logs_of(lengths: dict[str, int], *, begin: int, end: int) -> dict[str, Log]:
    """Return what there is to see of some logs between two instants, a bounded number of events of each.

    Args:
        lengths: How many events they hold, by execution.
        begin: Microseconds since the epoch.
        end: The same.
    """
    short = [execution_id for execution_id, length in lengths.items() if length <= MOST_EVENTS]
    read = _read(Event.objects.filter(execution_id__in=short))
    logs = {execution_id: Log(moments=read.get(execution_id, ())) for execution_id in short}
    for execution_id in lengths.keys() - logs.keys():
        logs[execution_id] = _long_log(execution_id, lengths[execution_id], begin, end)
    return logs


def _long_log(execution_id: str, length: int, begin: int, end: int) -> Log:
    """Close in on the part of a log that was written between two instants."""
    first, behind = 0, length
    while behind - first > MOST_EVENTS:
        samples = sampled(execution_id, first, behind)
        instants = [at for at, _ in samples]
        # The event before the window tells what was going on at its beginning.
        left = max(0, bisect_left(instants, begin) - 1)
        right = min(len(samples) - 1, bisect_right(instants, end))
        closer_first, closer_behind = samples[left][1], samples[right][1] + 1
        if closer_behind - closer_first > (behind - first) // 2:
            return Log(samples=samples[left : right + 1])
        first, behind = closer_first, closer_behind
    events = Event.objects.filter(execution_id=execution_id, version__gte=first, version__lt=behind)
    return Log(moments=_read(events).get(execution_id, ()))


def beginnings_of(execution_ids: Iterable[str]) -> dict[str, list[Moment]]:
    """Return the first few events of some logs, by execution."""
    return _read(Event.objects.filter(execution_id__in=list(execution_ids), version__lt=MOST_EVENTS))


def sampled(execution_id: str, first: int, behind: int) -> list[tuple[int, int]]:
    """Return when events of a log were written that lie evenly between two versions, as instant and version."""
    count = min(_SAMPLES, behind - first)
    versions = sorted({first + (behind - 1 - first) * number // max(1, count - 1) for number in range(count)})
    rows = Event.objects.filter(execution_id=execution_id, version__in=versions).order_by("version")
    return [(to_micros(at), version) for at, version in rows.values_list("created_at", "version")]


def _read(events: QuerySet[Event]) -> dict[str, list[Moment]]:
    """Return events as moments, by execution. What people stored in them may be large, and stays where it is."""
    needed = Case(When(variant__in=DECODED_KINDS, then="payload"), default=Value(None), output_field=TextField())
    moments: dict[str, list[Moment]] = {}
    fields = ("execution_id", "version", "created_at", "variant", "history_event_type", "join_set_id")
    for execution_id, version, at, variant, history_type, join_set_id, payload in events.order_by(
        "execution_id", "version"
    ).values_list(*fields, needed):
        moments.setdefault(execution_id, []).append(
            Moment(
                version=version,
                at=to_micros(at),
                kind=history_type or variant,
                join_set_id=join_set_id,
                event=None if payload is None else decode_event(payload),
            )
        )
    return moments


def arrivals_of(execution_ids: Iterable[str]) -> dict[str, dict[tuple[int, str], int]]:
    """Return for executions when each join set's first response arrived while the log held a number of events."""
    arrivals: dict[str, dict[tuple[int, str], int]] = {}
    rows = JoinSetResponse.objects.filter(execution_id__in=list(execution_ids)).order_by("execution_id", "cursor")
    fields = rows.values_list("execution_id", "at_version", "join_set_id", "created_at")
    for execution_id, at_version, join_set_id, at in fields[:_MOST_RESPONSES]:
        arrivals.setdefault(execution_id, {}).setdefault((at_version, join_set_id), to_micros(at))
    return arrivals
