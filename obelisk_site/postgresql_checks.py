"""System checks of a PostgreSQL server: what cannot work (errors), or may lose what was promised (warnings)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage
from django.db import DatabaseError, NotSupportedError, connection

_STANDING: Final = (
    "SELECT pg_encoding_to_char(encoding), pg_is_in_recovery(), current_setting('synchronous_commit'),"
    " current_setting('fsync'), current_setting('full_page_writes')"
    " FROM pg_database WHERE datname = current_database()"
)


@checks.register()
def check_postgresql(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report a server that does not answer, is too old or may lose commits; nothing on SQLite."""
    return list(_messages()) if connection.vendor == "postgresql" else []


def _messages() -> Iterator[CheckMessage]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_STANDING)
            encoding, is_replica, synchronous_commit, fsync, full_page_writes = cursor.fetchone()
    except NotSupportedError as error:
        yield checks.Error(f"The PostgreSQL server is too old: {_sentence(error)}.", id="obelisk.E010")
        return
    except DatabaseError as error:
        yield checks.Error(
            f"The PostgreSQL database cannot be used: {_sentence(error)}.",
            hint="Look at OBELISK_DATABASE_URL and OBELISK_DATABASE_PASSWORD_FILE, and whether the server is up and "
            "has room on its disks; its own log says.",
            id="obelisk.E011",
        )
        return
    if encoding != "UTF8":
        yield checks.Error(
            f"The database's encoding is {encoding}, which cannot hold all text.",
            hint="Make it anew with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0.",
            id="obelisk.E012",
        )
    if is_replica:
        yield checks.Error(
            "The database is a replica, to which nothing can be written.",
            hint="Have OBELISK_DATABASE_URL name the primary.",
            id="obelisk.E013",
        )
    if synchronous_commit == "off":
        yield checks.Warning(
            "synchronous_commit is off: when the server dies, the last commits are lost, though activities ran after "
            "them.",
            hint="Switch it on, for this database at least: ALTER DATABASE ... SET synchronous_commit = on.",
            id="obelisk.W003",
        )
    if "off" in (fsync, full_page_writes):
        yield checks.Warning(
            "fsync or full_page_writes is off: when the server's machine dies, the whole database may be lost.",
            hint="Switch both on in postgresql.conf, unless the data is of no worth.",
            id="obelisk.W004",
        )


def _sentence(error: DatabaseError) -> str:
    """Return the first line of what the driver says, which names hosts and users, and no password."""
    return str(error).strip().partition("\n")[0].rstrip(".")
