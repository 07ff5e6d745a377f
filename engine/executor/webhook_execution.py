"""What is recorded of one request to a webhook endpoint: an execution, made when there is something to record.

It is locked by the process that serves the request, and the lock is renewed while that goes on: an execution whose
process died is found by its expired lock. Nothing of it is replayed.

Source:
    Obelisk reference, sections 6.8 and 8; the lock is ours.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from engine.deployment.spec import ComponentSpec
from engine.deployment.webhooks import HANDLER
from engine.errors import ConstraintViolation, ExecutionExists, ExecutionNotFound, Trap, TrapKind
from engine.executor.grouped_journal import GroupedJournal
from engine.executor.services import ExecutorServices
from engine.executor.signalling import send_signal
from engine.executor.wakeups import Subscription
from engine.host.context import RunFacts
from engine.journal.records import Append, HttpExchange, LogLine, NewExecution, Submit
from engine.log.backtraces import CallSite, CallSites
from engine.log.events import (
    ChildFinished,
    ChildRequested,
    Created,
    ExecutionEvent,
    Finished,
    JoinNext,
    JoinSetCreated,
    Locked,
    LogEntry,
    Metadata,
    Scheduled,
)
from engine.log.ids import (
    DeploymentId,
    ExecutionId,
    JoinSetId,
    Version,
    child_id,
    make_execution_id,
    make_run_id,
    numbered_join_set,
)
from engine.log.return_values import JsonText, ReturnValue
from engine.log.schedules import ScheduleAt
from engine.log.state import ExecutionState, Holder
from engine.workflow.inheritance import SEED_KEY, inherited_metadata
from engine.workflow.others import hash_params, instant_of
from engine.workflow.target import Target, deployed_function

LEASE = timedelta(seconds=10)
"""How long after its process died a request's execution is taken for abandoned."""

_RECHECK_S = 0.5
"""How long to wait at most for a wake-up, which may be lost."""


class WebhookExecution:
    """The execution of one request; of the request's thread, but for `renew` and `interrupt`.

    Args:
        services: The parts of the process that serves it.
        component: The endpoint.
        execution_id: Its id; a fresh one by default.
        randomness: Gives as many random bytes as asked for.
        trace: The trace that the request belongs to, as metadata.

    Attributes:
        registry: The functions of the deployment that the request came in under.
    """

    def __init__(
        self,
        services: ExecutorServices,
        component: ComponentSpec,
        randomness: Callable[[int], bytes],
        *,
        execution_id: ExecutionId | None = None,
        trace: Metadata = (),
    ) -> None:
        now = services.clock.now()
        self._services = services
        self.registry = services.registry
        self._component = component
        self._deployment_id = DeploymentId(self.registry.deployment.id)
        self._randomness = randomness
        self._created_at = now
        self.execution_id = execution_id or make_execution_id(now, randomness(10))
        self.last_call: ExecutionId | None = None
        self._holder = Holder(services.executor_id, make_run_id(now, randomness(10)))
        self._trace = trace
        self._metadata = ((SEED_KEY, randomness(16).hex()), *trace)
        self._mutex = threading.Lock()
        self._version = Version(0)
        self._expires_at = now
        self._calls = 0
        self._cursor = 0
        self._held_exchanges: list[HttpExchange] = []
        self._time_is_up_at = math.inf
        self._is_interrupted = False
        self._waiting: Subscription | None = None

    @property
    def facts(self) -> RunFacts:
        """What the guest may know of it."""
        return RunFacts(
            execution_id=self.execution_id,
            ffqn=HANDLER,
            parent_id=None,
            created_at=self._created_at,
            metadata=self._trace,
        )

    @property
    def holder(self) -> Holder:
        """Who serves the request."""
        return self._holder

    @property
    def exists(self) -> bool:
        """Whether anything was recorded."""
        return self._version > 0

    # Its life.

    def create(self) -> None:
        """Make the execution, if it is not there yet.

        Raises:
            JournalError: If it cannot be written.
        """
        with self._mutex:
            if self._version:
                return
            now = self._services.clock.now()
            created = Created(
                ffqn=HANDLER,
                params=JsonText("[]"),
                scheduled_at=now,
                component_id=self._component.id,
                deployment_id=self._deployment_id,
                metadata=self._metadata,
            )
            entries = (LogEntry(Version(0), now, created), LogEntry(Version(1), now, self._lock(now)))
            committed = self._services.commits.commit(Submit(NewExecution(self.execution_id, entries)))
            self._version = committed.next_version
        for exchange in self._held_exchanges:
            self._services.http_log.add(exchange)
        self._held_exchanges.clear()

    def renew(self, now: datetime) -> None:
        """Extend the lock if half of it is over; from any thread.

        Raises:
            JournalError: If it is lost, or cannot be written.
        """
        if not self._version or now < self._expires_at - LEASE / 2:
            return
        with self._mutex:
            self._commit(self._lock(now))

    def finish(self, retval: ReturnValue) -> None:
        """End the execution, if there is one.

        Raises:
            JournalError: If it is lost, or cannot be written.
        """
        if self._version:
            with self._mutex:
                self._commit(Finished(retval=retval))

    def interrupt(self) -> None:
        """End what the request waits for, now or later; from any thread."""
        self._is_interrupted = True
        waiting = self._waiting
        if waiting is not None:
            waiting.wake()

    def expires_at(self, at: float) -> None:
        """Set when the request is out of time, on `time.monotonic`."""
        self._time_is_up_at = at

    # What makes it worth recording.

    def add_line(self, line: LogLine) -> None:
        """Take a log line."""
        self.create()
        self._services.guest_log.add(line)

    def add_exchange(self, exchange: HttpExchange) -> None:
        """Take what is remembered of an HTTP request; it alone is no reason for an execution."""
        if self.exists:
            self._services.http_log.add(exchange)
        else:
            self._held_exchanges.append(exchange)

    def call(self, target: Target, *, stack: JsonText | None = None) -> ChildFinished:
        """See `WebhookCalls`."""
        self.create()
        with self._mutex, self._call_site(stack):
            self._calls += 1
            join_set = numbered_join_set(self._calls)
            child = child_id(self.execution_id, join_set, 1)
            request = ChildRequested(
                join_set_id=join_set, child_execution_id=child, target_ffqn=target.ffqn, params=target.params
            )
            self._commit(
                JoinSetCreated(join_set_id=join_set),
                request,
                # Nobody else can run it meanwhile, so it waits as long as its lock goes.
                JoinNext(join_set_id=join_set, run_expires_at=self._expires_at),
                new=self._new(child, target, self._services.clock.now(), join_set=join_set),
                awaits=True,
            )
        self.last_call = child
        return self._response_of(join_set)

    def schedule(
        self, execution_id: ExecutionId, schedule: ScheduleAt, target: Target, *, stack: JsonText | None = None
    ) -> None:
        """See `WebhookCalls`."""
        self.create()
        event = Scheduled(
            execution_id=execution_id,
            schedule_at=schedule,
            target_ffqn=target.ffqn,
            params_hash=hash_params(target.params),
        )
        at = instant_of(schedule, self._services.clock.now())
        try:
            with self._mutex, self._call_site(stack):
                self._commit(event, new=self._new(execution_id, target, at))
        except ExecutionExists as error:
            raise ConstraintViolation(f"cannot schedule {execution_id}: an execution of this id exists") from error

    # Other executions.

    @property
    def keeps_call_sites(self) -> bool:
        """See `WebhookCalls`."""
        mount = self._component.webhook
        return mount is not None and mount.keeps_backtraces

    def signal(self, execution_id: ExecutionId, name: str, payload: object, *, signal_id: str | None) -> bool:
        """See `WebhookCalls`."""
        # First, so that no signal is without the request that sent it.
        self.create()
        services = self._services
        return send_signal(
            GroupedJournal(services.journal, services.commits),
            self.registry,
            services.settings.limits,
            services.clock,
            execution_id,
            name,
            payload,
            signal_id=signal_id,
        )

    def new_id(self) -> ExecutionId:
        """See `WebhookCalls`."""
        return make_execution_id(self._services.clock.now(), self._randomness(10))

    def state_of(self, execution_id: ExecutionId) -> ExecutionState | None:
        """See `WebhookCalls`."""
        try:
            return self._services.journal.state_of(execution_id)
        except ExecutionNotFound:
            return None

    def result_of(self, state: ExecutionState) -> ReturnValue:
        """See `WebhookCalls`."""
        last = self._services.journal.load_log(state.execution_id, start=state.next_version - 1)[-1].event
        assert isinstance(last, Finished)
        return last.retval

    def wait_for(self, execution_id: ExecutionId) -> ExecutionState | None:
        """See `WebhookCalls`."""
        with self._subscribed(execution_id) as subscription:
            while (state := self.state_of(execution_id)) is not None and not state.is_finished:
                self._rest(subscription)
            return state

    # Inside.

    @contextmanager
    def _call_site(self, stack: JsonText | None) -> Iterator[None]:
        """Remember where in the source the events were made that are written meanwhile, if the endpoint wants it."""
        first = self._version
        yield
        if stack is not None and self.keeps_call_sites:
            site = CallSite(first, self._version, stack)
            self._services.call_sites.add(
                CallSites(execution_id=self.execution_id, component_id=self._component.id, sites=(site,))
            )

    def _response_of(self, join_set: JoinSetId) -> ChildFinished:
        with self._subscribed(self.execution_id) as subscription:
            while True:
                for response in self._services.journal.load_responses(self.execution_id, after=self._cursor):
                    self._cursor = response.cursor
                    if response.join_set_id == join_set and isinstance(response.event, ChildFinished):
                        return response.event
                self._rest(subscription)

    @contextmanager
    def _subscribed(self, execution_id: ExecutionId) -> Iterator[Subscription]:
        subscription = self._waiting = self._services.wakeups.subscribe(execution_id)
        try:
            yield subscription
        finally:
            self._waiting = None
            subscription.close()

    def _rest(self, subscription: Subscription) -> None:
        left = self._time_is_up_at - time.monotonic()
        if self._is_interrupted or left <= 0:
            raise Trap(TrapKind.INTERRUPTED, "connection closed")
        subscription.wait(min(left, _RECHECK_S))

    def _new(
        self, execution_id: ExecutionId, target: Target, at: datetime, *, join_set: JoinSetId | None = None
    ) -> NewExecution:
        """Return a child, or, without a join set, a scheduled execution."""
        component = deployed_function(target).component
        inherited = inherited_metadata(
            self._metadata, execution_id, runner=component.runner, random_bytes=self._randomness
        )
        created = Created(
            ffqn=target.ffqn,
            params=target.params,
            parent=None if join_set is None else (self.execution_id, join_set),
            scheduled_at=at,
            component_id=component.id,
            deployment_id=self._deployment_id,
            scheduled_by=self.execution_id if join_set is None else None,
            metadata=(*inherited, *target.metadata),
        )
        return NewExecution(execution_id, (LogEntry(Version(0), self._services.clock.now(), created),))

    def _lock(self, now: datetime) -> Locked:
        self._expires_at = now + LEASE
        return Locked(
            component_id=self._component.id,
            executor_id=self._holder.executor_id,
            deployment_id=self._deployment_id,
            run_id=self._holder.run_id,
            lock_expires_at=self._expires_at,
            max_retries=0,
            retry_backoff=timedelta(),
        )

    def _commit(self, *events: ExecutionEvent, new: NewExecution | None = None, awaits: bool = False) -> None:
        now = self._services.clock.now()
        entries = tuple(LogEntry(Version(self._version + index), now, event) for index, event in enumerate(events))
        committed = self._services.commits.commit(
            Append(
                execution_id=self.execution_id,
                expected=self._version,
                holder=self._holder,
                entries=entries,
                awaits=awaits,
                responses_seen=self._cursor,
                created=() if new is None else (new,),
            )
        )
        self._version = committed.next_version
