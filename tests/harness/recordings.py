"""Recordings as they would have been, had the process died earlier or the code been another."""

from __future__ import annotations

from msgspec.structs import replace

from engine.journal.requirements import source_of
from engine.log.events import ChildRequested, ExecutionEvent, LogEntry, Scheduled
from engine.log.ids import ExecutionId, Version
from engine.simulation.recordings import Recorded, Recording


def cut(recording: Recording, target: ExecutionId, version: int) -> Recording:
    """Return what a journal held when the target's log had reached a version, and nobody's run has survived.

    Children whose responses had arrived are kept; others are as their creation left them.
    """
    whole = recording[target]
    entries = whole.entries[:version]
    responses = tuple(response for response in whole.responses if response.at_version <= version)
    kept = {target: Recorded(entries, responses)}
    arrived = {source_of(response) for response in responses}
    for entry in entries:
        match entry.event:
            case ChildRequested(child_execution_id=child, error=None) if child in arrived:
                kept.update({member: recording[member] for member in _below(recording, child)})
            case ChildRequested(child_execution_id=other, error=None) | Scheduled(execution_id=other, error=None):
                kept[other] = Recorded(recording[other].entries[:1])
            case _:
                pass
    return kept


def with_events(recorded: Recorded, *events: ExecutionEvent) -> Recorded:
    """Return a log with other events from version 0 on; the instants are those of the old ones."""
    last = recorded.entries[-1].created_at
    instants = [entry.created_at for entry in recorded.entries]
    return Recorded(
        tuple(
            LogEntry(Version(version), instants[version] if version < len(instants) else last, event)
            for version, event in enumerate(events)
        ),
        tuple(replace(response, at_version=min(response.at_version, len(events))) for response in recorded.responses),
    )


def _below(recording: Recording, target: ExecutionId) -> list[ExecutionId]:
    return [member for member in recording if member == target or member.startswith(f"{target}.")]
