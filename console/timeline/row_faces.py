"""What rows look like: their names, states, bars and a few words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final, assert_never
from urllib.parse import urlencode, urlsplit

from django.urls import reverse
from msgspec import Struct

from console.seeing import payload, payload_url
from console.states import shown_state
from console.templatetags.console import duration, execution_url
from console.timeline.answer import Badge, ShownRow, Signpost
from console.timeline.axis import Axis
from console.timeline.bars import bars_of, crowd_bars, density_bars
from console.timeline.phases import Cap, Mark, Phase, Sign, Span, phases_of
from console.timeline.row_reading import MOST_REQUESTS, RowFacts
from console.timeline.rows import Requests, Row
from console.timeline.tree import DelayNode, Group, Node
from console.visible import visible
from engine.log.ids import DelayId, delay_position
from engine.log.return_values import FailureKind
from executions.instants import from_micros, to_micros
from executions.models import Execution, HttpExchange
from executions.operations.recording import Operation

_MOST_NAME: Final = 200
_TIMES: Final = " \u00d7 "
_SUMMED: Final = (
    (Phase.RUNNING, "run"),
    (Phase.BLOCKED, "waits"),
    (Phase.BACKOFF, "backoff"),
    (Phase.QUEUED, "queue"),
    (Phase.PAUSED, "paused"),
)


class Sight(Struct, frozen=True, kw_only=True):
    """What rows are drawn on.

    Args:
        axis: The window.
        origin: What instants of the answer count from; microseconds since the epoch.
        now: The present instant, likewise.
        facts: What happened.
    """

    axis: Axis
    origin: int
    now: int
    facts: RowFacts


def face_of(row: Row, sight: Sight) -> ShownRow:
    """Return a row as it is shown."""
    match row.content:
        case Node() as node:
            return _execution(row, node, sight)
        case DelayNode() as delay:
            return _delay(row, delay, sight)
        case Group() as group:
            return _group(row, group, sight)
        case Requests() as requests:
            return _requests(row, requests, sight)
        case other:
            assert_never(other)


def _execution(row: Row, node: Node, sight: Sight) -> ShownRow:
    package, _, name = node.ffqn.rpartition("/")
    stored = sight.facts.executions.get(node.execution_id)
    spans: list[Span] = []
    marks: list[Mark] = []
    samples: Sequence[tuple[int, int]] = ()
    is_whole = False
    if stored is not None:
        log = sight.facts.logs[node.execution_id]
        samples = log.samples
        is_whole = len(log.moments) >= stored.next_version
        spans, marks = phases_of(
            log.moments,
            due_at=to_micros(stored.first_scheduled_at),
            arrivals=sight.facts.arrivals.get(node.execution_id, {}),
            now=sight.now,
            cap=_cap_of(stored),
        )
        marks.extend(_operations(node.execution_id, sight))
    state = None if stored is None else shown_state(stored, from_micros(sight.now))
    end = None if stored is None or stored.result_kind is None else to_micros(stored.due_at)
    url = execution_url(node.execution_id)
    bars = density_bars(samples, sight.axis, origin=sight.origin) if samples else None
    return ShownRow(
        key=row.key,
        kind="execution",
        depth=row.depth,
        is_open=row.is_open,
        name=visible(name),
        of=visible(package),
        url=url,
        links=f"{url}links/",
        state=None if state is None else Badge(key=state.key, word=state.word, icon=state.icon),
        begin=node.created_at - sight.origin,
        end=None if end is None else end - sight.origin,
        note=_note_of(stored, spans if is_whole else (), end or sight.now),
        bars=bars_of(spans, sight.axis, origin=sight.origin) if bars is None else bars,
        signs=list(_signposts(marks, sight)),
    )


def _cap_of(row: Execution) -> Cap | None:
    match row.result_kind:
        case None:
            return None
        case "ok":
            return Cap.OK
        case "error":
            return Cap.ERROR
        case FailureKind.CANCELLED.value:
            return Cap.CANCELLED
        case FailureKind.TIMED_OUT.value:
            return Cap.TIMEOUT
        case _:
            return Cap.FAILED


def _operations(execution_id: str, sight: Sight) -> Iterator[Mark]:
    for record in sight.facts.operations.get(execution_id, ()):
        sign = Sign.FORKED if record.operation == Operation.FORK else Sign.OPERATED
        yield Mark(to_micros(record.at), sign, visible(f"{record.operation.replace('_', ' ')} by {record.actor}"))


def _signposts(marks: Sequence[Mark], sight: Sight) -> Iterator[Signpost]:
    """Leave out marks that would lie on another one of their kind."""
    last: dict[Sign, float] = {}
    for mark in marks:
        x = sight.axis.x(mark.at)
        if sight.axis.begin <= mark.at <= sight.axis.end and x - last.get(mark.sign, -9.0) >= 4:
            last[mark.sign] = x
            yield Signpost(x=round(x, 2), at=mark.at - sight.origin, sign=mark.sign.value, text=mark.text)


def _note_of(row: Execution | None, spans: Sequence[Span], end: int) -> str:
    if row is None:
        return "removed by retention"
    total = _length(end - to_micros(row.created_at))
    sums = {phase: sum(span.end - span.begin for span in spans if span.phase is phase) for phase, _ in _SUMMED}
    whole = sum(sums.values())
    parts = [f"{word} {_length(sums[phase])}" for phase, word in _SUMMED if sums[phase] * 20 > whole]
    if row.temporary_failures:
        attempts = row.temporary_failures + (row.result_kind is not None)
        parts.insert(0, f"{attempts} attempt{'s' if attempts != 1 else ''}")
    return " · ".join([total, *parts]) if len(parts) > 1 else total


def _length(micros: int) -> str:
    return duration(timedelta(microseconds=micros))


def _delay(row: Row, delay: DelayNode, sight: Sight) -> ShownRow:
    # Of a delay whose request lies too far back only the end is known.
    begin, expires_at = sight.facts.delays.get(delay.delay_id, (min(delay.until, sight.now), delay.until))
    is_over = delay.end is not None
    until = delay.until if is_over else max(begin, sight.now)
    word = "cancelled" if delay.is_cancelled else "fired"
    span = Span(
        phase=Phase.DELAY,
        begin=begin,
        end=until,
        text=f"{delay.delay_id} {word if is_over else 'runs'}",
        cap=(Cap.CANCELLED if delay.is_cancelled else Cap.OK) if is_over else None,
        goes_on=not is_over,
    )
    note = f"{word} after {_length(until - begin)}" if is_over else _pending(delay, sight)
    return ShownRow(
        key=row.key,
        kind="delay",
        depth=row.depth,
        name=f"delay {_length(expires_at - begin)}",
        links=_delay_links(delay.delay_id),
        of=delay.join_set_id,
        begin=begin - sight.origin,
        end=delay.until - sight.origin if is_over else None,
        note=note,
        bars=bars_of([span], sight.axis, origin=sight.origin),
    )


def _delay_links(delay_id: str) -> str:
    parent = delay_position(DelayId(delay_id)).parent
    return f"{reverse('admin:console_links', args=[parent])}?{urlencode({'delay': delay_id})}"


def _pending(delay: DelayNode, sight: Sight) -> str:
    if delay.is_paused:
        return "paused"
    return f"fires in {_length(delay.until - sight.now)}" if delay.until > sight.now else "due"


def _group(row: Row, group: Group, sight: Sight) -> ShownRow:
    package, _, name = group.name.rpartition("/")
    crowd = group.crowd
    parts = [
        f"{crowd.bad:,} failed" if crowd.bad else "",
        f"{crowd.unfinished:,} unfinished" if crowd.unfinished else "",
        f"longest {_length(crowd.longest)}" if crowd.longest else "",
    ]
    count = f"{len(group.members):,}"
    return ShownRow(
        key=row.key,
        kind="group",
        depth=row.depth,
        is_open=bool(row.is_open),
        name=f"{count} delays" if group.is_of_delays else visible(f"{name}{_TIMES}{count}"),
        of="" if group.is_of_delays else visible(package),
        begin=crowd.begin - sight.origin,
        end=None if crowd.end is None else crowd.end - sight.origin,
        note=" · ".join(part for part in parts if part),
        bars=crowd_bars(crowd, sight.axis, origin=sight.origin, now=sight.now),
    )


def _requests(row: Row, requests: Requests, sight: Sight) -> ShownRow:
    exchanges = sorted(sight.facts.requests.get(requests.execution_id, ()), key=lambda each: each.started_at)
    spans = [_exchange(each) for each in exchanges]
    names = {f"{each.method} {_place(each.url)}" for each in exchanges}
    bad = sum(span.is_bad for span in spans)
    parts = [
        f"{requests.count:,} request{'s' if requests.count != 1 else ''}",
        f"{bad:,} failed" if bad else "",
        f"the newest {MOST_REQUESTS} are shown" if requests.count > MOST_REQUESTS else "",
    ]
    return ShownRow(
        key=row.key,
        kind="requests",
        depth=row.depth,
        name=names.pop() if len(names) == 1 else f"HTTP{_TIMES}{requests.count:,}",
        url=reverse("admin:console_http", args=[requests.execution_id]),
        begin=min((span.begin for span in spans), default=sight.origin) - sight.origin,
        end=max((span.end for span in spans), default=sight.origin) - sight.origin,
        note=" · ".join(part for part in parts if part),
        bars=bars_of(spans, sight.axis, origin=sight.origin),
    )


def _exchange(exchange: HttpExchange) -> Span:
    begin = to_micros(exchange.started_at)
    is_bad = exchange.status is None or exchange.status >= 400
    outcome = str(exchange.status) if exchange.status is not None else payload(exchange.error or "no response")
    return Span(
        phase=Phase.REQUEST,
        begin=begin,
        end=begin + exchange.duration_us,
        text=f"{outcome} {visible(exchange.method)} {payload_url(exchange.url)}"[:_MOST_NAME],
        cap=Cap.ERROR if is_bad else Cap.OK,
    )


def _place(url: str) -> str:
    """Return host and path of a URL, which is what tells calls apart."""
    parts = urlsplit(payload_url(url))
    return visible(f"{parts.netloc}{parts.path}"[:_MOST_NAME])
