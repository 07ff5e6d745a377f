"""A workflow's run whose writes are kept in memory: the port and the guest's context of a replay.

Source:
    Obelisk reference, section 5.9.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property

from engine.clock import Clock
from engine.deployment.limits import RunLimits
from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import LogLevel
from engine.errors import ExecutionNotFound, RunSuspended
from engine.executor.ends import end_of
from engine.executor.limit_problems import params_error
from engine.executor.stubs import judge_stub
from engine.host.context import GuestNote, JoinSetHandles, Question, RunFacts
from engine.host.wasi.state import WasiState
from engine.journal.protocol import Journal
from engine.journal.records import Append
from engine.log.events import Created, Finished, LogEntry, Response, StubError, TypeCheckError
from engine.log.ids import DeploymentId, ExecutionId, JoinSetId, Version
from engine.log.return_values import ReturnValue
from engine.log.state import ExecutionState, initial_state
from engine.replay.outcomes import CapturedWrite, StubEnd
from engine.replay.replayed_call_sites import ReplayedCallSites
from engine.replay.subject import Subject
from engine.workflow.join_sets import MemberId
from engine.workflow.lineage import began_at
from engine.workflow.run import WorkflowRun
from engine.workflow.target import Target

Answers = Callable[["CapturingRun", JoinSetId], Response | None]
"""Returns a response for a join set that nothing has arrived for, or ``None``.

A run that has such answers goes on behind what is authoritative only once it is applied.
"""


class CapturingRun:
    """Takes what a run records after every host call as one captured write, and commits nothing.

    It unwinds the guest where the run would have to wait, behind what is authoritative only once it is applied (a
    stub's result, a delay that is due at once), and when enough was captured.

    Args:
        subject: The execution.
        function: What is run.
        registry: What the guest may call.
        journal: Is asked about other executions, and never written to.
        clock: The source of time.
        limits: What any run may use up; a component's own limits may be lower.
        most_writes: How many writes to capture.
        answers: Brings responses that the history does not hold.
        question: What the guest is asked where it is unwound.
        is_traced: Have guests say where they make their calls for which that is work; the others always do.
    """

    def __init__(
        self,
        subject: Subject,
        function: DeployedFunction,
        *,
        registry: Registry,
        journal: Journal,
        clock: Clock,
        limits: RunLimits,
        most_writes: int,
        answers: Answers | None = None,
        question: Question | None = None,
        is_traced: bool = False,
    ) -> None:
        self.mutex = threading.Lock()
        self.join_sets = JoinSetHandles()
        self.call_sites = ReplayedCallSites(
            subject.state.execution_id,
            function.component.id,
            subject.entries,
            lambda: self.run.position,
            is_needed=is_traced,
        )
        self.note: GuestNote | None = None
        self.question = question
        self.writes: list[CapturedWrite] = []
        self._subject = subject
        self._registry = registry
        self._journal = journal
        self._clock = clock
        self._limits = limits
        self._most_writes = most_writes
        self._answers = answers
        self._stub: StubEnd | None = None
        self._cancels: list[MemberId] = []
        self._born: dict[ExecutionId, LogEntry] = {}
        self.run = WorkflowRun(
            state=subject.state,
            entries=subject.entries,
            responses=subject.responses,
            port=self,
            deployment_id=DeploymentId(registry.deployment.id),
            metadata=subject.created.metadata,
        )

    def created_of(self, execution_id: ExecutionId) -> Created | None:
        """Return the first event of an execution that is there, or would be."""
        born = self._born.get(execution_id)
        entries = [born] if born is not None else self._journal.load_log(execution_id)
        first = entries[0].event if entries else None
        return first if isinstance(first, Created) else None

    def finish(self, retval: ReturnValue, responses: Callable[[], tuple[Response, ...]]) -> None:
        """Capture the execution's end."""
        self.run.buffer.append(Finished(retval=retval), self.now())
        self._capture(responses=responses())

    # engine.host.context.WorkflowContext

    @property
    def facts(self) -> RunFacts:
        """Which execution it is."""
        state = self._subject.state
        return RunFacts(
            execution_id=state.execution_id,
            ffqn=state.ffqn,
            parent_id=None if state.parent is None else state.parent[0],
            created_at=began_at(self._subject.created.metadata, state.created_at),
            metadata=self._subject.created.metadata,
        )

    def find_function(self, ffqn: str) -> DeployedFunction | None:
        """Return a deployed function, or ``None``."""
        return self._registry.find(ffqn)

    def function_of(self, execution_id: ExecutionId) -> str | None:
        """Return the function that an execution was created for; ``None`` if there is no such execution."""
        state = self._state_of(execution_id)
        return None if state is None else state.ffqn

    def after_call(self) -> None:
        """Capture what a host call recorded."""
        self._capture()

    @cached_property
    def wasi(self) -> WasiState:
        """What a workflow gets that asks for WASI: interfaces without any effect."""
        return WasiState()

    def log(self, _level: LogLevel, _message: str) -> None:
        """Forget a log line: the run that counts has written it, or will."""

    # engine.workflow.port.RunPort

    def now(self) -> datetime:
        """Return the present instant."""
        return self._clock.now()

    def random_bytes(self, length: int) -> bytes:
        """Return random bytes that nobody can guess."""
        return os.urandom(length)

    def run_expires_at(self) -> datetime:
        """Return the present instant: nobody stays in memory."""
        return self._clock.now()

    def is_taken(self, execution_id: ExecutionId) -> bool:
        """Whether there is an execution of this id, or would be."""
        return self._state_of(execution_id) is not None

    def size_error(self, target: Target) -> TypeCheckError | None:
        """Return why a call's parameters are too large to be submitted now."""
        return params_error(self._limits, target)

    def wait(self, join_set: JoinSetId) -> None:
        """Unwind the guest, unless somebody brings a response."""
        self._capture(awaits=True)
        response = None if self._answers is None else self._answers(self, join_set)
        if response is None:
            raise RunSuspended
        self.run.join_sets.arrive(response)

    def refresh(self) -> None:
        """Do nothing: what had arrived is known."""

    def yield_run(self) -> None:
        """Unwind the guest: it polls for what does not come."""
        raise RunSuspended

    def cancel(self, members: Sequence[MemberId]) -> None:
        """Note what is to be cancelled before the next write."""
        self._capture()
        self._cancels.extend(members)

    def complete_stub(self, target: ExecutionId, retval: ReturnValue, ffqn: str) -> StubError | None:
        """Find out what supplying a stub's result would lead to."""
        self._capture()
        verdict = judge_stub(
            self._journal, self._registry, self._limits, self._state_of(target), target, retval, ffqn=ffqn
        )
        if not isinstance(verdict, ExecutionState):
            return verdict
        self._stub = StubEnd(target=target, retval=retval, end=end_of(verdict, retval, self.now()))
        return None

    # Capturing.

    def _capture(self, *, awaits: bool = False, responses: tuple[Response, ...] = ()) -> None:
        run = self.run
        if run.buffer.is_empty:
            return
        entries, created, own_responses = run.buffer.take()
        run.join_sets.publish()
        for execution in created:
            self._born[execution.execution_id] = execution.entries[0]
        behind = run.buffer.next_version
        first = Version(behind - len(entries))
        append = Append(
            execution_id=run.execution_id,
            expected=first,
            entries=entries,
            awaits=awaits and run.is_awaiting(entries),
            responses_seen=run.join_sets.loaded_cursor,
            created=created,
            responses=own_responses + responses,
        )
        stub, self._stub = self._stub, None
        call_sites = self.call_sites.of_write(first, behind)
        self.writes.append(CapturedWrite(append=append, stub=stub, cancels=tuple(self._cancels), call_sites=call_sites))
        self._cancels.clear()
        is_open = self._answers is None and (stub is not None or own_responses)
        if is_open or len(self.writes) >= self._most_writes:
            raise RunSuspended

    def _state_of(self, execution_id: ExecutionId) -> ExecutionState | None:
        born = self._born.get(execution_id)
        if born is not None:
            return initial_state(execution_id, born)
        try:
            return self._journal.state_of(execution_id)
        except ExecutionNotFound:
            return None
