"""Learning that another process has committed something, without asking for everything again and again.

A change feed says *that* something changed, never what: whoever hears it looks at the rows. So it may speak up once too
often, and what it misses is found by the slow periodic look that everyone takes anyway.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog
from django.db import DEFAULT_DB_ALIAS, connections

from engine.errors import JournalUnavailable
from executions.journal.connection import Connection, DedicatedConnection, own_connection

log = structlog.get_logger(__name__)

SHORTEST_INTERVAL = timedelta(milliseconds=1)
"""How often a database that can only be asked is asked just after something changed."""
LONGEST_INTERVAL = timedelta(milliseconds=10)
"""How often it is asked when it has been quiet for long: under 1 % of one core."""
_QUIET_SHARE = 0.01
"""Intervals in between are this share of the quiet time so far: who waited long may wait that little longer."""
_BUSY_FACTOR = 10
"""Least interval, in multiples of what the last question took. In a process whose other threads compute, that is what
it took to get the interpreter lock from them, and they to get it back."""
_RETRY_AFTER = timedelta(seconds=1)


class ChangeFeed(Protocol):
    """Tells that somebody else committed."""

    def start(self, callback: Callable[[], None]) -> None:
        """Call back after commits of other connections from now on, on a thread of the feed.

        Args:
            callback: Quick, and raises nothing.
        """
        ...

    def stop(self) -> None:
        """Call back no more; at most a call that is under way goes on."""
        ...


class DataVersionWatcher:
    """Watches a SQLite database through ``PRAGMA data_version`` of one connection.

    Commits of that very connection do not count; those of this process's other connections do.

    Args:
        connection: The connection to ask. A journal's writer tells of everybody else's commits; a connection of one's
            own tells of all. It is not closed.
        shortest: Interval between questions just after a change.
        longest: Interval between questions when nothing has changed for long.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        shortest: timedelta = SHORTEST_INTERVAL,
        longest: timedelta = LONGEST_INTERVAL,
    ) -> None:
        self._connection = connection
        self._shortest_s = shortest.total_seconds()
        self._longest_s = longest.total_seconds()
        self._is_stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, callback: Callable[[], None]) -> None:
        """See `ChangeFeed`. What was committed before the call returns may or may not be reported."""
        assert self._thread is None, "a watcher is started once"
        self._thread = threading.Thread(target=self._watch, args=(callback,), name="data-version", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """See `ChangeFeed`."""
        self._is_stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, callback: Callable[[], None]) -> None:
        version: int | None = None
        changed_at = time.monotonic()
        while not self._is_stopping.is_set():
            asked_at = time.monotonic()
            try:
                seen = self._data_version()
            except JournalUnavailable as error:
                log.warning("wakeups.database_failed", error=str(error))
                # Nobody knows what goes by meanwhile; the connection that comes next counts from elsewhere.
                version = None
                self._is_stopping.wait(_RETRY_AFTER.total_seconds())
                continue
            now = time.monotonic()
            if seen != version:
                version, changed_at = seen, now
                callback()
            least_s = max(self._shortest_s, (now - asked_at) * _BUSY_FACTOR)
            time.sleep(min(self._longest_s, max(least_s, (now - changed_at) * _QUIET_SHARE)))

    def _data_version(self) -> int:
        with self._connection.reading() as statements:
            (version,) = statements.execute("PRAGMA data_version").fetchone()
        return int(version)


class NotificationFeed:
    """Hears of commits to a PostgreSQL database from this process's switchboard, and from those of others.

    Args:
        connection: Whose own commits do not count.
        alias: Which of Django's databases.
    """

    def __init__(self, connection: Connection, alias: str) -> None:
        self._connection = connection
        self._alias = alias
        self._leave: Callable[[], None] = lambda: None

    def start(self, callback: Callable[[], None]) -> None:
        """See `ChangeFeed`."""
        # Not above: a site on SQLite need not load the driver.
        from executions.journal.notifications import switchboard

        board = switchboard(self._alias)
        self._leave = partial(board.leave, board.listen(callback, ignoring=self._connection))

    def stop(self) -> None:
        """See `ChangeFeed`."""
        self._leave()


def make_change_feed(
    connection: Connection | None = None, alias: str = DEFAULT_DB_ALIAS, *, shortest: timedelta = SHORTEST_INTERVAL
) -> ChangeFeed:
    """Return the feed that suits one of Django's databases.

    Args:
        connection: Whose own commits are of no interest; by default all commits are.
        alias: Which database.
        shortest: How often one that can only be asked is asked just after something changed.
    """
    connection = connection or DedicatedConnection(lambda: own_connection(alias))
    if connections[alias].vendor == "postgresql":
        return NotificationFeed(connection, alias)
    return DataVersionWatcher(connection, shortest=shortest)
