"""Captured writes as clients see them, and what clients may send back.

Source:
    Obelisk reference, section 9.2, "Captured writes".
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import orjson
from msgspec import to_builtins

from engine.errors import EngineError
from engine.journal.records import Append, NewExecution
from engine.log.event_encoding import encode_event
from engine.log.events import ChildFinished, Created, DelayFinished, DelayRequested, Finished, LogEntry
from engine.log.retval_json import retval_text
from engine.log.time_json import encode_instant
from engine.replay.outcomes import CapturedWrite
from engine.replay.replaying import MOST_WRITES
from engine.workflow.inheritance import SEED_KEY
from executions.backtrace_documents import backtrace_document
from executions.backtraces import backtraces_of

Json = Any
"""A JSON document."""

_INCOMPARABLE = frozenset(
    ("created_at", "scheduled_at", "expires_at", "run_expires_at", "backtrace", "backtraces", "paused")
)
"""What differs from one replay to the next, or is the client's to choose."""


class CapturedWritesInvalid(EngineError):
    """What a client sent is no list of captured writes; says why in one sentence."""


def encode_captured_write(write: CapturedWrite) -> Json:
    """Return a captured write as JSON data."""
    append = write.append
    head = {"execution_id": append.execution_id, "version": append.expected}
    last = append.entries[-1].event
    if isinstance(last, Finished) and len(append.entries) == 1:
        return {"type": "append_finished", **head, "retval": _parsed(retval_text(last.retval)), **_parent(append)}
    events = [_event(entry) for entry in append.entries]
    backtraces = _backtraces(write)
    if write.stub is not None:
        return {"type": "append_stub_response", **head, "events": events, "response": _stub_response(write.stub.end)}
    if append.created:
        return {
            "type": "append_batch_create_new_execution",
            **head,
            "events": events,
            "child_requests": [_create_request(execution) for execution in append.created],
            "backtraces": backtraces,
        }
    for response in append.responses:
        if isinstance(response.event, DelayFinished):
            return {
                "type": "append_batch_with_delay_response",
                **head,
                "events": events,
                "join_set_id": response.join_set_id,
                "delay_id": response.event.delay_id,
            }
    known = {"backtraces": backtraces} if backtraces else {}
    if len(events) == 1:
        return {"type": "append", **head, "event": events[0], **known}
    return {"type": "append_batch", **head, "events": events, **known}


def read_captured_writes(data: Json) -> list[dict[str, Json]]:
    """Check that data is a list of captured writes, as far as that can be told without the replay.

    Raises:
        CapturedWritesInvalid: If it is not.
    """
    if not isinstance(data, list):
        raise CapturedWritesInvalid("captured_writes: expected the list that replay answered with, or its beginning")
    if not data:
        raise CapturedWritesInvalid("captured_writes: there is nothing to apply; send at least the first write")
    if len(data) > MOST_WRITES:
        raise CapturedWritesInvalid(f"captured_writes: at most {MOST_WRITES} writes are applied at a time")
    for index, write in enumerate(data):
        if not isinstance(write, dict) or not isinstance(write.get("version"), int):
            raise CapturedWritesInvalid(f"captured_writes[{index}]: expected an object with a version")
    return data


def is_same_write(ours: Json, theirs: Json) -> bool:
    """Tell whether two captured writes are the same apart from instants, backtraces and what is to be paused."""
    return bool(_comparable(ours) == _comparable(theirs))


def paused_members(writes: Sequence[Mapping[str, Json]]) -> set[str]:
    """Return the children and delays that a client wants to be created paused."""
    paused: set[str] = set()
    for write in writes:
        for request in _dicts(write.get("child_requests")):
            if request.get("paused") is True:
                paused.add(str(request.get("execution_id")))
        for delay in _delay_requests(write):
            if delay.get("paused") is True:
                paused.add(str(delay.get("delay_id")))
    return paused


def pausable_members(write: CapturedWrite) -> list[str]:
    """Return the ids of the children and delays that a write would create, and that may be created paused."""
    fired = {
        response.event.delay_id for response in write.append.responses if isinstance(response.event, DelayFinished)
    }
    delays = [entry.event.delay_id for entry in write.entries if isinstance(entry.event, DelayRequested)]
    children = [new.execution_id for new in write.append.created]
    return [*children, *(delay for delay in delays if delay not in fired)]


def set_paused(writes: Sequence[Mapping[str, Json]], members: Collection[str]) -> None:
    """Have some of the children and delays that writes would create be created paused."""
    for write in writes:
        for request in _dicts(write.get("child_requests")):
            request["paused"] = request["execution_id"] in members
        for delay in _delay_requests(write):
            delay["paused"] = delay["delay_id"] in members


def fingerprint(writes: Sequence[Json]) -> str:
    """Return a short text that is the same for the same writes (`is_same_write`), and for no others."""
    return hashlib.sha256(orjson.dumps(_comparable(list(writes)), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _delay_requests(write: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """Give the requests of delays in a write, which may be anything that a client sent."""
    for event in _dicts([*_dicts(write.get("events")), write.get("event")]):
        found: Json = event
        for key in ("event", "history_event", "event", "request"):
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict) and "delay_id" in found:
            yield found


def _dicts(data: Json) -> list[dict[str, Json]]:
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


def _comparable(data: Json) -> Json:
    match data:
        case dict():
            return {key: _comparable(value) for key, value in data.items() if key not in _INCOMPARABLE}
        case list():
            return [_comparable(value) for value in data]
        case _:
            return data


def _event(entry: LogEntry) -> Json:
    return {"created_at": encode_instant(entry.created_at), "event": _parsed(encode_event(entry.event))}


def _create_request(execution: NewExecution) -> Json:
    first = execution.entries[0]
    assert isinstance(first.event, Created)
    body = _parsed(encode_event(first.event))["created"]
    parent = body.pop("parent")
    if parent is not None:
        body["parent_execution_id"], body["parent_join_set_id"] = parent
    if body["scheduled_by"] is None:
        del body["scheduled_by"]
    # Whoever knows it can foretell the random numbers of the child.
    body["metadata"].pop(SEED_KEY, None)
    return {
        "created_at": encode_instant(first.created_at),
        "execution_id": execution.execution_id,
        **body,
        "paused": False,
    }


def _backtraces(write: CapturedWrite) -> list[Json]:
    found = [] if write.call_sites is None else backtraces_of(write.call_sites)
    return [to_builtins(backtrace_document(backtrace)) for backtrace in found]


def _stub_response(end: Append) -> Json:
    (response,) = end.responses
    assert isinstance(response.event, ChildFinished)
    return {
        "parent_execution_id": response.execution_id,
        "join_set_id": response.join_set_id,
        "child_execution_id": response.event.child_execution_id,
        "finished_version": response.event.finished_version,
        "created_at": encode_instant(response.created_at),
        "result": _parsed(retval_text(response.event.retval)),
    }


def _parent(append: Append) -> dict[str, Json]:
    for response in append.responses:
        return {"parent_execution_id": response.execution_id, "parent_join_set_id": response.join_set_id}
    return {}


def _parsed(text: str) -> Json:
    return orjson.loads(text)
