"""Room in SQLite's write-ahead log before there is work.

A commit that makes the log's file longer has the file system's own log to wait for as well, which takes 200 µs instead
of 120. The file grows until the first checkpoint, and is gone when the last connection closes; so a process that begins
to work has it written to that length once. What is written is a transaction that is rolled back: the database does not
change, and later commits take its place in the log.
"""

from __future__ import annotations

from pathlib import Path
from shutil import disk_usage
from typing import Any, Final

_SPILLING: Final = 20
"""Pages of cache that are few enough for the rest of a transaction to be written to the log before its end."""
_SPARE: Final = 10
"""How many times as much must be free on the disk: one that is nearly full has better uses for it."""


def make_room(connection: Any) -> None:
    """Have the log's file be as long as it becomes before a checkpoint.

    Nothing happens if it is, if there is no such log, or if the disk has little room.

    Args:
        connection: An open connection to a SQLite database, in autocommit mode.

    Raises:
        sqlite3.Error: If the database is locked for long, or the disk is full; the connection is not to be used again.
    """
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        return
    (pages,) = connection.execute("PRAGMA wal_autocheckpoint").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    _, _, path = connection.execute("PRAGMA database_list").fetchone()
    log = Path(f"{path}-wal")
    missing = pages * page_bytes - (log.stat().st_size if log.exists() else 0)
    if missing <= 0 or disk_usage(log.parent).free < _SPARE * missing:
        return
    (cache_size,) = connection.execute("PRAGMA cache_size").fetchone()
    connection.execute(f"PRAGMA cache_size = {_SPILLING}")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE obelisk_room (room)")
    kept = 2 * _SPILLING * page_bytes
    connection.execute("INSERT INTO obelisk_room VALUES (zeroblob(?))", (missing + kept,))
    connection.execute("ROLLBACK")
    connection.execute(f"PRAGMA cache_size = {cache_size}")
