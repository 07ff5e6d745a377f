"""What answers say about replays, forks and backtraces.

Source:
    Obelisk reference, section 9.2; forks are ours.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from engine.log.retval_json import retval_to_api
from engine.replay.outcomes import Advanceable, Blocked, CapturedWrite, FinishedReplay, ReplayFailed, ReplayOutcome
from executions.api.execution_documents import PresentState
from executions.api.problems import Problem, ProblemCode
from executions.backtraces import Backtrace
from executions.operations.captured_writes import encode_captured_write

CapturedWrites = Annotated[list[dict[str, Any]], Meta(description="What would be written, a host call each.")]


class AdvanceableReplay(Struct, frozen=True, tag_field="type", tag="advanceable"):
    """It follows its history and would go on like this."""

    captured_writes: CapturedWrites


class FinishedReplayDocument(Struct, frozen=True, tag_field="type", tag="finished"):
    """Its log was reproduced completely."""

    retval: Any


class BlockedReplay(Struct, frozen=True, tag_field="type", tag="blocked"):
    """It follows its history and waits."""


ReplayDocument = AdvanceableReplay | FinishedReplayDocument | BlockedReplay


class FinishedAdvance(Struct, frozen=True, tag_field="type", tag="finished"):
    """It has ended."""

    value: Any


class AdvanceInProgress(Struct, frozen=True, tag_field="type", tag="in_progress"):
    """It goes on from here."""

    pending_state: PresentState


AdvanceDocument = FinishedAdvance | AdvanceInProgress


class ComponentIdDocument(Struct, frozen=True, kw_only=True):
    """A version of a component."""

    component_type: str
    name: str
    component_digest: str


class BacktraceDocument(Struct, frozen=True, kw_only=True):
    """Where a call was made."""

    execution_id: str
    component_id: ComponentIdDocument
    version_min_including: int
    version_max_excluding: int
    wasm_backtrace: Annotated[dict[str, Any], Meta(description="`frames`, the innermost first.")]


class PersistedDocument(Struct, frozen=True):
    """How many backtraces are new."""

    persisted_backtrace_count: Annotated[
        int, Meta(description="Always 0: the places of calls are stored as the calls are made.")
    ]


class ForkedDocument(Struct, frozen=True):
    """A fork was started."""

    ok: Annotated[str, Meta(description="Its execution id.")]


def replay_document(outcome: ReplayOutcome) -> ReplayDocument:
    """Return what is said about a replay.

    Raises:
        Problem: If the code does not follow the history.
    """
    match outcome:
        case Advanceable(writes=writes):
            return AdvanceableReplay(captured_writes(writes))
        case FinishedReplay(retval=retval):
            return FinishedReplayDocument(retval_to_api(retval))
        case Blocked():
            return BlockedReplay()
        case ReplayFailed(error=error, version=version, writes=writes):
            # Obelisk's own type takes the place of the one that leads to the explanation of the code.
            members: dict[str, Any] = {
                "type": "replay_failed",
                "error": error,
                "captured_writes": captured_writes(writes),
            }
            if version is not None:
                members["version"] = version
            raise Problem(ProblemCode.REPLAY_FAILED, error, members=members)


def captured_writes(writes: tuple[CapturedWrite, ...]) -> list[dict[str, Any]]:
    """Return captured writes as clients see them."""
    return [encode_captured_write(write) for write in writes]


def backtrace_document(found: Backtrace) -> BacktraceDocument:
    """Return what is said about the place of a call."""
    kind, name, digest = found.component.split(":", 2)
    return BacktraceDocument(
        execution_id=found.execution_id,
        component_id=ComponentIdDocument(component_type=kind, name=name, component_digest=digest),
        version_min_including=found.first,
        version_max_excluding=found.behind,
        wasm_backtrace=found.stack,
    )
