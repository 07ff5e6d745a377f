"""Drives one run of a workflow: the guest on one side, the journal on the other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property

import structlog

from engine.activity.outcome import Broken, TimedOut
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import BlockingStrategy, LogLevel, WorkflowPolicy
from engine.errors import (
    ExecutionNotFound,
    JournalError,
    RunAbandoned,
    RunInterrupted,
    RunSuspended,
)
from engine.executor.activity_context import store_line
from engine.executor.attempts import lock_event
from engine.executor.call_sites import CallSiteLog
from engine.executor.cancellation import end_refused_run, request_cancellation
from engine.executor.child_runner import ChildRunner
from engine.executor.flusher import Flusher, HeldBack
from engine.executor.group_commit import Ticket
from engine.executor.guest_call import call_workflow
from engine.executor.limit_problems import params_error
from engine.executor.log_quota import log_quota
from engine.executor.programs import RunningInstance
from engine.executor.run_end import RunEnd
from engine.executor.services import ExecutorServices
from engine.executor.stubs import complete_stub
from engine.executor.write_path import WritePath
from engine.host.context import GuestNote, JoinSetHandles, Question, RunFacts
from engine.host.wasi.state import WasiState
from engine.journal.records import LockedExecution
from engine.log.events import (
    ComponentUpgradeFinished,
    StubError,
    TypeCheckError,
    Unlocked,
)
from engine.log.ids import DeploymentId, ExecutionId, JoinSetId
from engine.log.return_values import ReturnValue
from engine.log.state import ExecutionState, Holder
from engine.workflow.join_sets import MemberId
from engine.workflow.lineage import began_at
from engine.workflow.run import WorkflowRun
from engine.workflow.target import Target

log = structlog.get_logger(__name__)

_RECHECK = timedelta(seconds=1)
_PATIENCE_S = 0.02
_NEVER = datetime.max.replace(tzinfo=UTC)


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
    """

    def __init__(
        self,
        services: ExecutorServices,
        flusher: Flusher,
        locked: LockedExecution,
        function: DeployedFunction,
        holder: Holder,
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
        self._flusher = flusher
        self._function = function
        self._policy = policy
        self._locked = locked
        self._deployment_id = DeploymentId(services.registry.deployment.id)
        self._is_stopping = False
        self._limits = services.settings.limits.lowered(function.component.limits)
        self.call_sites = CallSiteLog(self.execution_id, function.component.id, services.call_sites.add)
        self._lines = log_quota(services, self.execution_id, self._limits.log_lines, is_first_run=locked.is_first_run)
        self._calls = 0
        self._calls_at_renewal = -1
        self._is_inside = False
        self._replay_began: float | None = time.perf_counter()
        self._instance: RunningInstance | None = None
        self.children = ChildRunner(self, services)
        # Subscribed before anything is loaded, so that no response is missed.
        self._subscription = services.wakeups.subscribe(self.execution_id)
        try:
            self.run = self._load_run(locked.state)
        except BaseException:
            self._subscription.close()
            raise
        self._writes = WritePath(
            services,
            flusher,
            self.run,
            locked.state,
            holder,
            mutex=self.mutex,
            window_s=(services.settings.commit_window if window is None else window).total_seconds(),
            before_commit=self.children.reserve,
        )
        self._end = RunEnd(
            self.run, self._writes, services, locked.state, function, self._deployment_id, cancel=self.cancel
        )
        self._renewal_due = self._halfway()
        if not self.run.is_replaying:
            self._replay_began = None

    def _load_run(self, state: ExecutionState) -> WorkflowRun:
        journal = self._services.journal
        responses = journal.load_responses(self.execution_id) if state.response_count else ()
        if responses and responses[-1].at_version == state.next_version - 1:
            # It came last before the lock: it is what this run was woken by.
            self._services.metrics.cold_wake_ups.observe_length(self.now() - responses[-1].created_at)
        return WorkflowRun(
            state=state,
            # A fresh execution has nothing but its creation and this lock.
            entries=() if self._locked.is_first_run else journal.load_log(self.execution_id),
            responses=responses,
            port=self,
            deployment_id=self._deployment_id,
            at_tip=self._upgrade(state),
            metadata=self._locked.created.metadata,
        )

    def _upgrade(self, state: ExecutionState) -> ComponentUpgradeFinished | None:
        """Return the event by which the execution goes over to the deployed version, unless it has that already."""
        digest = self._function.component.id.digest
        if state.component_id.digest == digest:
            return None
        return ComponentUpgradeFinished(component_digest=digest, deployment_id=self._deployment_id)

    # The run.

    def execute(self) -> None:
        """Run the workflow until it ends, waits for long, or loses its lock."""
        try:
            # The guest is taken down last, when the execution's end is on its way.
            with ExitStack() as instances, self.mutex:
                outcome = self._call_guest(instances)
                if self._is_stopping and isinstance(outcome, TimedOut):
                    self._writes.hand_back("executor closing")
                self._end.settle(outcome, self.note)
        except RunInterrupted as interruption:
            log.debug("workflow.interrupted", execution_id=self.execution_id, how=type(interruption).__name__)
        except JournalError as error:
            # Nothing more can be written; the lock expires and another run replays.
            log.warning("workflow.journal_failed", execution_id=self.execution_id, error=str(error))
        finally:
            self._subscription.close()
            self._services.metrics.host_calls += self._calls
            self.children.release()
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
        self._calls += 1
        if self._replay_began is not None:
            self._count_replay()
        self._writes.commit_if_due()
        if self._is_stopping:
            self._writes.hand_back("executor closing")
        if self.now() >= self._renewal_due:
            # A run that is busy hardly ever leaves the mutex to the timers' thread.
            self._renew()

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
        while not run.join_sets.is_answered(join_set):
            if self.children.run_private(join_set):
                continue
            self.flush()
            if run.join_sets.is_answered(join_set) or self.children.run_visible(join_set):
                continue
            self._wait_hot(join_set)
        self._writes.is_blocked = False
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
        """Extend the lock if it is due and the guest got on since the last time; called by the timers' thread."""
        if self.children.has_late(now):
            with self.mutex:
                self.children.release()
        # A run that makes host calls does so itself, and may not leave the mutex for long.
        if now < self._renewal_due or not self.mutex.acquire(timeout=_PATIENCE_S):
            return
        try:
            if self._calls == self._calls_at_renewal and not self._is_inside:
                return
            self._renew()
        except (RunAbandoned, JournalError) as error:
            # The run's own thread meets the same at its next write.
            log.warning("workflow.lock_not_renewed", execution_id=self.execution_id, error=str(error))
        finally:
            self.mutex.release()

    def _renew(self) -> None:
        self._calls_at_renewal = self._calls
        self._writes.extend_lock(lock_event(self._function, self.holder, self._deployment_id, self.now()))
        self._renewal_due = self._halfway()
        self._extend_deadline()

    def _halfway(self) -> datetime:
        """Return when half of the lock will be over; never, if it is not to be extended."""
        if not self._policy.lock_extension:
            return _NEVER
        return self._writes.lock_expires_at - self._function.component.exec.lock_expiry / 2

    # Waiting and ending.

    def _wait_hot(self, join_set: JoinSetId) -> None:
        """Wait in memory for a while, then unload."""
        settings, metrics = self._services.settings, self._services.metrics
        self._count_replay()
        patience = settings.hot_wait
        if self._policy.blocking_strategy is BlockingStrategy.INTERRUPT or self._flusher.is_short_of_slots():
            patience = timedelta()
        lock_left = self._writes.lock_expires_at - self.now() - self._policy.lock_extension_leeway
        until = time.monotonic() + min(patience, lock_left).total_seconds()
        while True:
            self._subscription.take()
            newest = self._writes.load_responses()
            if self.run.join_sets.is_answered(join_set):
                if newest is not None:
                    metrics.hot_wake_ups.observe_length(self.now() - newest.created_at)
                return
            left = until - time.monotonic()
            if left <= 0 or self._is_stopping:
                break
            with self.outside():
                metrics.waiting_runs += 1
                self._subscription.wait(left)
                metrics.waiting_runs -= 1
        self._unload()

    def _unload(self) -> None:
        """Leave memory until a response is there."""
        now = self.now()
        # A run that replayed up to an await without becoming blocked looks again after a while.
        instant = now if self._writes.is_blocked else now + _RECHECK
        self._writes.end_with(Unlocked(backoff_expires_at=instant, reason="waiting for a response"))
        raise RunSuspended

    def stop(self) -> None:
        """Make the run hand its lock back soon; called by the executor, from any thread."""
        self._is_stopping = True
        self._subscription.wake()
        instance = self._instance
        if instance is not None:
            # It may compute without a host call for as long as its lock lasts; replay brings it to the same place.
            instance.interrupt()

    def hold_back(self, ticket: Ticket, window_s: float) -> None:
        """Have a write that is in line committed after a while, should this thread be busy till then."""
        self._flusher.register(HeldBack(ticket, window_s))

    def outside(self) -> Outside:
        """Return a context in which the mutex is released and the run counts as alive."""
        return Outside(self)

    def enter_inside(self, *, inside: bool) -> None:
        """Note whether the run's own thread is at work outside the guest."""
        self._is_inside = inside

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


class Outside:
    """Releases a driver's mutex while its thread waits or runs a child."""

    __slots__ = ("_driver",)

    def __init__(self, driver: WorkflowDriver) -> None:
        self._driver = driver

    def __enter__(self) -> None:
        self._driver.enter_inside(inside=True)
        self._driver.mutex.release()

    def __exit__(self, *exception: object) -> None:
        self._driver.mutex.acquire()
        self._driver.enter_inside(inside=False)
