"""Waiting in memory for what a workflow awaits; when that takes long, its run ends and a later one replays."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from engine.deployment.spec import BlockingStrategy, WorkflowPolicy
from engine.errors import RunSuspended
from engine.executor.flusher import Flusher
from engine.executor.services import ExecutorServices
from engine.executor.wakeups import Subscription
from engine.executor.write_path import WritePath
from engine.log.events import Unlocked
from engine.log.ids import JoinSetId

if TYPE_CHECKING:
    from engine.executor.workflow_driver import WorkflowDriver

_RECHECK = timedelta(seconds=1)


class HotWait:
    """Waits for one run; with the run's mutex held, which it releases meanwhile.

    Args:
        driver: The run.
        services: The executor's parts.
        flusher: Knows whether other work wants the slot.
        policy: Whether the workflow may wait in memory.
        writes: The run's way to the journal.
        subscription: Woken when there is a response, or the run is to stop.
    """

    def __init__(
        self,
        driver: WorkflowDriver,
        services: ExecutorServices,
        flusher: Flusher,
        policy: WorkflowPolicy,
        writes: WritePath,
        subscription: Subscription,
    ) -> None:
        self._driver = driver
        self._services = services
        self._flusher = flusher
        self._policy = policy
        self._writes = writes
        self._subscription = subscription

    def wait(self, join_set: JoinSetId) -> None:
        """Return once the join set has a response.

        Raises:
            RunSuspended: If there was none for as long as the run may wait, or it is to stop; the lock is given back.
            RunAbandoned: If the lock is lost.
        """
        driver, metrics = self._driver, self._services.metrics
        until = time.monotonic() + self._patience().total_seconds()
        while True:
            self._subscription.take()
            newest = self._writes.load_responses()
            if driver.run.join_sets.is_answered(join_set):
                if newest is not None:
                    metrics.hot_wake_ups.observe_length(driver.now() - newest.created_at)
                return
            left = until - time.monotonic()
            if left <= 0 or driver.is_stopping:
                self._unload()
            driver.leave_lane()
            with driver.outside():
                metrics.waiting_runs += 1
                self._subscription.wait(left)
                metrics.waiting_runs -= 1

    def _patience(self) -> timedelta:
        """Return how long the run may wait in memory."""
        patience = self._services.settings.hot_wait
        if self._policy.blocking_strategy is BlockingStrategy.INTERRUPT or self._flusher.is_short_of_slots():
            patience = timedelta()
        lock_left = self._writes.lock_expires_at - self._driver.now() - self._policy.lock_extension_leeway
        return min(patience, lock_left)

    def _unload(self) -> NoReturn:
        """Leave memory until a response is there."""
        now = self._driver.now()
        # A run that replayed up to an await without becoming blocked looks again after a while.
        instant = now if self._writes.is_blocked else now + _RECHECK
        self._writes.end_with(Unlocked(backoff_expires_at=instant, reason="waiting for a response"))
        raise RunSuspended
