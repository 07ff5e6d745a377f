"""Between rows of the journal's tables and what the engine speaks of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from engine.deployment.spec import ComponentId, ComponentType
from engine.errors import StoredEventInvalid
from engine.journal.records import DelayRow, HttpExchange, LogLine
from engine.log import events as e
from engine.log.backtraces import CallSites
from engine.log.event_decoding import decode_event
from engine.log.event_encoding import KINDS
from engine.log.ids import DelayId, DeploymentId, ExecutionId, ExecutorId, JoinSetId, RunId, Version
from engine.log.labels import labels_of
from engine.log.state import ExecutionState, Holder, Lifecycle, Status
from executions.instants import from_micros, to_micros

Row = Sequence[Any]

_MICROSECOND = timedelta(microseconds=1)

_FIXED_COLUMNS = ("execution_id", "parent_id", "scheduled_by", "ffqn", "created_at", "first_scheduled_at")
MUTABLE_COLUMNS = (
    "component_type",
    "component_name",
    "component_digest",
    "deployment_id",
    "next_version",
    "response_count",
    "status",
    "lifecycle",
    "due_at",
    "executor_id",
    "run_id",
    "last_lock_version",
    "max_retries",
    "retry_backoff_us",
    "temporary_failures",
    "join_set_id",
    "closing",
    "result_kind",
    "incompatible_digest",
)
EXECUTION_COLUMNS = _FIXED_COLUMNS + MUTABLE_COLUMNS
EVENT_COLUMNS = (
    "execution_id",
    "version",
    "created_at",
    "variant",
    "join_set_id",
    "history_event_type",
    "payload",
)
RESPONSE_COLUMNS = (
    "execution_id",
    "cursor",
    "join_set_id",
    "created_at",
    "at_version",
    "child_execution_id",
    "finished_version",
    "delay_id",
    "delay_cancelled",
)
DELAY_COLUMNS = ("delay_id", "execution_id", "join_set_id", "expires_at", "is_paused")
LABEL_COLUMNS = ("execution_id", "name", "value")
LOG_LINE_COLUMNS = ("execution_id", "run_id", "created_at", "level", "stream", "message")
CALL_SITES_COLUMNS = ("execution_id", "first_version", "behind_version", "component", "sites")
HTTP_EXCHANGE_COLUMNS = (
    "execution_id",
    "run_id",
    "started_at",
    "duration_us",
    "method",
    "url",
    "status",
    "error",
    "request_bytes",
    "response_bytes",
)


# --- States -----------------------------------------------------------------------------------------------------------


def execution_row(state: ExecutionState) -> Row:
    """Return the values of `EXECUTION_COLUMNS`."""
    return (
        state.execution_id,
        None if state.parent is None else state.parent[0],
        state.scheduled_by,
        state.ffqn,
        to_micros(state.created_at),
        to_micros(state.first_scheduled_at),
        *mutable_values(state),
    )


def mutable_values(state: ExecutionState) -> Row:
    """Return the values of `MUTABLE_COLUMNS`."""
    component, holder = state.component_id, state.holder
    # An enumeration's `value` is a Python function in this version, and there are three for every state.
    return (
        component.component_type._value_,
        component.name,
        component.digest,
        state.deployment_id,
        state.next_version,
        state.response_count,
        state.status._value_,
        state.lifecycle._value_,
        to_micros(state.due_at),
        None if holder is None else holder.executor_id,
        None if holder is None else holder.run_id,
        state.last_lock_version,
        state.max_retries,
        state.retry_backoff // _MICROSECOND,
        state.temporary_failures,
        state.join_set_id,
        state.closing,
        state.result_kind,
        state.incompatible_digest,
    )


def changed_values(before: ExecutionState, after: ExecutionState) -> tuple[tuple[str, ...], Row]:
    """Return those of `MUTABLE_COLUMNS` that differ between two states, and their new values.

    An index costs a write whenever one of its columns is named in an UPDATE, whatever its value: a step of a workflow
    changes no more than the version and the count of responses.
    """
    old, new = mutable_values(before), mutable_values(after)
    changed = [
        (column, value) for column, known, value in zip(MUTABLE_COLUMNS, old, new, strict=True) if known != value
    ]
    return tuple(column for column, _ in changed), tuple(value for _, value in changed)


_STATUSES = {status.value: status for status in Status}
_LIFECYCLES = {lifecycle.value: lifecycle for lifecycle in Lifecycle}
_COMPONENT_TYPES = {kind.value: kind for kind in ComponentType}


def state_of(row: Row) -> ExecutionState:
    """Return the state of a row of `EXECUTION_COLUMNS`."""
    (
        execution_id,
        parent_id,
        scheduled_by,
        ffqn,
        created_at,
        first_scheduled_at,
        component_type,
        component_name,
        component_digest,
        deployment_id,
        next_version,
        response_count,
        status,
        lifecycle,
        due_at,
        executor_id,
        run_id,
        last_lock_version,
        max_retries,
        retry_backoff_us,
        temporary_failures,
        join_set_id,
        closing,
        result_kind,
        incompatible_digest,
    ) = row
    return ExecutionState(
        execution_id=ExecutionId(execution_id),
        ffqn=ffqn,
        component_id=ComponentId(
            component_type=_COMPONENT_TYPES[component_type], name=component_name, digest=component_digest
        ),
        deployment_id=DeploymentId(deployment_id),
        created_at=from_micros(created_at),
        first_scheduled_at=from_micros(first_scheduled_at),
        parent=None if parent_id is None else (ExecutionId(parent_id), _join_set_of(execution_id, parent_id)),
        scheduled_by=scheduled_by,
        next_version=Version(next_version),
        status=_STATUSES[status],
        due_at=from_micros(due_at),
        holder=None if executor_id is None else Holder(ExecutorId(executor_id), RunId(run_id)),
        join_set_id=join_set_id,
        closing=bool(closing),
        lifecycle=_LIFECYCLES[lifecycle],
        temporary_failures=temporary_failures,
        max_retries=max_retries,
        retry_backoff=timedelta(microseconds=retry_backoff_us),
        last_lock_version=last_lock_version,
        result_kind=result_kind,
        incompatible_digest=incompatible_digest,
        response_count=response_count,
    )


def _join_set_of(execution_id: str, parent_id: str) -> JoinSetId:
    """Return the join set that a child's id names; no column holds it."""
    return JoinSetId(execution_id[len(parent_id) + 1 :].rpartition("_")[0])


# --- Events -----------------------------------------------------------------------------------------------------------


def event_row(execution_id: ExecutionId, entry: e.LogEntry) -> Row:
    """Return the values of `EVENT_COLUMNS`."""
    event: Any = entry.event
    kind = KINDS[type(event)]
    return (
        execution_id,
        entry.version,
        to_micros(entry.created_at),
        kind.variant,
        event.join_set_id if kind.is_of_join_set else None,
        kind.history_type,
        kind.encode(event),
    )


def entry_of(row: Row) -> e.LogEntry:
    """Return the entry of a row (version, created_at, payload).

    Raises:
        StoredEventInvalid: If this version of the program cannot read it.
    """
    version, created_at, payload = row
    return e.LogEntry(Version(version), from_micros(created_at), decode_event(payload))


def label_rows(execution_id: ExecutionId, entry: e.LogEntry) -> list[Row]:
    """Return the values of `LABEL_COLUMNS` for each label of an execution, from the first entry of its log."""
    if not isinstance(entry.event, e.Created) or not entry.event.metadata:
        return []
    return [(execution_id, name, value) for name, value in labels_of(entry.event.metadata).items()]


def created_of(payload: str) -> e.Created:
    """Return the first event of a log.

    Raises:
        StoredEventInvalid: If it is another one, or this version of the program cannot read it.
    """
    event = decode_event(payload)
    if not isinstance(event, e.Created):
        raise StoredEventInvalid(f"a log starts with created, not with {payload[:200]!r}")
    return event


# --- Responses --------------------------------------------------------------------------------------------------------


def response_row(response: e.Response) -> Row:
    """Return the values of `RESPONSE_COLUMNS`."""
    head = (
        response.execution_id,
        response.cursor,
        response.join_set_id,
        to_micros(response.created_at),
        response.at_version,
    )
    match response.event:
        case e.ChildFinished(child_execution_id=child, finished_version=version):
            return (*head, child, version, None, None)
        case e.DelayFinished(delay_id=delay, cancelled=cancelled):
            return (*head, None, None, delay, cancelled)


def response_of(execution_id: ExecutionId, row: Row) -> e.Response:
    """Return the response of a row of `sql.RESPONSES`.

    Raises:
        StoredEventInvalid: If the child's end is missing or cannot be read.
    """
    cursor, at_version, join_set_id, created_at, child, finished_version, delay_id, cancelled, payload = row
    event: e.ResponseEvent
    if child is None:
        event = e.DelayFinished(delay_id=DelayId(delay_id), cancelled=bool(cancelled))
    else:
        finished = None if payload is None else decode_event(payload)
        if not isinstance(finished, e.Finished):
            raise StoredEventInvalid(f"{child} responded, but did not finish at version {finished_version}")
        event = e.ChildFinished(
            child_execution_id=ExecutionId(child),
            finished_version=Version(finished_version),
            retval=finished.retval,
        )
    return e.Response(
        execution_id=execution_id,
        cursor=cursor,
        at_version=at_version,
        join_set_id=JoinSetId(join_set_id),
        created_at=from_micros(created_at),
        event=event,
    )


# --- Delays and log lines ---------------------------------------------------------------------------------------------


def delay_row(delay: DelayRow) -> Row:
    """Return the values of `DELAY_COLUMNS`."""
    return (delay.delay_id, delay.execution_id, delay.join_set_id, to_micros(delay.expires_at), delay.paused)


def delay_of(row: Row) -> DelayRow:
    """Return the delay of a row of `DELAY_COLUMNS`."""
    delay_id, execution_id, join_set_id, expires_at, is_paused = row
    return DelayRow(
        DelayId(delay_id), ExecutionId(execution_id), JoinSetId(join_set_id), from_micros(expires_at), bool(is_paused)
    )


def log_line_row(line: LogLine) -> Row:
    """Return the values of `LOG_LINE_COLUMNS`."""
    return (
        line.execution_id,
        line.run_id,
        to_micros(line.created_at),
        None if line.level is None else line.level.value,
        line.stream,
        # PostgreSQL's text holds no NUL; guests print what they like.
        line.message.replace("\0", "\N{SYMBOL FOR NULL}"),
    )


def call_sites_row(calls: CallSites) -> Row:
    """Return the values of `CALL_SITES_COLUMNS`; calls from the same place share its stack."""
    stacks: dict[str, int] = {}
    places = [(site.first, site.behind, stacks.setdefault(site.stack, len(stacks))) for site in calls.sites]
    texts = ",".join(stack.replace("\\u0000", "\N{SYMBOL FOR NULL}") for stack in stacks)
    return (
        calls.execution_id,
        calls.sites[0].first,
        calls.sites[-1].behind,
        str(calls.component_id),
        f'{{"stacks":[{texts}],"sites":{json.dumps(places, separators=(",", ":"))}}}',
    )


def http_exchange_row(exchange: HttpExchange) -> Row:
    """Return the values of `HTTP_EXCHANGE_COLUMNS`."""
    return (
        exchange.execution_id,
        exchange.run_id,
        to_micros(exchange.started_at),
        exchange.duration // timedelta(microseconds=1),
        exchange.method,
        exchange.url.replace("\0", "\N{SYMBOL FOR NULL}"),
        exchange.status,
        None if exchange.error is None else exchange.error.replace("\0", "\N{SYMBOL FOR NULL}"),
        exchange.request_bytes,
        exchange.response_bytes,
    )
