"""The thread of an executor's process that keeps the statistics: counts, forgets, looks at the database's size."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from django.utils import timezone

from engine.errors import JournalError
from executions.instants import lately
from executions.models import RollUp, RollUpCursor
from executions.statistics.database_size import keep_sample
from executions.statistics.rolling_up import roll_up
from executions.statistics.settled import SettledLog
from executions.statistics.tiers import TIERS

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = timedelta(seconds=1)
"""While this process runs something, and until what it wrote is settled."""
LOOK_ANYWAY_EVERY: Final = timedelta(seconds=30)
"""For what ended elsewhere, where nobody counted it; few things end without an executor."""
_SETTLES_WITHIN: Final = timedelta(seconds=5)
_LATELY: Final = LOOK_EVERY * 0.9
_TIDY_EVERY: Final = timedelta(minutes=5)


class StatisticsKeeper:
    """Keeps the statistics up to a second or two behind the log; any number of processes may have one.

    All that takes long is done by the database, without the interpreter lock, and nothing waits for it.

    Args:
        is_busy: Tells whether this process ran anything since the last question.
    """

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        self._is_busy = is_busy
        self._busy_at = self._looked_at = -math.inf
        self._settled = SettledLog()
        self._counted_until: int | None = None
        self._is_stopping = threading.Event()
        self._tidied_at: datetime | None = None
        self._thread = threading.Thread(target=self._run, name="statistics", daemon=True)

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def stop(self) -> None:
        """End, within one batch."""
        self._is_stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopping.wait(LOOK_EVERY.total_seconds()):
            if not self._is_time():
                continue
            try:
                self._keep()
            except (DatabaseError, JournalError) as error:
                log.warning("statistics.failed", error=str(error))
                close_old_connections()
        connection.close()

    def _is_time(self) -> bool:
        now = time.monotonic()
        if self._is_busy():
            self._busy_at = now
        is_time = (
            now - self._busy_at < _SETTLES_WITHIN.total_seconds()
            or now - self._looked_at >= LOOK_ANYWAY_EVERY.total_seconds()
        )
        if is_time:
            self._looked_at = now
        return is_time

    def _keep(self) -> None:
        now = timezone.now()
        until = self._settled.until()
        if until != self._counted_until and not RollUpCursor.objects.filter(lately("moved_at", now, _LATELY)).exists():
            self._catch_up(until)
        if self._tidied_at is None or now - self._tidied_at >= _TIDY_EVERY:
            forget_old(now)
            keep_sample(now)
            self._tidied_at = now

    def _catch_up(self, until: int) -> None:
        started = time.monotonic()
        while roll_up(timezone.now(), until=until):
            # As long as it took, for others to read and write.
            if self._is_stopping.wait(time.monotonic() - started):
                return
            started = time.monotonic()
        self._counted_until = until


def forget_old(now: datetime) -> None:
    """Delete the stretches that are kept no longer."""
    for tier in TIERS:
        length_s = int(tier.length.total_seconds())
        RollUp.objects.filter(length_s=length_s, start__lte=now - tier.length - tier.kept_for).delete()
