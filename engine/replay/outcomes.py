"""What a replay comes to."""

from __future__ import annotations

from dataclasses import dataclass

from engine.journal.records import Append
from engine.log.backtraces import CallSites
from engine.log.events import LogEntry
from engine.log.ids import ExecutionId, Version
from engine.log.return_values import JsonText, ReturnValue
from engine.workflow.join_sets import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class StubEnd:
    """A stub execution that the captured write would finish.

    Args:
        target: The stub execution.
        retval: Its result.
        end: The write that finishes it, if it is as it was seen.
    """

    target: ExecutionId
    retval: ReturnValue
    end: Append


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedWrite:
    """What one host call would have written.

    Args:
        append: The write.
        stub: What is finished before it.
        cancels: Members of join sets, to be cancelled before it; newest first.
        call_sites: The place of the call; ``None`` if it is not known.
    """

    append: Append
    stub: StubEnd | None = None
    cancels: tuple[MemberId, ...] = ()
    call_sites: CallSites | None = None

    @property
    def entries(self) -> tuple[LogEntry, ...]:
        """The execution's own events."""
        return self.append.entries


@dataclass(frozen=True, slots=True)
class Advanceable:
    """The workflow follows its history and would go on by these writes; the last may be its end."""

    writes: tuple[CapturedWrite, ...]


@dataclass(frozen=True, slots=True)
class FinishedReplay:
    """The execution has finished, and its log was reproduced completely."""

    retval: ReturnValue


@dataclass(frozen=True, slots=True)
class Blocked:
    """The workflow follows its history and waits; it has nothing to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFailed:
    """The workflow does not follow its history, or dies.

    Args:
        error: One sentence.
        version: The recorded event at which history and code part; ``None`` if it is not about one.
        writes: What it would have written before.
    """

    error: str
    version: Version | None = None
    writes: tuple[CapturedWrite, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """Where a workflow and its history part.

    Args:
        version: The recorded event that the workflow does not ask for.
        requested: What it asks for instead, as `engine.log.event_encoding` writes it; ``None`` if it has ended.
        stack: Where it asks (`engine.log.backtraces`); ``None`` if it does not say so.
    """

    version: Version
    requested: str | None
    stack: JsonText | None


ReplayOutcome = Advanceable | FinishedReplay | Blocked | ReplayFailed
