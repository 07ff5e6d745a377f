"""What a workflow run needs from whoever drives it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from engine.log.events import StubError, TypeCheckError
from engine.log.ids import ExecutionId, JoinSetId
from engine.log.return_values import ReturnValue
from engine.workflow.join_sets import MemberId
from engine.workflow.target import Target


class RunPort(Protocol):
    """The outside of a workflow run. Every method may raise `RunInterrupted` to unwind the guest."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...

    def random_bytes(self, length: int) -> bytes:
        """Return random bytes that nobody can guess; what they go into must be recorded."""
        ...

    def run_expires_at(self) -> datetime:
        """Return until when a run that waits now may stay in memory."""
        ...

    def is_taken(self, execution_id: ExecutionId) -> bool:
        """Whether an execution of this id was committed."""
        ...

    def size_error(self, target: Target) -> TypeCheckError | None:
        """Return why a call's parameters are too large to be submitted now; asked for new calls only.

        The answer becomes part of the record, so that a limit which changes later does not change what a replay sees.
        """
        ...

    def wait(self, join_set: JoinSetId) -> None:
        """Return once a response of the join set was delivered to the run.

        The ``join_next`` that waits is the last entry of the buffer or of the log.
        """
        ...

    def refresh(self) -> None:
        """Deliver responses that arrived meanwhile, without waiting."""
        ...

    def yield_run(self) -> None:
        """Give others a turn: the run polls without waiting and has written many events."""
        ...

    def cancel(self, members: Sequence[MemberId]) -> None:
        """Make the run's requests durable, then ask that these members be cancelled; done for them or not, go on."""
        ...

    def complete_stub(self, target: ExecutionId, retval: ReturnValue, ffqn: str) -> StubError | None:
        """Make everything so far durable, then finish a stub execution; the same value again is fine.

        A value larger than the stub may have is a ``TypeCheckError``.
        """
        ...
