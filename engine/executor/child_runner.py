"""A workflow run's own children, run on its own thread while it waits for them.

*Private* children are uncommitted: nobody else can see them, so running them needs no lock and no transaction.
*Visible* ones were committed; those that the run is about to run anyway are committed as locked by it (*reserved*), the
others are *offered* to every executor and have to be locked like anyone's.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from engine.activity.outcome import event_after
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import ComponentSpec, ComponentType
from engine.errors import JournalUnavailable
from engine.executor.attempts import attempt_activity, lock_event, unlock_write
from engine.executor.cancellation import end_refused_run
from engine.executor.child_ends import ChildEnds
from engine.executor.ends import responses_of
from engine.executor.flusher import Flusher
from engine.executor.services import ExecutorServices
from engine.host.context import RunFacts
from engine.journal.records import Append, Committed
from engine.log.call_options import lock_for_call
from engine.log.events import ChildFinished, Created, Finished, Locked, LogEntry, Metadata, Response
from engine.log.ids import DeploymentId, ExecutionId, JoinSetId, Version
from engine.wit.json_values import load_json
from engine.workflow.write_buffer import Newborn

if TYPE_CHECKING:
    from engine.executor.workflow_driver import WorkflowDriver

log = structlog.get_logger(__name__)

_BATCH_S = 0.01
_RESERVE_S = 0.1
_LONG_S = 0.002
_UNKNOWN_S = 0.0002
"""What an attempt is expected to take while nothing is known; the first one tells, and what is too much goes back."""
_KEPT = timedelta(milliseconds=250)
"""How long a child stays reserved for a thread that does not come to run it, because its guest computes."""
_MAX_LOCKED_AT_ONCE = 256
_BIRTH_VERSION = Version(1)


class ChildRunner:
    """Runs a run's children on its thread; all methods with the run's mutex held.

    Args:
        driver: The waiting run.
        services: The executor's parts.
        flusher: Commits children's ends while others run.
    """

    def __init__(self, driver: WorkflowDriver, services: ExecutorServices, flusher: Flusher) -> None:
        self._driver = driver
        self._services = services
        self._ends = ChildEnds(services.commits, flusher, window_s=_BATCH_S, refused=self._end_refused)
        self._reserved: dict[ExecutionId, Newborn] = {}
        self._offered: dict[JoinSetId, dict[ExecutionId, Newborn]] = {}
        self._late_at: datetime | None = None
        self._is_busy = False
        self._suited: dict[str, bool] = {}

    def run_private(self, join_set: JoinSetId) -> bool:
        """Run one uncommitted child of a join set whose members nobody else can see; tell whether there was one."""
        run = self._driver.run
        if not run.join_sets.is_private(join_set):
            return False
        child = run.next_idle_child(join_set)
        if child is None:
            return False
        newborn = run.buffer.idle[child]
        if not self._may_run_here(newborn, join_set):
            return False
        del run.buffer.idle[child]
        self._lock_newborn(newborn)
        if _function(newborn).component.may_touch_world:
            # Its intent is durable before it starts; meanwhile others may run what this thread would have.
            self._is_busy = True
            self._driver.flush()
            self._is_busy = False
            self.release()
        else:
            run.buffer.under_way = newborn
        entry = self._attempt(child, newborn)
        run.buffer.under_way = None
        if child in run.buffer.created:
            newborn.log.append(entry)
            response = self._response(child, newborn, entry)
            if response is not None:
                run.deliver_local(response)
        else:
            self._ends.add(self._end(child, newborn, entry))
            self.settle()
        return True

    @property
    def has_visible(self) -> bool:
        """Whether `run_visible` gets on without asking the journal for children to run."""
        return bool(self._reserved) or not self._ends.is_empty

    def run_visible(self, join_set: JoinSetId) -> bool:
        """Run committed children that are reserved for this run, or that can be locked; tell whether any ended.

        While the ends of some are committed, the next ones run.
        """
        if self.has_late(self._services.clock.now()):
            self.release()
        if not self.has_visible:
            self._lock_offered(join_set)
        while self._reserved and not self._ends.has_settled:
            child = next(iter(self._reserved))
            newborn = self._reserved.pop(child)
            began_s = time.monotonic()
            self._ends.add(self._end(child, newborn, self._attempt(child, newborn)))
            if time.monotonic() - began_s > _BATCH_S:
                break
        if self._ends.is_empty:
            return False
        self.settle()
        self._release_excess()
        return True

    def settle(self) -> None:
        """Take in the ends of children that are on their way to the journal."""
        self._ends.settle()
        self._driver.load_responses()

    def reserve(self) -> None:
        """Decide, before a commit, which uncommitted children stay with this run: those it will run soon.

        A run that waits for one of them runs all that are its own meanwhile, and it hardly requested them for nothing.
        """
        run = self._driver.run
        idle = run.buffer.idle
        if not idle:
            return
        left_s = _RESERVE_S - sum(self._expected_s(newborn) for newborn in self._reserved.values())
        for child, newborn in idle.items():
            join_set = newborn.child.join_set_id if newborn.child is not None else None
            # A child that has an answer already is another run's, which has the lock now: this write will be refused.
            if join_set is None or not run.join_sets.is_unanswered(child) or not self._may_run_here(newborn, join_set):
                continue
            if left_s > 0 and not (self._is_busy or _function(newborn).component.may_touch_world):
                left_s -= self._expected_s(newborn)
                self._lock_newborn(newborn)
                self._reserved[child] = newborn
                self._late_at = min(_late_at(newborn), self._late_at or _late_at(newborn))
            else:
                self._offered.setdefault(join_set, {})[child] = newborn

    def has_late(self, now: datetime) -> bool:
        """Whether reserved children should be given back, as they were kept for long enough; needs no mutex."""
        late_at = self._late_at
        return late_at is not None and late_at <= now

    def release(self) -> None:
        """Give back the children that were reserved and not run, so that whoever is free runs them."""
        self._late_at = None
        reserved, self._reserved = self._reserved, {}
        self._give_back(reserved)

    def close(self) -> None:
        """Give back what was not run, and see what is on its way to the journal; for a run that is over."""
        self.release()
        try:
            self._ends.settle()
        except JournalUnavailable as error:
            # The timers look after executions that are being cancelled.
            log.warning("workflow.cancellation_delayed", execution_id=self._driver.execution_id, error=str(error))

    def _release_excess(self) -> None:
        """Give back the reserved children that this thread will not have run soon, as they take long after all."""
        if not self._reserved:
            return
        left_s = _RESERVE_S
        # They are mostly of one function.
        if self._expected_s(next(iter(self._reserved.values()))) * len(self._reserved) <= left_s:
            return
        excess = []
        for child, newborn in self._reserved.items():
            if left_s <= 0:
                excess.append(child)
            left_s -= self._expected_s(newborn)
        for child in excess:
            del self._reserved[child]
        self._give_back(excess)

    def _give_back(self, children: Iterable[ExecutionId]) -> None:
        now = self._services.clock.now()
        unlocks = [
            unlock_write(child, Version(2), self._driver.holder, now=now, reason="not run by its parent")
            for child in children
        ]
        # A refusal means that the reservation was never committed, or is over.
        self._services.commits.commit_all(unlocks)

    def _may_run_here(self, newborn: Newborn, join_set: JoinSetId) -> bool:
        function = newborn.target.function
        if function is None:
            return False
        component = function.component
        ffqn = newborn.target.ffqn
        is_suited = self._suited.get(ffqn)
        if is_suited is None:
            is_suited = self._suited[ffqn] = _is_suited(component)
        if not is_suited:
            return False
        # While this thread is busy with one child it cannot see that another, or a timer, was faster.
        return self._driver.run.join_sets.has_one_member(join_set) or not (
            component.may_touch_world or self._driver.run.join_sets.has_delays(join_set)
        )

    def _lock_newborn(self, newborn: Newborn) -> None:
        now = self._services.clock.now()
        deployment_id = DeploymentId(self._services.registry.deployment.id)
        event = lock_event(_function(newborn), self._driver.holder, deployment_id, now)
        event = lock_for_call(event, _metadata(newborn), now=now)
        newborn.log.append(LogEntry(_BIRTH_VERSION, now, event))

    def _lock_offered(self, join_set: JoinSetId) -> None:
        """Lock some of the awaited children that were offered, as any executor would."""
        run = self._driver.run
        offered = self._offered.get(join_set, {})
        candidates: list[tuple[ExecutionId, Newborn]] = []
        left_s = _RESERVE_S
        while offered and left_s > 0 and len(candidates) < _MAX_LOCKED_AT_ONCE:
            child = next(iter(offered))
            newborn = offered.pop(child)
            if run.join_sets.is_unanswered(child) and self._may_run_here(newborn, join_set):
                candidates.append((child, newborn))
                left_s -= self._expected_s(newborn)
                if _function(newborn).component.may_touch_world:
                    break
        for _, newborn in candidates:
            self._lock_newborn(newborn)
        outcomes = self._services.commits.commit_all(
            [
                Append(execution_id=child, expected=_BIRTH_VERSION, entries=(newborn.log[-1],))
                for child, newborn in candidates
            ]
        )
        for (child, newborn), outcome in zip(candidates, outcomes, strict=True):
            # A refusal means that another executor was faster.
            if isinstance(outcome, Committed):
                self._reserved[child] = newborn
                self._late_at = min(_late_at(newborn), self._late_at or _late_at(newborn))

    def _attempt(self, child: ExecutionId, newborn: Newborn) -> LogEntry:
        """Run a locked child and return the event that ends the attempt."""
        function = _function(newborn)
        mean = self._services.durations.expected(newborn.target.ffqn)
        if function.component.may_touch_world or mean is None or mean > _LONG_S:
            self._driver.leave_lane()
        args = newborn.target.args
        if args is None:
            args = function.read_params(load_json(newborn.target.params))
        lock = _lock(newborn)
        started = time.monotonic()
        with self._driver.outside():
            outcome = attempt_activity(
                self._services,
                function,
                args,
                facts=self._facts(child, newborn, lock),
                run_id=self._driver.holder.run_id,
                time_left=lock.lock_expires_at - self._services.clock.now(),
                is_first_run=True,
            )
        self._services.durations.note(newborn.target.ffqn, time.monotonic() - started)
        now = self._services.clock.now()
        event = event_after(
            outcome,
            failures=0,
            max_retries=lock.max_retries,
            backoff=lock.retry_backoff,
            now=now,
        )
        return LogEntry(Version(2), now, event)

    def _facts(self, child: ExecutionId, newborn: Newborn, lock: Locked) -> RunFacts:
        birth = newborn.log[0]
        return RunFacts(
            execution_id=child,
            ffqn=newborn.target.ffqn,
            parent_id=self._driver.execution_id,
            created_at=birth.created_at,
            metadata=_metadata(newborn),
            expires_at=lock.lock_expires_at,
        )

    def _expected_s(self, newborn: Newborn) -> float:
        mean = self._services.durations.expected(newborn.target.ffqn)
        return _UNKNOWN_S if mean is None else mean

    def _response(self, child: ExecutionId, newborn: Newborn, entry: LogEntry) -> Response | None:
        """Return the response of a child that is committed together with the await that it answers."""
        event = entry.event
        if not isinstance(event, Finished) or newborn.child is None:
            return None
        return Response(
            execution_id=self._driver.execution_id,
            # In the buffer it comes before the await.
            at_version=self._driver.run.buffer.next_version - 1,
            join_set_id=newborn.child.join_set_id,
            created_at=entry.created_at,
            event=ChildFinished(child_execution_id=child, finished_version=entry.version, retval=event.retval),
        )

    def _end(self, child: ExecutionId, newborn: Newborn, entry: LogEntry) -> Append:
        parent = None if newborn.child is None else (self._driver.execution_id, newborn.child.join_set_id)
        return Append(
            execution_id=child,
            expected=entry.version,
            holder=self._driver.holder,
            entries=(entry,),
            responses=responses_of(parent, child, entry),
        )

    def _end_refused(self, end: Append) -> None:
        # Its lock expired, and whoever has it now brings the response; or it is being cancelled.
        end_refused_run(self._services, end.execution_id, self._driver.holder)


def _is_suited(component: ComponentSpec) -> bool:
    """Whether a waiting workflow's thread may run a component's functions."""
    if not component.is_run_here or component.id.component_type is not ComponentType.ACTIVITY:
        return False
    if not component.can_be_stopped:
        # It may outlive its time, and the thread with its run would wait for it.
        return False
    # Where there is a limit the executor counts; a run that counted too would wait for itself.
    return component.exec.instance_limit is None


def _function(newborn: Newborn) -> DeployedFunction:
    function = newborn.target.function
    assert function is not None
    return function


def _metadata(newborn: Newborn) -> Metadata:
    birth = newborn.log[0].event
    assert isinstance(birth, Created)
    return birth.metadata


def _lock(newborn: Newborn) -> Locked:
    event = newborn.log[-1].event
    assert isinstance(event, Locked)
    return event


def _late_at(newborn: Newborn) -> datetime:
    """Return when a newborn is to be given back unless it is being run."""
    locked_at = newborn.log[-1].created_at
    return locked_at + min(_KEPT, (_lock(newborn).lock_expires_at - locked_at) / 2)
