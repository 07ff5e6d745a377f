"""What host functions need from the run that calls them; the executor implements it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from engine.activity.http.outbound import OutboundHttp
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import LogLevel
from engine.errors import ConstraintViolation
from engine.log.events import Metadata
from engine.log.ids import ExecutionId, JoinSetId, Version
from engine.log.return_values import JsonText
from engine.workflow.run import WorkflowRun


class RunFacts(Struct, frozen=True, kw_only=True, gc=False):
    """Which execution a run belongs to.

    Args:
        ffqn: The function that runs.
        parent_id: The execution that waits for it, if any.
        created_at: When the execution was created.
        attempt: Which run of an activity this is, from 1; 1 in a workflow.
        expires_at: When this run of an activity is stopped; ``None`` in a workflow.
        metadata: What its creation carries along.
    """

    execution_id: ExecutionId
    ffqn: str
    parent_id: ExecutionId | None
    created_at: datetime
    attempt: int = 1
    expires_at: datetime | None = None
    metadata: Metadata = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestNote:
    """What an interpreted guest says beside a returned error.

    Args:
        is_permanent: Whether another attempt is of no use.
        retry_after: How long another attempt has to wait at least.
        trace: Where in the source the error came from.
        wants_retirement: Whether its instance should serve no further call.
    """

    is_permanent: bool = False
    retry_after: timedelta | None = None
    trace: str | None = None
    wants_retirement: bool = False


class LoggingContext(Protocol):
    """A run that takes log lines."""

    def log(self, level: LogLevel, message: str) -> None:
        """Store a guest's log line, if the component's level asks for it."""
        ...


class ActivityContext(LoggingContext, Protocol):
    """An attempt at an activity.

    Args:
        facts: Which execution it belongs to.
        note: Set by an interpreted guest that returned an error.
    """

    note: GuestNote | None

    @property
    def facts(self) -> RunFacts:
        """Which execution it belongs to."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The guest's environment variables."""
        ...

    @property
    def http(self) -> OutboundHttp:
        """The guest's way out."""
        ...

    def now(self) -> datetime:
        """Return the present instant."""
        ...


class CallSiteLog(Protocol):
    """What remembers where in the source a workflow makes its calls."""

    @property
    def is_needed(self) -> bool:
        """Whether a guest should say so for which that is work."""
        ...

    def begin(self, stack: JsonText, version: Version) -> None:
        """Hear that a call is made; ``version`` is that of the next event."""
        ...

    def end(self, version: Version) -> None:
        """Hear that the call is over."""
        ...


class Question(Protocol):
    """What a throw-away copy of a run is asked when it comes to the end of its history."""

    def ask(self) -> str:
        """Return the question as the guest gets it.

        Raises:
            RunSuspended: If it was asked before: the guest does not understand it.
        """
        ...

    def answer(self, answer: dict[str, object]) -> None:
        """Take the guest's answer."""
        ...


class Deployed(Protocol):
    """A run that may name deployed functions."""

    def find_function(self, ffqn: str) -> DeployedFunction | None:
        """Return a deployed function, or ``None``."""
        ...


class WorkflowContext(LoggingContext, Protocol):
    """A workflow's run.

    Args:
        mutex: Held while a host function works on ``run``; the driver lets go of it where it waits.
        run: The replaying and recording side.
        join_sets: The guest's handles.
        note: Set by an interpreted guest that returned.
    """

    mutex: threading.Lock
    run: WorkflowRun
    join_sets: JoinSetHandles
    note: GuestNote | None

    @property
    def question(self) -> Question | None:
        """What the guest is asked; ``None`` in a run that counts."""
        ...

    @property
    def call_sites(self) -> CallSiteLog:
        """Remembers where calls are made."""
        ...

    @property
    def facts(self) -> RunFacts:
        """Which execution it belongs to."""
        ...

    def find_function(self, ffqn: str) -> DeployedFunction | None:
        """Return a deployed function, or ``None``."""
        ...

    def function_of(self, execution_id: ExecutionId) -> str | None:
        """Return the function that an execution was created for; ``None`` if there is no such execution."""
        ...

    def after_call(self) -> None:
        """Hear that a host call is done: commit what is due, or unwind the run if its lock is lost."""
        ...


class JoinSetHandles:
    """The numbers by which a guest's join-set resources are known to the host."""

    __slots__ = ("_ids", "_next")

    def __init__(self) -> None:
        self._ids: dict[int, JoinSetId] = {}
        self._next = 1

    def give(self, join_set: JoinSetId) -> int:
        """Return a new handle."""
        handle = self._next
        self._next += 1
        self._ids[handle] = join_set
        return handle

    def look_up(self, handle: int) -> JoinSetId:
        """Return the join set of a borrowed handle.

        Raises:
            ConstraintViolation: If the guest made the handle up.
        """
        try:
            return self._ids[handle]
        except KeyError:
            raise ConstraintViolation(f"join set handle {handle} does not exist") from None

    def take(self, handle: int) -> JoinSetId | None:
        """Return the join set of a handle that the guest gives up; ``None`` if it was given up before."""
        return self._ids.pop(handle, None)
