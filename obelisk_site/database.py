"""How Django's connections to the database are set up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import dj_database_url

from obelisk_site.process import Process

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
POSTGRESQL: Final = "django.db.backends.postgresql"

#: What libpq is told of every connection, unless the address says otherwise: a server that is gone is noticed within a
#: minute, whoever waits for it.
_LIBPQ_OPTIONS: Final = {
    "connect_timeout": 10,  # seconds
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}

#: Seconds that a request waits for a connection of the pool.
_POOL_TIMEOUT: Final = 10


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


def postgresql_database(url: str, *, process: Process, pool_size: int, password: str | None = None) -> dict[str, Any]:
    """Return the ``DATABASES`` entry of a PostgreSQL database.

    The web process shares a pool, as every request has a thread of its own; everybody else keeps what it opened.

    Args:
        url: ``postgres://user:password@host:port/name?option=value``, parts percent-encoded; options are libpq's.
        process: Whose connections.
        pool_size: Most connections of the web process's pool.
        password: The password, if it does not stand in the address.

    Raises:
        ValueError: If the address cannot be used; the sentence does not repeat it, as it may hold a password.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql"}:
        raise ValueError("expected an address such as postgres://user@host:5432/name")
    try:
        database: dict[str, Any] = {**dj_database_url.parse(url)}
    except ValueError as error:
        raise ValueError("not an address; write what is special in its parts as %40 (@), %2F (/), %3A (:)") from error
    if not database["NAME"]:
        raise ValueError("the address names no database; expected one such as postgres://user@host:5432/name")
    if password is not None:
        if database["PASSWORD"]:
            raise ValueError("the address holds a password, and OBELISK_DATABASE_PASSWORD_FILE has another; leave one")
        database["PASSWORD"] = password
    options = {"application_name": f"obelisk-{process}", **_LIBPQ_OPTIONS, **database.get("OPTIONS", {})}
    if process is Process.WEB:
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": _POOL_TIMEOUT}
    return {
        **database,
        "ENGINE": POSTGRESQL,
        "CONN_MAX_AGE": 0 if process is Process.WEB else None,
        # Kept connections and pooled ones may have gone stale; finding out costs a round trip once a request.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }
