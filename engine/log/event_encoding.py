"""Events to their stored JSON text, written out by hand so that renaming a field cannot rewrite history.

Execution events are tagged from outside (``{"locked": {...}}``, ``"paused"``), history events from inside
(``{"history_event": {"event": {"type": "join_next", ...}}}``). The events that every step writes are put together as
text, from parts that are the same for thousands of them; that takes a third of the time of building a document.

Source:
    Obelisk reference, sections 5.1, 5.2 and 2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple, assert_never

import orjson

from engine.deployment.spec import ComponentId
from engine.log import events as e
from engine.log.retval_json import retval_text
from engine.log.time_json import encode_duration, encode_instant, encode_schedule

Json = Any
"""A document for `orjson.dumps`."""


class EventKind(NamedTuple):
    """How the events of one type are stored.

    Args:
        variant: The tag of the stored text.
        history_type: The inner tag of a history event; ``None`` for others.
        is_of_join_set: Whether the event names a join set.
        encode: Returns an event's stored JSON text.
    """

    variant: str
    history_type: str | None
    is_of_join_set: bool
    encode: Callable[[Any], str]


def encode_event(event: e.ExecutionEvent) -> str:
    """Return an event's stored JSON text."""
    return KINDS[type(event)].encode(event)


def variant_of(event: e.ExecutionEvent) -> str:
    """Return the tag under which an event is stored."""
    return KINDS[type(event)].variant


def history_type_of(event: e.ExecutionEvent) -> str | None:
    """Return the inner tag of a history event; ``None`` for other events."""
    return KINDS[type(event)].history_type


def _dumps(document: Json) -> str:
    return orjson.dumps(document).decode()


# Functions, components, deployments, executors and runs: few of them, and named by every step.
_quoted = lru_cache(maxsize=4096)(_dumps)


# --- Execution events -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _component(component: ComponentId) -> str:
    return _dumps(
        {
            "component_type": component.component_type.value,
            "name": component.name,
            "component_digest": component.digest,
        }
    )


@lru_cache(maxsize=1024)
def _retry_config(max_retries: int | None, backoff: timedelta) -> str:
    return _dumps({"max_retries": max_retries, "retry_exp_backoff": encode_duration(backoff)})


def _created(event: e.Created) -> str:
    # Ids hold nothing that JSON would have to escape (`engine.log.ids`).
    parent = "null" if event.parent is None else f'["{event.parent[0]}","{event.parent[1]}"]'
    metadata = _dumps(dict(event.metadata)) if event.metadata else "{}"
    scheduled_by = "null" if event.scheduled_by is None else f'"{event.scheduled_by}"'
    return (
        f'{{"created":{{"ffqn":{_quoted(event.ffqn)},"params":{event.params},"parent":{parent},'
        f'"scheduled_at":"{encode_instant(event.scheduled_at)}","component_id":{_component(event.component_id)},'
        f'"deployment_id":{_quoted(event.deployment_id)},"metadata":{metadata},"scheduled_by":{scheduled_by}}}}}'
    )


def _locked(event: e.Locked) -> str:
    return (
        f'{{"locked":{{"component_id":{_component(event.component_id)},"executor_id":{_quoted(event.executor_id)},'
        f'"deployment_id":{_quoted(event.deployment_id)},"run_id":{_quoted(event.run_id)},'
        f'"lock_expires_at":"{encode_instant(event.lock_expires_at)}",'
        f'"retry_config":{_retry_config(event.max_retries, event.retry_backoff)}}}}}'
    )


def _finished(event: e.Finished) -> str:
    detail = "" if event.detail is None else f',"detail":{_dumps(event.detail)}'
    return f'{{"finished":{{"retval":{retval_text(event.retval)}{detail}}}}}'


def _unlocked(event: e.Unlocked) -> str:
    return _dumps(
        {"unlocked": {"backoff_expires_at": encode_instant(event.backoff_expires_at), "reason": event.reason}}
    )


def _temporarily_failed(event: e.TemporarilyFailed) -> str:
    body = {"backoff_expires_at": encode_instant(event.backoff_expires_at), "reason": event.reason}
    if event.detail is not None:
        body["detail"] = event.detail
    return _dumps({"temporarily_failed": body})


def _temporarily_timed_out(event: e.TemporarilyTimedOut) -> str:
    return _dumps({"temporarily_timed_out": {"backoff_expires_at": encode_instant(event.backoff_expires_at)}})


def _bare(event: e.Paused | e.Unpaused | e.CancellationRequested) -> str:
    return _quoted(variant_of(event))


def _upgrade(event: e.ComponentUpgradeFinished) -> str:
    outcome: Json
    if event.failure is not None:
        outcome = {"type": "failed", "reason": event.failure}
    elif event.automatic:
        outcome = {"type": "success", "reason": {"type": "auto"}}
    else:
        outcome = {"type": "success", "reason": {"type": "manual", "force": event.forced}}
    body = {"component_digest": event.component_digest, "deployment_id": event.deployment_id, "outcome": outcome}
    return _dumps({"component_upgrade_finished": body})


# --- History events ---------------------------------------------------------------------------------------------------

_REQUEST_OK = '{"type":"ok"}'


def _history(body: Json) -> str:
    return _dumps({"history_event": {"event": body}})


def _join_set_created(event: e.JoinSetCreated) -> str:
    return f'{{"history_event":{{"event":{{"type":"join_set_create","join_set_id":"{event.join_set_id}"}}}}}}'


def _child_requested(event: e.ChildRequested) -> str:
    result = _REQUEST_OK if event.error is None else _dumps(_outcome(event.error))
    return (
        f'{{"history_event":{{"event":{{"type":"join_set_request","join_set_id":"{event.join_set_id}",'
        f'"request":{{"type":"child_execution_request","child_execution_id":"{event.child_execution_id}",'
        f'"target_ffqn":{_quoted(event.target_ffqn)},"params":{event.params},"result":{result}}}}}}}}}'
    )


def _delay_requested(event: e.DelayRequested) -> str:
    request = {
        "type": "delay_request",
        "delay_id": event.delay_id,
        "expires_at": encode_instant(event.expires_at),
        "schedule_at": encode_schedule(event.schedule_at),
        "paused": event.paused,
    }
    return _history({"type": "join_set_request", "join_set_id": event.join_set_id, "request": request})


def _join_next(event: e.JoinNext) -> str:
    requested = "" if event.requested_ffqn is None else f',"requested_ffqn":{_quoted(event.requested_ffqn)}'
    return (
        f'{{"history_event":{{"event":{{"type":"join_next","join_set_id":"{event.join_set_id}",'
        f'"run_expires_at":"{encode_instant(event.run_expires_at)}",'
        f'"closing":{"true" if event.closing else "false"}{requested}}}}}}}'
    )


def _join_next_try(event: e.JoinNextTry) -> str:
    return _history({"type": "join_next_try", "join_set_id": event.join_set_id, "outcome": event.outcome.value})


def _join_next_too_many(event: e.JoinNextTooMany) -> str:
    body = {"type": "join_next_too_many", "join_set_id": event.join_set_id}
    if event.requested_ffqn is not None:
        body["requested_ffqn"] = event.requested_ffqn
    return _history(body)


def _persist(event: e.Persist) -> str:
    return _history({"type": "persist", "value": list(event.value), "kind": _persist_kind(event.kind)})


def _persist_kind(kind: e.PersistKind) -> Json:
    match kind:
        case e.RandomU64(min=low, max_inclusive=high):
            return {"type": "random_u64", "min": low, "max_inclusive": high}
        case e.RandomString(min_length=low, max_length_exclusive=high):
            return {"type": "random_string", "min_length": low, "max_length_exclusive": high}
        case e.GeneratedExecutionId():
            return {"type": "execution_id"}
        case _:
            assert_never(kind)


def _scheduled(event: e.Scheduled) -> str:
    return _history(
        {
            "type": "schedule",
            "execution_id": event.execution_id,
            "schedule_at": encode_schedule(event.schedule_at),
            "target_ffqn": event.target_ffqn,
            "params_hash": event.params_hash,
            "result": _outcome(event.error),
        }
    )


def _stubbed(event: e.Stubbed) -> str:
    return _history(
        {
            "type": "stub",
            "target_execution_id": event.target_execution_id,
            "retval_hash": event.retval_hash,
            "result": _outcome(event.error),
        }
    )


def _outcome(error: e.SubmitError | e.StubError | None) -> Json:
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


def _plain(variant: str, encode: Callable[[Any], str]) -> EventKind:
    return EventKind(variant, None, is_of_join_set=False, encode=encode)


def _of_history(history_type: str, encode: Callable[[Any], str], *, is_of_join_set: bool = True) -> EventKind:
    return EventKind("history_event", history_type, is_of_join_set, encode)


KINDS: Mapping[type[e.ExecutionEvent], EventKind] = {
    e.Created: _plain("created", _created),
    e.Locked: _plain("locked", _locked),
    e.Unlocked: _plain("unlocked", _unlocked),
    e.TemporarilyFailed: _plain("temporarily_failed", _temporarily_failed),
    e.TemporarilyTimedOut: _plain("temporarily_timed_out", _temporarily_timed_out),
    e.Finished: _plain("finished", _finished),
    e.Paused: _plain("paused", _bare),
    e.Unpaused: _plain("unpaused", _bare),
    e.CancellationRequested: _plain("cancellation_requested", _bare),
    e.ComponentUpgradeFinished: _plain("component_upgrade_finished", _upgrade),
    e.Persist: _of_history("persist", _persist, is_of_join_set=False),
    e.JoinSetCreated: _of_history("join_set_create", _join_set_created),
    e.ChildRequested: _of_history("join_set_request", _child_requested),
    e.DelayRequested: _of_history("join_set_request", _delay_requested),
    e.JoinNext: _of_history("join_next", _join_next),
    e.JoinNextTry: _of_history("join_next_try", _join_next_try),
    e.JoinNextTooMany: _of_history("join_next_too_many", _join_next_too_many),
    e.Scheduled: _of_history("schedule", _scheduled, is_of_join_set=False),
    e.Stubbed: _of_history("stub", _stubbed, is_of_join_set=False),
}
"""How the events of each type are stored; without a kind one cannot be. The tests hold this to `ExecutionEvent`."""
