"""The stored form of events: JSON text, written out by hand so that renaming a field cannot rewrite history.

Execution events are tagged from outside (``{"locked": {...}}``, ``"paused"``), history events from inside
(``{"history_event": {"event": {"type": "join_next", ...}}}``).

Source:
    Obelisk reference, sections 5.1, 5.2 and 2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, assert_never

import orjson

from engine.deployment.spec import ComponentId, ComponentType
from engine.errors import StoredEventInvalid
from engine.log import events as e
from engine.log.ids import DelayId, DeploymentId, ExecutionId, ExecutorId, JoinSetId, RunId

Json = Any
"""A JSON document; narrowed by the decoders of this module."""


# All steps of a run name the same end of its lock.
@lru_cache(maxsize=1024)
def encode_instant(instant: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, with microseconds."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def decode_instant(text: str) -> datetime:
    """Return an instant from RFC 3339 text."""
    return datetime.fromisoformat(text).astimezone(UTC)


def encode_duration(duration: timedelta) -> Json:
    """Return a duration as ``{"secs": .., "nanos": ..}``."""
    return {"secs": duration.days * 86_400 + duration.seconds, "nanos": duration.microseconds * 1000}


def decode_duration(data: Json) -> timedelta:
    """Return a duration from ``{"secs": .., "nanos": ..}``."""
    return timedelta(seconds=data["secs"], microseconds=data["nanos"] // 1000)


def encode_schedule(schedule: e.ScheduleAt) -> Json:
    """Return a schedule as ``"now"``, ``{"at": ..}`` or ``{"in": ..}``."""
    match schedule:
        case e.Now():
            return "now"
        case e.At(instant=instant):
            return {"at": encode_instant(instant)}
        case e.In(duration=duration):
            return {"in": encode_duration(duration)}
        case _:
            assert_never(schedule)


def decode_schedule(data: Json) -> e.ScheduleAt:
    """Return a schedule from its stored form."""
    if data == "now":
        return e.Now()
    if "at" in data:
        return e.At(decode_instant(data["at"]))
    return e.In(decode_duration(data["in"]))


def encode_retval(retval: e.ReturnValue) -> Json:
    """Return a return value in its typed, stored form."""
    match retval:
        case e.Returned(ok=ok, payload=payload):
            typed = payload and {"type": payload.type, "value": orjson.Fragment(payload.value)}
            return {"ok" if ok else "err": typed}
        case e.Failed(kind=kind, reason=reason, detail=detail):
            failure: dict[str, Json] = {"kind": kind.value}
            if reason is not None:
                failure["reason"] = reason
            if detail is not None:
                failure["detail"] = detail
            return {"execution_failure": failure}
        case _:
            assert_never(retval)


def decode_retval(data: Json) -> e.ReturnValue:
    """Return a return value from its stored form."""
    if "execution_failure" in data:
        failure = data["execution_failure"]
        return e.Failed(kind=e.FailureKind(failure["kind"]), reason=failure.get("reason"), detail=failure.get("detail"))
    ok = "ok" in data
    typed = data["ok"] if ok else data["err"]
    return e.Returned(ok, None if typed is None else e.TypedValue(typed["type"], _text(typed["value"])))


def retval_text(retval: e.ReturnValue) -> str:
    """Return the stored form of a return value as JSON text; equal exactly for equal values."""
    return orjson.dumps(encode_retval(retval)).decode()


def retval_to_api(retval: e.ReturnValue) -> Json:
    """Return a return value as clients see it: values without types."""
    match retval:
        case e.Returned(ok=ok, payload=payload):
            return {"ok" if ok else "err": None if payload is None else orjson.loads(payload.value)}
        case e.Failed():
            return {"execution_failed": encode_retval(retval)["execution_failure"]}
        case _:
            assert_never(retval)


def _text(value: Json) -> e.JsonText:
    return e.JsonText(orjson.dumps(value).decode())


def _encode_component(component: ComponentId) -> Json:
    return {
        "component_type": component.component_type.value,
        "name": component.name,
        "component_digest": component.digest,
    }


def _decode_component(data: Json) -> ComponentId:
    return ComponentId(
        component_type=ComponentType(data["component_type"]), name=data["name"], digest=data["component_digest"]
    )


def _encode_persist_kind(kind: e.PersistKind) -> Json:
    match kind:
        case e.RandomU64(min=low, max_inclusive=high):
            return {"type": "random_u64", "min": low, "max_inclusive": high}
        case e.RandomString(min_length=low, max_length_exclusive=high):
            return {"type": "random_string", "min_length": low, "max_length_exclusive": high}
        case e.GeneratedExecutionId():
            return {"type": "execution_id"}
        case _:
            assert_never(kind)


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


def _encode_outcome(error: e.SubmitError | e.StubError | None) -> Json:
    match error:
        case None:
            return {"type": "ok"}
        case e.FunctionNotFound():
            return {"type": "function_not_found"}
        case e.TypeCheckError(message=message):
            return {"type": "type_check_error", "message": message}
        case e.StubNotFound():
            return {"type": "execution_not_found"}
        case e.StubConflict():
            return {"type": "conflict"}
        case _:
            assert_never(error)


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


def encode_history_event(event: e.HistoryEvent) -> Json:
    """Return a history event as a JSON document tagged with ``type``."""
    match event:
        case e.JoinSetCreated(join_set_id=join_set):
            return {"type": "join_set_create", "join_set_id": join_set}
        case e.ChildRequested():
            return {
                "type": "join_set_request",
                "join_set_id": event.join_set_id,
                "request": {
                    "type": "child_execution_request",
                    "child_execution_id": event.child_execution_id,
                    "target_ffqn": event.target_ffqn,
                    "params": orjson.Fragment(event.params),
                    "result": _encode_outcome(event.error),
                },
            }
        case e.DelayRequested():
            return {
                "type": "join_set_request",
                "join_set_id": event.join_set_id,
                "request": {
                    "type": "delay_request",
                    "delay_id": event.delay_id,
                    "expires_at": encode_instant(event.expires_at),
                    "schedule_at": encode_schedule(event.schedule_at),
                    "paused": event.paused,
                },
            }
        case e.JoinNext():
            data = {
                "type": "join_next",
                "join_set_id": event.join_set_id,
                "run_expires_at": encode_instant(event.run_expires_at),
                "closing": event.closing,
            }
            if event.requested_ffqn is not None:
                data["requested_ffqn"] = event.requested_ffqn
            return data
        case e.JoinNextTry(join_set_id=join_set, outcome=outcome):
            return {"type": "join_next_try", "join_set_id": join_set, "outcome": outcome.value}
        case e.JoinNextTooMany(join_set_id=join_set, requested_ffqn=requested):
            data = {"type": "join_next_too_many", "join_set_id": join_set}
            if requested is not None:
                data["requested_ffqn"] = requested
            return data
        case e.Persist(value=value, kind=kind):
            return {"type": "persist", "value": list(value), "kind": _encode_persist_kind(kind)}
        case e.Scheduled():
            return {
                "type": "schedule",
                "execution_id": event.execution_id,
                "schedule_at": encode_schedule(event.schedule_at),
                "target_ffqn": event.target_ffqn,
                "params_hash": event.params_hash,
                "result": _encode_outcome(event.error),
            }
        case e.Stubbed():
            return {
                "type": "stub",
                "target_execution_id": event.target_execution_id,
                "retval_hash": event.retval_hash,
                "result": _encode_outcome(event.error),
            }
        case _:
            assert_never(event)


def _decode_request(join_set: JoinSetId, data: Json) -> e.HistoryEvent:
    match data["type"]:
        case "child_execution_request":
            return e.ChildRequested(
                join_set_id=join_set,
                child_execution_id=ExecutionId(data["child_execution_id"]),
                target_ffqn=data["target_ffqn"],
                params=_text(data["params"]),
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


def decode_history_event(data: Json) -> e.HistoryEvent:
    """Return a history event from its JSON document."""
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


def _encode_created(event: e.Created) -> Json:
    return {
        "ffqn": event.ffqn,
        "params": orjson.Fragment(event.params),
        "parent": list(event.parent) if event.parent else None,
        "scheduled_at": encode_instant(event.scheduled_at),
        "component_id": _encode_component(event.component_id),
        "deployment_id": event.deployment_id,
        "metadata": dict(event.metadata),
        "scheduled_by": event.scheduled_by,
    }


def _decode_created(data: Json) -> e.Created:
    parent = data["parent"]
    scheduled_by = data["scheduled_by"]
    return e.Created(
        ffqn=data["ffqn"],
        params=_text(data["params"]),
        parent=(ExecutionId(parent[0]), JoinSetId(parent[1])) if parent else None,
        scheduled_at=decode_instant(data["scheduled_at"]),
        component_id=_decode_component(data["component_id"]),
        deployment_id=DeploymentId(data["deployment_id"]),
        metadata=tuple(data["metadata"].items()),
        scheduled_by=ExecutionId(scheduled_by) if scheduled_by else None,
    )


def _encode_locked(event: e.Locked) -> Json:
    return {
        "component_id": _encode_component(event.component_id),
        "executor_id": event.executor_id,
        "deployment_id": event.deployment_id,
        "run_id": event.run_id,
        "lock_expires_at": encode_instant(event.lock_expires_at),
        "retry_config": {
            "max_retries": event.max_retries,
            "retry_exp_backoff": encode_duration(event.retry_backoff),
        },
    }


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


def _encode_upgrade(event: e.ComponentUpgradeFinished) -> Json:
    outcome: Json
    if event.failure is not None:
        outcome = {"type": "failed", "reason": event.failure}
    elif event.automatic:
        outcome = {"type": "success", "reason": {"type": "auto"}}
    else:
        outcome = {"type": "success", "reason": {"type": "manual", "force": event.forced}}
    return {"component_digest": event.component_digest, "deployment_id": event.deployment_id, "outcome": outcome}


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


def variant_of(event: e.ExecutionEvent) -> str:
    """Return the tag under which an event is stored."""
    match event:
        case e.Created():
            return "created"
        case e.Locked():
            return "locked"
        case e.Finished():
            return "finished"
        case e.Unlocked():
            return "unlocked"
        case e.TemporarilyFailed():
            return "temporarily_failed"
        case e.TemporarilyTimedOut():
            return "temporarily_timed_out"
        case e.Paused():
            return "paused"
        case e.Unpaused():
            return "unpaused"
        case e.CancellationRequested():
            return "cancellation_requested"
        case e.ComponentUpgradeFinished():
            return "component_upgrade_finished"
        case _:
            return "history_event"


def event_document(event: e.ExecutionEvent) -> Json:
    """Return an event as a document for `orjson.dumps`; values inside stay raw JSON fragments."""
    if isinstance(event, e.HISTORY_EVENTS):  # most events are, and a match would try all the others first
        return {"history_event": {"event": encode_history_event(event)}}
    match event:
        case e.Created():
            return {"created": _encode_created(event)}
        case e.Locked():
            return {"locked": _encode_locked(event)}
        case e.Finished(retval=retval):
            return {"finished": {"retval": encode_retval(retval)}}
        case e.Unlocked(backoff_expires_at=instant, reason=reason):
            return {"unlocked": {"backoff_expires_at": encode_instant(instant), "reason": reason}}
        case e.TemporarilyFailed(backoff_expires_at=instant, reason=reason, detail=detail):
            failed = {"backoff_expires_at": encode_instant(instant), "reason": reason}
            if detail is not None:
                failed["detail"] = detail
            return {"temporarily_failed": failed}
        case e.TemporarilyTimedOut(backoff_expires_at=instant):
            return {"temporarily_timed_out": {"backoff_expires_at": encode_instant(instant)}}
        case e.Paused() | e.Unpaused() | e.CancellationRequested():
            return variant_of(event)
        case e.ComponentUpgradeFinished():
            return {"component_upgrade_finished": _encode_upgrade(event)}
        case _:
            assert_never(event)


def encode_event(event: e.ExecutionEvent) -> str:
    """Return an event's stored JSON text."""
    return orjson.dumps(event_document(event)).decode()


_UNIT_EVENTS: Mapping[str, e.ExecutionEvent] = {
    "paused": e.Paused(),
    "unpaused": e.Unpaused(),
    "cancellation_requested": e.CancellationRequested(),
}

_DECODERS: Mapping[str, Callable[[Json], e.ExecutionEvent]] = {
    "created": _decode_created,
    "locked": _decode_locked,
    "finished": lambda data: e.Finished(retval=decode_retval(data["retval"])),
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
    "history_event": lambda data: decode_history_event(data["event"]),
}


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
