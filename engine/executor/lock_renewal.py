"""Holding a workflow's lock for longer, when half of it is over, as long as its run gets on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from engine.clock import Clock
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import WorkflowPolicy
from engine.errors import JournalError, RunAbandoned
from engine.executor.attempts import lock_event
from engine.executor.write_path import WritePath
from engine.log.ids import DeploymentId, ExecutionId
from engine.log.state import Holder

log = structlog.get_logger(__name__)

_PATIENCE_S = 0.02
_NEVER = datetime.max.replace(tzinfo=UTC)


class LockRenewal:
    """Extends the lock of one run.

    A run that makes host calls looks at ``due`` itself: while it is busy, it hardly ever leaves its mutex to another
    thread. For one that is outside its guest, the timers' thread calls `renew`.

    Args:
        execution_id: Whose lock it is.
        function: What runs.
        policy: Whether its lock is extended at all.
        holder: Who has the lock.
        deployment_id: The deployment that the function is part of.
        writes: The run's way to the journal.
        mutex: Held by whoever works on the run.
        clock: Tells the present.
        renewed: Called behind each extension, with the mutex held.
    """

    def __init__(
        self,
        execution_id: ExecutionId,
        function: DeployedFunction,
        policy: WorkflowPolicy,
        holder: Holder,
        deployment_id: DeploymentId,
        *,
        writes: WritePath,
        mutex: threading.Lock,
        clock: Clock,
        renewed: Callable[[], None],
    ) -> None:
        self.calls = 0
        """Host calls that the guest made; the run counts them here."""
        self.is_outside = False
        """Whether the run's own thread waits, or runs a child, instead of the guest."""
        self._execution_id = execution_id
        self._function = function
        self._policy = policy
        self._holder = holder
        self._deployment_id = deployment_id
        self._writes = writes
        self._mutex = mutex
        self._clock = clock
        self._renewed = renewed
        self._calls_before = -1
        self.due = self._halfway()
        """When the lock is to be extended."""

    def renew(self, now: datetime) -> None:
        """Extend the lock if that is due and the run got on since the last time; called by the timers' thread."""
        # A run that makes host calls does so itself, and may not leave the mutex for long.
        if now < self.due or not self._mutex.acquire(timeout=_PATIENCE_S):
            return
        try:
            if self.calls != self._calls_before or self.is_outside:
                self.extend()
        except (RunAbandoned, JournalError) as error:
            # The run's own thread meets the same at its next write.
            log.warning("workflow.lock_not_renewed", execution_id=self._execution_id, error=str(error))
        finally:
            self._mutex.release()

    def extend(self) -> None:
        """Extend the lock; the mutex is held.

        Raises:
            RunAbandoned: If the lock is lost.
        """
        self._calls_before = self.calls
        self._writes.extend_lock(lock_event(self._function, self._holder, self._deployment_id, self._clock.now()))
        self.due = self._halfway()
        self._renewed()

    def outside(self) -> Outside:
        """Return a context in which the mutex is released and the run counts as getting on."""
        return Outside(self, self._mutex)

    def _halfway(self) -> datetime:
        """Return when half of the lock will be over; never, if it is not to be extended."""
        if not self._policy.lock_extension:
            return _NEVER
        return self._writes.lock_expires_at - self._function.component.exec.lock_expiry / 2


class Outside:
    """Releases a run's mutex while its thread waits or runs a child; see `LockRenewal.outside`."""

    __slots__ = ("_mutex", "_renewal")

    def __init__(self, renewal: LockRenewal, mutex: threading.Lock) -> None:
        self._renewal = renewal
        self._mutex = mutex

    def __enter__(self) -> None:
        self._renewal.is_outside = True
        self._mutex.release()

    def __exit__(self, *exception: object) -> None:
        self._mutex.acquire()
        self._renewal.is_outside = False
