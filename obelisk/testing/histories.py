"""Recorded logs as files: ``{"about": ..., "target": "E_...", "executions": {"E_...": {...}}}``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.log.ids import ExecutionId
from engine.simulation.recordings import Recording, dump_recording, parse_recording


@dataclass(frozen=True, slots=True)
class History:
    """What a file holds: logs, and which of them is the one that was asked for."""

    target: ExecutionId
    recording: Recording


def write_history(path: Path, *, about: str, target: ExecutionId, recording: Recording) -> None:
    """Write a file.

    Args:
        path: Where to; one that exists is replaced.
        about: For people.
        target: Which execution it is about.
        recording: It and its kin.
    """
    document: dict[str, Any] = {"about": about, "target": target, "executions": dump_recording(recording)}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_history(path: Path) -> History:
    """Read a file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not one that `write_history` wrote.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        history = History(ExecutionId(document["target"]), parse_recording(document["executions"]))
    except (KeyError, TypeError, AttributeError, ValueError, EngineError) as error:
        raise ValueError(f"{path} is not a history that run.save() wrote: {type(error).__name__}: {error}") from error
    if history.target not in history.recording:
        raise ValueError(f"{path} is not a history that run.save() wrote: it lacks {history.target}")
    return history
