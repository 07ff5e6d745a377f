"""Functions of the program that hosts the executor: outside the sandbox, trusted, and not to be stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.deployment.registry import DeployedFunction
from engine.errors import JournalError
from engine.host.context import GuestNote, RunFacts
from engine.journal.records import Append, Hints
from engine.wit.options import JsonValue

_NO_NOTE = GuestNote()
_NO_HINTS = Hints()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HostCall:
    """One attempt at a host function; equal to itself only.

    Args:
        function: What to call.
        args: Canonical parameters.
        facts: For which execution.
        end: Returns the write that ends the execution with a canonical result, under the attempt's lock.
    """

    function: DeployedFunction
    args: Sequence[JsonValue]
    facts: RunFacts
    end: Callable[[JsonValue], Append]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAnswer:
    """What a host function returned or raised.

    Args:
        value: The canonical result.
        note: What it says beside an error value.
    """

    value: JsonValue
    note: GuestNote = _NO_NOTE


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEnd:
    """The function's own transaction was to end the execution as well.

    Args:
        refusal: Why the journal refused that, so that nothing was written; ``None`` if the end is durable.
        hints: Who may want to look again.
    """

    refusal: JournalError | None = None
    hints: Hints = _NO_HINTS


class HostFunctions(Protocol):
    """What carries out the functions of components whose runner is the host."""

    def call(self, call: HostCall) -> HostAnswer | HostEnd:
        """Call a function, on a thread that is this call's own as long as it takes.

        Raises:
            DeploymentError: If there is no such function here.
            JournalUnavailable: If the storage did not answer.
        """
        ...

    def give_up(self, call: HostCall) -> None:
        """Hear, on another thread, that nobody waits for a call any more: its time is over, or it is cancelled.

        It goes on, but must keep nothing from others: what it holds locked is let go.
        """
        ...

    def thread_ends(self) -> None:
        """Give back what belongs to the calling thread, which made calls and makes no more."""
        ...
