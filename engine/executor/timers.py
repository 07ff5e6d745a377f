"""What time alone brings about: delays that fire, locks that expire, cancellations that are due.

Source:
    Obelisk reference, section 5.6.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from engine.activity.outcome import TimedOut, event_after
from engine.deployment.spec import ComponentType
from engine.errors import JournalError
from engine.executor.cancellation import drive_cancellation, end_at_once, is_held
from engine.executor.ends import end_of
from engine.executor.services import ExecutorServices
from engine.journal.protocol import Journal
from engine.journal.records import Append, FinishDelay
from engine.log.events import Finished, Locked, LogEntry, Unlocked
from engine.log.return_values import Failed, FailureKind
from engine.log.state import ExecutionState

log = structlog.get_logger(__name__)

_BATCH = 100

ABANDONED = Failed(
    kind=FailureKind.UNCATEGORIZED,
    reason="the web process that served the request died; what it had started by then goes on",
)
"""How the execution of a request to a webhook endpoint ends whose lock expired."""


class Timers:
    """Looks for what fell due; any number of executors may do so at once.

    Args:
        services: The executor's parts.
    """

    def __init__(self, services: ExecutorServices) -> None:
        self._services = services

    def tick(self, now: datetime) -> int:
        """Fire due delays, end expired locks, drive cancellations.

        Args:
            now: The present instant.

        Returns:
            How many delays, locks and cancellations were dealt with.
        """
        return self._fire_delays(now) + self._end_expired_locks(now) + self._drive_cancellations(now)

    def _fire_delays(self, now: datetime) -> int:
        due = self._services.journal.due_delays(now, limit=_BATCH)
        # One that was fired or cancelled by somebody else meanwhile is refused, which is fine.
        self._services.commits.commit_all([FinishDelay(delay_id=delay.delay_id, at=now) for delay in due])
        return len(due)

    def _end_expired_locks(self, now: datetime) -> int:
        expired = self._services.journal.expired_locks(now - self._services.settings.timer_leeway, limit=_BATCH)
        outcomes = self._services.commits.commit_all(
            [after_expiry(self._services.journal, state, now) for state in expired]
        )
        for state, outcome in zip(expired, outcomes, strict=True):
            if not isinstance(outcome, JournalError):
                log.warning(
                    "execution.lock_expired",
                    execution_id=state.execution_id,
                    ffqn=state.ffqn,
                    holder=str(state.holder),
                    executor_id=self._services.executor_id,
                )
        return len(expired)

    def _drive_cancellations(self, now: datetime) -> int:
        driven = 0
        ends: list[Append] = []
        for state in self._services.journal.cancelling(limit=_BATCH):
            if is_held(state, now):
                # Somebody outside asked for it. If it runs here, its run ends now and then brings the end.
                self._services.running.stop(state.execution_id)
            elif (end := end_at_once(state, now)) is not None:
                # Thousands may be cancelled at once: a commit for each would take minutes.
                ends.append(end)
            else:
                driven += drive_cancellation(self._services, state)
        outcomes = self._services.commits.commit_all(ends)
        return driven + sum(not isinstance(outcome, JournalError) for outcome in outcomes)


def after_expiry(journal: Journal, state: ExecutionState, now: datetime) -> Append:
    """Return the write that ends an expired lock: the next attempt, or the execution's end.

    Args:
        journal: Where its log is.
        state: The execution's state; its lock has expired.
        now: The present instant.
    """
    if state.component_id.component_type is ComponentType.WEBHOOK_ENDPOINT:
        return end_of(state, ABANDONED, now)
    if state.max_retries is None and _made_progress(journal, state):
        entry = LogEntry(state.next_version, now, Unlocked(backoff_expires_at=now, reason="made progress"))
        return Append(execution_id=state.execution_id, expected=state.next_version, entries=(entry,))
    event = event_after(
        TimedOut(),
        failures=state.temporary_failures,
        max_retries=state.max_retries,
        backoff=state.retry_backoff,
        now=now,
    )
    if isinstance(event, Finished):
        return end_of(state, event.retval, now)
    entry = LogEntry(state.next_version, now, event)
    return Append(execution_id=state.execution_id, expected=state.next_version, entries=(entry,))


def _made_progress(journal: Journal, state: ExecutionState) -> bool:
    """Whether anything was written since the lock, apart from extensions of it."""
    if state.last_lock_version is None or state.last_lock_version + 1 == state.next_version:
        return False
    # A run may have written thousands of events, of which the newest nearly always tells.
    return any(
        not isinstance(entry.event, Locked)
        for start in (state.next_version - 1, state.last_lock_version + 1)
        for entry in journal.load_log(state.execution_id, start=start)
    )
