"""Connections that do not wait for what another holds."""

from __future__ import annotations

from django.db import connections

from executions.journal.connection import Connection


def make_impatient(connection: Connection) -> None:
    """Have a connection give up at once, or nearly so."""
    is_sqlite = connections["default"].vendor == "sqlite"
    with connection.reading() as statements:
        statements.execute("PRAGMA busy_timeout = 0" if is_sqlite else "SET lock_timeout = 1")
