"""Telling other processes of commits, and hearing of theirs, through PostgreSQL's LISTEN and NOTIFY.

NOTIFY within a transaction makes the commits of all databases of the server wait for one another. So each process has
one connection besides, which says after commits that there were some, and on which it hears others say so.
"""

from __future__ import annotations

import atexit
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import psycopg
import structlog
from django.db import DEFAULT_DB_ALIAS

from executions.journal.connection import Connection, own_connection

log = structlog.get_logger(__name__)

CHANNEL: Final = "obelisk_commits"

_PAUSE_S: Final = 0.002
"""Between two notifications, however often something is committed."""
_FIRST_RETRY: Final = timedelta(milliseconds=100)
_LAST_RETRY: Final = timedelta(seconds=5)
_FAREWELL_S: Final = 2.0
"""How long a process that ends has to say what it has not said."""

Origin = Connection | None
"""Whose commit it was; ``None`` for nobody in particular."""


class Switchboard:
    """One process's place to tell and to hear of commits: a thread and a connection, from the first use on.

    Nothing is said of what was committed: whoever hears of it looks at the rows. What goes by while the connection is
    broken is made up for by one call to everybody, here and elsewhere, when there is another.

    Args:
        parameters: Of the connection, for the driver.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._mutex = threading.Lock()
        self._listeners: dict[object, tuple[Callable[[], None], Origin]] = {}
        self._untold: set[Origin] = set()
        self._all_told = threading.Event()
        self._all_told.set()
        self._is_stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._ear, self._mouth = socket.socketpair()
        self._ear.settimeout(0)

    def tell(self, origin: Origin) -> None:
        """Have everybody hear of a commit, but whoever ignores that origin; returns at once."""
        with self._mutex:
            is_first = not self._untold
            self._untold.add(origin)
            if is_first and not self._is_stopping.is_set():
                self._all_told.clear()
                self._start()
                self._mouth.send(b".")

    def listen(self, callback: Callable[[], None], *, ignoring: Origin) -> object:
        """Call back after commits from now on, on the thread here; return what `leave` wants.

        Args:
            callback: Quick, and raises nothing.
            ignoring: Whose commits are of no interest.
        """
        key = object()
        with self._mutex:
            self._listeners[key] = (callback, ignoring)
            self._start()
        return key

    def leave(self, key: object) -> None:
        """Call back no more; one call may be under way."""
        with self._mutex:
            self._listeners.pop(key, None)

    def flush(self, seconds: float) -> bool:
        """Wait until all that was told is said; tell whether it is within that time."""
        return self._all_told.wait(seconds)

    def stop(self) -> None:
        """Say no more, and hear nothing."""
        if self._is_stopping.is_set():
            return
        self._is_stopping.set()
        with self._mutex:
            thread, self._thread = self._thread, None
        self._mouth.send(b".")
        if thread is not None:
            thread.join()
        self._ear.close()
        self._mouth.close()

    def _start(self) -> None:
        if self._thread is None and not self._is_stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        wait = _FIRST_RETRY
        while not self._is_stopping.is_set():
            try:
                with psycopg.connect(**self._parameters, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    wait = _FIRST_RETRY
                    self._serve(connection)
            except psycopg.Error as error:
                log.warning("notifications.database_failed", error=str(error))
                with self._mutex:
                    # Nobody knows what goes by meanwhile.
                    self._untold.add(None)
                self._is_stopping.wait(wait.total_seconds())
                wait = min(2 * wait, _LAST_RETRY)

    def _serve(self, connection: psycopg.Connection) -> None:
        own_pid = connection.info.backend_pid
        heard: list[int] = []
        # Told of those that arrive with the answer to a statement; the others are fetched below.
        connection.add_notify_handler(lambda notification: heard.append(notification.pid))
        # What was committed before may have been missed.
        self._call({None})
        next_at = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(self._ear, selectors.EVENT_READ)
            while not self._is_stopping.is_set():
                selector.select(max(0.0, next_at - time.monotonic()) if self._untold else None)
                with suppress(BlockingIOError):
                    self._ear.recv(64)
                if self._untold and time.monotonic() >= next_at:
                    self._say(connection)
                    next_at = time.monotonic() + _PAUSE_S
                connection.pgconn.consume_input()
                while notification := connection.pgconn.notifies():
                    heard.append(notification.be_pid)
                if any(pid != own_pid for pid in heard):
                    self._call({None})
                heard.clear()

    def _say(self, connection: psycopg.Connection) -> None:
        with self._mutex:
            origins, self._untold = self._untold, set()
        # Those in this process first: they need not wait for the server.
        self._call(origins)
        connection.execute(f"NOTIFY {CHANNEL}")
        with self._mutex:
            if not self._untold:
                self._all_told.set()

    def _call(self, origins: set[Origin]) -> None:
        with self._mutex:
            listeners = list(self._listeners.values())
        for callback, ignored in listeners:
            if any(origin is None or origin is not ignored for origin in origins):
                callback()


_making = threading.Lock()
_boards: dict[tuple[int, str], Switchboard] = {}


def switchboard(alias: str = DEFAULT_DB_ALIAS) -> Switchboard:
    """Return this process's, for one of Django's databases; what was made before a fork is the parent's."""
    key = (os.getpid(), alias)
    board = _boards.get(key)
    if board is None:
        with _making:
            board = _boards.get(key)
            if board is None:
                parameters: Mapping[str, Any] = own_connection(alias).get_connection_params()
                board = _boards[key] = Switchboard(parameters)
                atexit.register(_say_goodbye, key)
    return board


def _say_goodbye(key: tuple[int, str]) -> None:
    board = _boards.pop(key, None)
    if board is not None and key[0] == os.getpid():
        board.flush(_FAREWELL_S)
        board.stop()
