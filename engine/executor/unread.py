"""What an executor does with an execution whose log holds what its version of this program does not know."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from engine.errors import StoredEventInvalid
from engine.executor.services import ExecutorServices
from engine.journal.records import Append, LockedExecution
from engine.log.events import LogEntry, Unlocked
from engine.log.state import Holder

log = structlog.get_logger(__name__)

PAUSE: Final = timedelta(seconds=5)
"""How long it is left to others: during a rolling upgrade a newer executor can read it."""


def leave_unread(
    services: ExecutorServices, execution: LockedExecution, holder: Holder, error: StoredEventInvalid
) -> None:
    """Give an execution's lock back, to be taken after `PAUSE` by anybody; nothing else about it is changed.

    Raises:
        JournalUnavailable: If the storage did not answer; the lock expires by itself.
    """
    state, now = execution.state, services.clock.now()
    log.warning("run.unreadable", execution_id=state.execution_id, error=str(error))
    event = Unlocked(
        backoff_expires_at=now + PAUSE, reason="this version of the program cannot read its log; another one may"
    )
    entry = LogEntry(state.next_version, now, event)
    write = Append(execution_id=state.execution_id, expected=state.next_version, holder=holder, entries=(entry,))
    # If it is refused, the execution is not this executor's any more.
    services.commits.commit_all([write])
