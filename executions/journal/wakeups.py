"""Learning that another process has committed something, without asking for everything again and again.

A change feed says *that* something changed, never what: whoever hears it looks at the rows. So it may speak up once too
often, and what it misses is found by the slow periodic look that everyone takes anyway.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import structlog
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from executions.journal.connection import ConnectionFactory

log = structlog.get_logger(__name__)

SHORTEST_INTERVAL = timedelta(milliseconds=1)
"""How often a database that can only be asked is asked just after something changed."""
LONGEST_INTERVAL = timedelta(milliseconds=10)
"""How often it is asked when it has been quiet for long: under 1 % of one core."""
_QUIET_SHARE = 0.01
"""Intervals in between are this share of the quiet time so far: who waited long may wait that little longer."""
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
        """Call back no more; returns when the feed's thread has ended."""
        ...


class SilentFeed:
    """A feed for databases that are not watched: everybody relies on the periodic look."""

    def start(self, callback: Callable[[], None]) -> None:
        """See `ChangeFeed`."""

    def stop(self) -> None:
        """See `ChangeFeed`."""


class DataVersionWatcher:
    """Watches a SQLite database by asking a connection of its own for ``PRAGMA data_version``.

    Commits of this process's other connections count too.

    Args:
        connection_factory: Makes a connection that nobody else uses.
        shortest: Interval between questions just after a change.
        longest: Interval between questions when nothing has changed for long.
    """

    def __init__(
        self,
        connection_factory: ConnectionFactory,
        *,
        shortest: timedelta = SHORTEST_INTERVAL,
        longest: timedelta = LONGEST_INTERVAL,
    ) -> None:
        self._factory = connection_factory
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
        while not self._is_stopping.is_set():
            wrapper = self._factory()
            try:
                self._watch_with(wrapper, callback)
            except DatabaseError as error:
                log.warning("wakeups.database_failed", error=str(error))
                # Nobody knows what went by meanwhile.
                callback()
                self._is_stopping.wait(_RETRY_AFTER.total_seconds())
            finally:
                wrapper.close()

    def _watch_with(self, wrapper: BaseDatabaseWrapper, callback: Callable[[], None]) -> None:
        wrapper.ensure_connection()
        with wrapper.wrap_database_errors:
            connection: Any = wrapper.connection
            version = _data_version(connection)
            changed_at = time.monotonic()
            while not self._is_stopping.is_set():
                seen = _data_version(connection)
                now = time.monotonic()
                if seen != version:
                    version, changed_at = seen, now
                    callback()
                time.sleep(min(self._longest_s, max(self._shortest_s, (now - changed_at) * _QUIET_SHARE)))


def make_change_feed(alias: str = DEFAULT_DB_ALIAS) -> ChangeFeed:
    """Return the feed that suits one of Django's databases."""
    if connections[alias].vendor == "sqlite":
        return DataVersionWatcher(lambda: connections.create_connection(alias))
    return SilentFeed()


def _data_version(connection: Any) -> int:
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return int(version)
