"""What a journal holds of some executions: taken down, stored as JSON, and put into another journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.journal.memory import MemoryJournal
from engine.journal.protocol import Journal
from engine.journal.records import DelayRow
from engine.journal.requirements import source_of
from engine.log.event_decoding import decode_event
from engine.log.event_encoding import encode_event
from engine.log.events import (
    ChildFinished,
    DelayFinished,
    DelayRequested,
    Finished,
    LogEntry,
    Response,
    ResponseEvent,
)
from engine.log.ids import DelayId, ExecutionId, JoinSetId, Version
from engine.log.retval_json import decode_retval
from engine.log.state import ExecutionState, fold_log
from engine.log.time_json import decode_instant, encode_instant
from engine.simulation.family import kin_of


@dataclass(frozen=True, slots=True)
class Recorded:
    """One execution's log, and the responses that it received."""

    entries: tuple[LogEntry, ...]
    responses: tuple[Response, ...] = ()

    def state(self, execution_id: ExecutionId) -> ExecutionState:
        """Return what the log folds to."""
        return fold_log(execution_id, self.entries, self.responses)

    def open_delays(self, execution_id: ExecutionId) -> list[DelayRow]:
        """Return what had not fired."""
        fired = {source_of(response) for response in self.responses}
        return [
            DelayRow(entry.event.delay_id, execution_id, entry.event.join_set_id, entry.event.expires_at, paused=False)
            for entry in self.entries
            if isinstance(entry.event, DelayRequested) and entry.event.delay_id not in fired
        ]


Recording = Mapping[ExecutionId, Recorded]


def record(journal: Journal, target: ExecutionId) -> Recording:
    """Take down an execution, everything below it, and what these scheduled."""
    return {
        member: Recorded(tuple(journal.load_log(member)), tuple(journal.load_responses(member)))
        for member in kin_of(journal, target)
    }


def restore(recording: Recording) -> MemoryJournal:
    """Return a journal that holds these logs."""
    journal = MemoryJournal()
    for execution_id, recorded in recording.items():
        journal.restore(
            recorded.state(execution_id),
            recorded.entries,
            recorded.responses,
            recorded.open_delays(execution_id),
        )
    return journal


def without_end(recorded: Recorded) -> Recorded:
    """Return a finished execution's log as it was before the end."""
    assert isinstance(recorded.entries[-1].event, Finished)
    return Recorded(recorded.entries[:-1], recorded.responses)


def last_instant(recording: Recording) -> datetime:
    """Return when the last event of all happened."""
    return max(entry.created_at for recorded in recording.values() for entry in recorded.entries)


def dump_recording(recording: Recording) -> dict[str, Any]:
    """Return a recording as a JSON document."""
    return {
        execution_id: {
            "events": [
                {"created_at": encode_instant(entry.created_at), "event": json.loads(encode_event(entry.event))}
                for entry in recorded.entries
            ],
            "responses": [_dump_response(response) for response in recorded.responses],
        }
        for execution_id, recorded in recording.items()
    }


def parse_recording(document: Mapping[str, Any]) -> Recording:
    """Return a recording from its JSON document."""
    return {
        ExecutionId(execution_id): Recorded(
            tuple(
                LogEntry(Version(version), decode_instant(row["created_at"]), decode_event(json.dumps(row["event"])))
                for version, row in enumerate(data["events"])
            ),
            tuple(
                _parse_response(ExecutionId(execution_id), cursor, row)
                for cursor, row in enumerate(data["responses"], 1)
            ),
        )
        for execution_id, data in document.items()
    }


def _dump_response(response: Response) -> dict[str, Any]:
    event = response.event
    body: dict[str, Any]
    match event:
        case ChildFinished():
            body = {
                "type": "child_execution_finished",
                "child_execution_id": event.child_execution_id,
                "finished_version": event.finished_version,
                "result": json.loads(encode_event(Finished(retval=event.retval)))["finished"]["retval"],
            }
        case DelayFinished():
            body = {"type": "delay_finished", "delay_id": event.delay_id, "cancelled": event.cancelled}
    return {
        "created_at": encode_instant(response.created_at),
        "at_version": response.at_version,
        "join_set_id": response.join_set_id,
        "event": body,
    }


def _parse_response(execution_id: ExecutionId, cursor: int, row: dict[str, Any]) -> Response:
    body = row["event"]
    event: ResponseEvent
    if body["type"] == "delay_finished":
        event = DelayFinished(delay_id=DelayId(body["delay_id"]), cancelled=body["cancelled"])
    else:
        event = ChildFinished(
            child_execution_id=ExecutionId(body["child_execution_id"]),
            finished_version=Version(body["finished_version"]),
            retval=decode_retval(body["result"]),
        )
    return Response(
        execution_id=execution_id,
        cursor=cursor,
        at_version=row["at_version"],
        join_set_id=JoinSetId(row["join_set_id"]),
        created_at=decode_instant(row["created_at"]),
        event=event,
    )
