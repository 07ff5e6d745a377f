"""Stored JSON text to events: the inverse of `engine.log.event_encoding`.

What this version of the program cannot read is refused; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from engine.deployment.spec import ComponentId, ComponentType
from engine.errors import StoredEventInvalid
from engine.log import events as e
from engine.log.ids import DelayId, DeploymentId, ExecutionId, ExecutorId, JoinSetId, RunId
from engine.log.retval_json import decode_retval, json_text
from engine.log.time_json import decode_duration, decode_instant, decode_schedule

Json = Any
"""A parsed JSON document; narrowed by the decoders."""


def decode_event(text: str) -> e.ExecutionEvent:
    """Return an event from its stored JSON text.

    Raises:
        StoredEventInvalid: If this version cannot read it; nothing is guessed.
    """
    try:
        data = orjson.loads(text)
        if isinstance(data, str):
            return _UNIT_EVENTS[data]
        ((variant, body),) = data.items()
        return _DECODERS[variant](body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoredEventInvalid(f"cannot read stored event {text[:200]!r}: {error!r}") from error


def _decode_component(data: Json) -> ComponentId:
    return ComponentId(
        component_type=ComponentType(data["component_type"]), name=data["name"], digest=data["component_digest"]
    )


def _decode_persist_kind(data: Json) -> e.PersistKind:
    match data["type"]:
        case "random_u64":
            return e.RandomU64(data["min"], data["max_inclusive"])
        case "random_string":
            return e.RandomString(data["min_length"], data["max_length_exclusive"])
        case "execution_id":
            return e.GeneratedExecutionId()
        case other:
            raise StoredEventInvalid(f"unknown kind of persisted value {other!r}")


def _decode_submit_outcome(data: Json) -> e.SubmitError | None:
    match data["type"]:
        case "ok":
            return None
        case "function_not_found":
            return e.FunctionNotFound()
        case "type_check_error":
            return e.TypeCheckError(data["message"])
        case other:
            raise StoredEventInvalid(f"unknown outcome of a request {other!r}")


def _decode_stub_outcome(data: Json) -> e.StubError | None:
    match data["type"]:
        case "execution_not_found":
            return e.StubNotFound()
        case "conflict":
            return e.StubConflict()
        case "ok":
            return None
        case "type_check_error":
            return e.TypeCheckError(data["message"])
        case other:
            raise StoredEventInvalid(f"unknown outcome of a stub {other!r}")


def _decode_request(join_set: JoinSetId, data: Json) -> e.HistoryEvent:
    match data["type"]:
        case "child_execution_request":
            return e.ChildRequested(
                join_set_id=join_set,
                child_execution_id=ExecutionId(data["child_execution_id"]),
                target_ffqn=data["target_ffqn"],
                params=json_text(data["params"]),
                error=_decode_submit_outcome(data["result"]),
            )
        case "delay_request":
            return e.DelayRequested(
                join_set_id=join_set,
                delay_id=DelayId(data["delay_id"]),
                expires_at=decode_instant(data["expires_at"]),
                schedule_at=decode_schedule(data["schedule_at"]),
                paused=data.get("paused", False),
            )
        case other:
            raise StoredEventInvalid(f"unknown join set request {other!r}")


def _decode_history_event(data: Json) -> e.HistoryEvent:
    match data["type"]:
        case "join_set_create":
            return e.JoinSetCreated(join_set_id=JoinSetId(data["join_set_id"]))
        case "join_set_request":
            return _decode_request(JoinSetId(data["join_set_id"]), data["request"])
        case "join_next":
            return e.JoinNext(
                join_set_id=JoinSetId(data["join_set_id"]),
                run_expires_at=decode_instant(data["run_expires_at"]),
                requested_ffqn=data.get("requested_ffqn"),
                closing=data["closing"],
            )
        case "join_next_try":
            return e.JoinNextTry(join_set_id=JoinSetId(data["join_set_id"]), outcome=e.TryOutcome(data["outcome"]))
        case "join_next_too_many":
            return e.JoinNextTooMany(
                join_set_id=JoinSetId(data["join_set_id"]), requested_ffqn=data.get("requested_ffqn")
            )
        case "persist":
            return e.Persist(value=bytes(data["value"]), kind=_decode_persist_kind(data["kind"]))
        case "schedule":
            return e.Scheduled(
                execution_id=ExecutionId(data["execution_id"]),
                schedule_at=decode_schedule(data["schedule_at"]),
                target_ffqn=data.get("target_ffqn", ""),
                params_hash=data.get("params_hash", ""),
                error=_decode_submit_outcome(data["result"]),
            )
        case "stub":
            return e.Stubbed(
                target_execution_id=ExecutionId(data["target_execution_id"]),
                retval_hash=data["retval_hash"],
                error=_decode_stub_outcome(data["result"]),
            )
        case other:
            raise StoredEventInvalid(f"unknown history event {other!r}")


def _decode_created(data: Json) -> e.Created:
    parent = data["parent"]
    scheduled_by = data["scheduled_by"]
    return e.Created(
        ffqn=data["ffqn"],
        params=json_text(data["params"]),
        parent=(ExecutionId(parent[0]), JoinSetId(parent[1])) if parent else None,
        scheduled_at=decode_instant(data["scheduled_at"]),
        component_id=_decode_component(data["component_id"]),
        deployment_id=DeploymentId(data["deployment_id"]),
        metadata=tuple(data["metadata"].items()),
        scheduled_by=ExecutionId(scheduled_by) if scheduled_by else None,
    )


def _decode_locked(data: Json) -> e.Locked:
    retry = data["retry_config"]
    return e.Locked(
        component_id=_decode_component(data["component_id"]),
        executor_id=ExecutorId(data["executor_id"]),
        deployment_id=DeploymentId(data["deployment_id"]),
        run_id=RunId(data["run_id"]),
        lock_expires_at=decode_instant(data["lock_expires_at"]),
        max_retries=retry["max_retries"],
        retry_backoff=decode_duration(retry["retry_exp_backoff"]),
    )


def _decode_upgrade(data: Json) -> e.ComponentUpgradeFinished:
    outcome = data["outcome"]
    failed = outcome["type"] == "failed"
    reason = outcome["reason"]
    return e.ComponentUpgradeFinished(
        component_digest=data["component_digest"],
        deployment_id=DeploymentId(data["deployment_id"]),
        failure=reason if failed else None,
        automatic=not failed and reason["type"] == "auto",
        forced=not failed and reason.get("force", False),
    )


_UNIT_EVENTS: Mapping[str, e.ExecutionEvent] = {
    "paused": e.Paused(),
    "unpaused": e.Unpaused(),
    "cancellation_requested": e.CancellationRequested(),
}

_DECODERS: Mapping[str, Callable[[Json], e.ExecutionEvent]] = {
    "created": _decode_created,
    "locked": _decode_locked,
    "finished": lambda data: e.Finished(retval=decode_retval(data["retval"]), detail=data.get("detail")),
    "unlocked": lambda data: e.Unlocked(
        backoff_expires_at=decode_instant(data["backoff_expires_at"]), reason=data["reason"]
    ),
    "temporarily_failed": lambda data: e.TemporarilyFailed(
        backoff_expires_at=decode_instant(data["backoff_expires_at"]),
        reason=data["reason"],
        detail=data.get("detail"),
    ),
    "temporarily_timed_out": lambda data: e.TemporarilyTimedOut(
        backoff_expires_at=decode_instant(data["backoff_expires_at"])
    ),
    "component_upgrade_finished": _decode_upgrade,
    "history_event": lambda data: _decode_history_event(data["event"]),
}
