"""Drives one run of a workflow: the guest on one side, the journal on the other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property

import structlog

from engine.activity.outcome import Broken, TimedOut
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import LogLevel, WorkflowPolicy
from engine.errors import (
    ExecutionNotFound,
    JournalError,
    RunInterrupted,
)
from engine.executor.activity_context import store_line
from engine.executor.call_sites import CallSiteLog
from engine.executor.cancellation import end_refused_run, request_cancellation
from engine.executor.child_runner import ChildRunner
from engine.executor.flusher import Flusher
from engine.executor.guest_call import call_workflow
from engine.executor.hot_wait import HotWait
from engine.executor.lane import Seat
from engine.executor.limit_problems import params_error
from engine.executor.lock_renewal import LockRenewal, Outside
from engine.executor.log_quota import log_quota
from engine.executor.programs import RunningInstance
from engine.executor.run_end import RunEnd
from engine.executor.run_loading import load_run
from engine.executor.services import ExecutorServices
from engine.executor.stubs import complete_stub
from engine.executor.write_path import WritePath
from engine.host.context import GuestNote, JoinSetHandles, Question, RunFacts
from engine.host.wasi.state import WasiState
from engine.journal.records import LockedExecution
from engine.log.events import (
    StubError,
    TypeCheckError,
)
from engine.log.ids import DeploymentId, ExecutionId, JoinSetId
from engine.log.return_values import ReturnValue
from engine.log.state import Holder
from engine.workflow.join_sets import MemberId
from engine.workflow.lineage import began_at
from engine.workflow.target import Target

log = structlog.get_logger(__name__)


class WorkflowDriver:
    """One run of one workflow execution, on the calling thread.

    It is the run's port (`engine.workflow.port.RunPort`) and the guest's context
    (`engine.host.context.WorkflowContext`).

    Args:
        services: The executor's parts.
        flusher: Commits the buffer when its window is over.
        locked: The execution, just locked.
        function: What to run.
        holder: Whose lock it is.
        seat: The thread's place in the lane of short runs, if it runs there.
    """

    def __init__(
        self,
        services: ExecutorServices,
        flusher: Flusher,
        locked: LockedExecution,
        function: DeployedFunction,
        holder: Holder,
        seat: Seat | None = None,
    ) -> None:
        policy = function.component.workflow or WorkflowPolicy()
        window = policy.commit_window
        self.mutex = threading.Lock()
        self.join_sets = JoinSetHandles()
        self.note: GuestNote | None = None
        self.question: Question | None = None
        self.holder = holder
        self.execution_id = locked.state.execution_id
        self._services = services
        self._function = function
        self._locked = locked
        self._seat = seat
        self._deployment_id = DeploymentId(services.registry.deployment.id)
        self.is_stopping = False
        self._limits = services.settings.limits.lowered(function.component.limits)
        self.call_sites = CallSiteLog(self.execution_id, function.component.id, services.call_sites.add)
        self._lines = log_quota(services, self.execution_id, self._limits.log_lines, is_first_run=locked.is_first_run)
        self._replay_began: float | None = time.perf_counter()
        self._instance: RunningInstance | None = None
        self.children = ChildRunner(self, services, flusher)
        # Subscribed before anything is loaded, so that no response is missed.
        self._subscription = services.wakeups.subscribe(self.execution_id)
        try:
            self.run = load_run(services, locked, function, self._deployment_id, port=self)
        except BaseException:
            self._subscription.close()
            raise
        self._writes = WritePath(
            services,
            flusher if seat is None else seat,
            self.run,
            locked.state,
            holder,
            mutex=self.mutex,
            window_s=(services.settings.commit_window if window is None else window).total_seconds(),
            before_commit=self.children.reserve,
            post=services.commits.post if seat is None else seat.post,
        )
        self._end = RunEnd(
            self.run, self._writes, services, locked.state, function, self._deployment_id, cancel=self.cancel
        )
        self._renewal = LockRenewal(
            self.execution_id,
            function,
            policy,
            holder,
            self._deployment_id,
            writes=self._writes,
            mutex=self.mutex,
            clock=services.clock,
            renewed=self._extend_deadline,
        )
        self._hot_wait = HotWait(self, services, flusher, policy, self._writes, self._subscription)
        if not self.run.is_replaying:
            self._replay_began = None

    # The run.

    def execute(self) -> None:
        """Run the workflow until it ends, waits for long, or loses its lock."""
        try:
            # The guest is taken down last, when the execution's end is on its way.
            with ExitStack() as instances, self.mutex:
                began_s = time.thread_time()
                outcome = self._call_guest(instances)
                self._services.run_times.note(self._locked.state.ffqn, time.thread_time() - began_s)
                if self.is_stopping and isinstance(outcome, TimedOut):
                    self._writes.hand_back("executor closing")
                self._end.settle(outcome, self.note)
        except RunInterrupted as interruption:
            log.debug("workflow.interrupted", execution_id=self.execution_id, how=type(interruption).__name__)
        except JournalError as error:
            # Nothing more can be written; the lock expires and another run replays.
            log.warning("workflow.journal_failed", execution_id=self.execution_id, error=str(error))
        finally:
            self._subscription.close()
            self._services.metrics.host_calls += self._renewal.calls
            self.children.close()
            self.call_sites.close(self.run.buffer.next_version)
        if self._writes.lost is not None:
            self._end_if_cancelling()

    def _end_if_cancelling(self) -> None:
        """If the run was refused because the execution is being cancelled, bring that closer to its end."""
        try:
            end_refused_run(self._services, self.execution_id, self.holder)
        except JournalError as error:
            # The timers look again.
            log.warning("workflow.cancellation_delayed", execution_id=self.execution_id, error=str(error))

    def _call_guest(self, instances: ExitStack) -> ReturnValue | Broken | TimedOut:
        """Run the guest with the mutex released; the caller holds it."""

        def enter(instance: RunningInstance) -> RunningInstance:
            self._instance = instances.enter_context(instance)
            return self._instance

        self.mutex.release()
        try:
            return call_workflow(
                self._services.programs,
                self._function,
                self._locked.created.params,
                context=self,
                deadline=self._seconds_left,
                limits=self._limits,
                enter=enter,
            )
        finally:
            self._instance = None
            self.mutex.acquire()

    # engine.host.context.WorkflowContext

    @property
    def facts(self) -> RunFacts:
        """Which execution it is."""
        state = self._locked.state
        return RunFacts(
            execution_id=self.execution_id,
            ffqn=state.ffqn,
            parent_id=None if state.parent is None else state.parent[0],
            created_at=began_at(self._locked.created.metadata, state.created_at),
            metadata=self._locked.created.metadata,
        )

    def find_function(self, ffqn: str) -> DeployedFunction | None:
        """Return a deployed function, or ``None``."""
        return self._services.registry.find(ffqn)

    def after_call(self) -> None:
        """Commit what is due after a host call; unwind the run if it must end."""
        renewal = self._renewal
        renewal.calls += 1
        if self._replay_began is not None:
            self._count_replay()
        self._writes.commit_if_due()
        if self.is_stopping:
            self._writes.hand_back("executor closing")
        if self.now() >= renewal.due:
            renewal.extend()

    @cached_property
    def wasi(self) -> WasiState:
        """What a workflow gets that asks for WASI: interfaces without any effect."""
        return WasiState()

    def log(self, level: LogLevel, message: str) -> None:
        """Store a guest's log line; one of a replay is marked as such."""
        if self.run.is_replaying:
            level, message = LogLevel.TRACE, f"(replay) {message}"
        store_line(
            self._lines,
            self._function.component,
            self.execution_id,
            self.holder.run_id,
            level,
            message,
            now=self._services.clock.now(),
        )

    def function_of(self, execution_id: ExecutionId) -> str | None:
        """Return the function that an execution was created for; ``None`` if there is no such execution."""
        try:
            return self._services.journal.state_of(execution_id).ffqn
        except ExecutionNotFound:
            return None

    # engine.workflow.port.RunPort; all with the mutex held.

    def now(self) -> datetime:
        """Return the present instant."""
        return self._services.clock.now()

    def random_bytes(self, length: int) -> bytes:
        """Return random bytes of the operating system."""
        return os.urandom(length)

    def run_expires_at(self) -> datetime:
        """Return until when this run may stay in memory."""
        return self._writes.lock_expires_at

    def is_taken(self, execution_id: ExecutionId) -> bool:
        """Whether an execution of this id was committed."""
        return self.function_of(execution_id) is not None

    def size_error(self, target: Target) -> TypeCheckError | None:
        """Return why a call's parameters are too large to be submitted now."""
        return params_error(self._services.settings.limits, target)

    def wait(self, join_set: JoinSetId) -> None:
        """Return once the join set has a response: run children here, or wait, or unload."""
        run = self.run
        has_flushed = False
        # A child that runs here may take long, and nothing is recorded until it ends.
        self._writes.begin_window()
        while not run.join_sets.is_answered(join_set):
            if self.children.run_private(join_set):
                continue
            has_flushed = True
            if self.children.has_visible and self._writes.window_s > 0:
                # They are run while what asks for them is committed, or before.
                self._writes.commit_if_due()
            else:
                self.flush()
            if run.join_sets.is_answered(join_set) or self.children.run_visible(join_set):
                continue
            self._count_replay()
            self._hot_wait.wait(join_set)
        self._writes.is_blocked = False
        if has_flushed:
            self._extend_deadline()

    def refresh(self) -> None:
        """Deliver responses that arrived meanwhile."""
        if self._subscription.take():
            self.load_responses()

    def yield_run(self) -> None:
        """Give the lock back and unwind; another run goes on from here."""
        self._writes.hand_back("workflow event limit reached")

    def cancel(self, members: Sequence[MemberId]) -> None:
        """Make the requests durable, then ask that these members be cancelled."""
        self.flush()
        # What is reserved and not begun is nobody's run; it can end at once.
        self.children.release()
        for member in members:
            request_cancellation(self._services, member)
        self.load_responses()

    def complete_stub(self, target: ExecutionId, retval: ReturnValue, ffqn: str) -> StubError | None:
        """Make everything so far durable, then finish a stub execution."""
        self.flush()
        return complete_stub(self._services, target, retval, ffqn=ffqn)

    # Committing.

    def flush(self) -> None:
        """Commit the buffer and take in what the journal knows; the mutex is held.

        Raises:
            RunAbandoned: If the lock is lost.
        """
        self._writes.flush()

    def load_responses(self) -> None:
        """Take in the responses that the journal holds and this run does not know."""
        self._writes.load_responses()

    def renew(self, now: datetime) -> None:
        """Extend the lock if it is due and the run got on since the last time; called by the timers' thread."""
        if self.children.has_late(now):
            with self.mutex:
                self.children.release()
        self._renewal.renew(now)

    # Waiting and ending.

    def leave_lane(self) -> None:
        """Let other runs go on that would be held up by this one, as its thread is about to wait."""
        if self._seat is not None:
            self._seat.leave()

    def stop(self) -> None:
        """Make the run hand its lock back soon; called by the executor, from any thread."""
        self.is_stopping = True
        self._subscription.wake()
        instance = self._instance
        if instance is not None:
            # It may compute without a host call for as long as its lock lasts; replay brings it to the same place.
            instance.interrupt()

    def outside(self) -> Outside:
        """Return a context in which the mutex is released and the run counts as alive."""
        return self._renewal.outside()

    def _seconds_left(self) -> float:
        return self._services.clock.seconds_until(self._writes.lock_expires_at)

    def _count_replay(self) -> None:
        """Count the replay, once it has come to the end of its history."""
        began = self._replay_began
        if began is not None and not self.run.is_replaying:
            self._replay_began = None
            self._services.metrics.replayed(time.perf_counter() - began, self.run.position)

    def _extend_deadline(self) -> None:
        instance = self._instance
        if instance is not None:
            instance.set_deadline(self._seconds_left())
