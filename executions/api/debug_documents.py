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


class PersistedDocument(Struct, frozen=True):
    """How many backtraces are new."""

    persisted_backtrace_count: int


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
