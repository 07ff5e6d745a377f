"""How Django's connections to the database are set up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

#: Run on every new SQLite connection. Django itself adds ``foreign_keys = ON``.
SQLITE_PRAGMAS: Final = {
    "journal_mode": "WAL",  # readers and the one writer do not block each other
    "synchronous": "FULL",  # a commit is on the disk when it returns; NORMAL may lose the last ones on power loss
    "wal_autocheckpoint": "4000",  # pages; a page that many commits change is copied into the database once
    "temp_store": "MEMORY",  # sorting needs no files
    "cache_size": "-16384",  # KiB; per connection, and every executor thread has one
    "mmap_size": str(64 * 1024 * 1024),  # bytes; pages shared by all connections, read without copying
    "journal_size_limit": str(64 * 1024 * 1024),  # bytes the WAL is cut back to after a burst
}

#: Seconds a connection waits for another's write to end before "database is locked".
SQLITE_BUSY_TIMEOUT: Final = 20

#: Statements that a connection keeps parsed. The journal's come in many sizes.
SQLITE_CACHED_STATEMENTS: Final = 512


def sqlite_database(
    path: Path, *, conn_max_age: int | None, pragmas: dict[str, str] = SQLITE_PRAGMAS
) -> dict[str, Any]:
    """Return the ``DATABASES`` entry of a SQLite database.

    Transactions begin as ``IMMEDIATE``: one that began as a reader and then writes is refused at once when another has
    written meanwhile, no matter the busy timeout.

    Args:
        path: The database file.
        conn_max_age: Seconds a connection is kept between uses, ``None`` for ever.
        pragmas: Run on every new connection, in this order.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": conn_max_age,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": SQLITE_BUSY_TIMEOUT,
            "cached_statements": SQLITE_CACHED_STATEMENTS,
            "init_command": "; ".join(f"PRAGMA {name} = {value}" for name, value in pragmas.items()),
        },
    }
