"""Where SQLite and PostgreSQL differ for the journal; nothing else in this package asks which one it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import orjson
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

Row = Sequence[Any]


class Dialect(Protocol):
    """One database's ways."""

    begin: str
    """Opens a transaction that is about to write."""
    for_update: str
    """Ends a SELECT whose rows nobody else may change before the transaction is over."""
    for_update_skip_locked: str
    """The same, passing over rows that somebody else holds."""

    def render(self, sql: str) -> str:
        """Return a statement, written with ``%s`` placeholders, as the driver wants it."""
        ...

    def indexed_by(self, index: str) -> str:
        """Return what, behind a table's name, makes the planner take this index; empty where it knows best."""
        ...

    def fetch_many(self, connection: Any, sql: str, params: Sequence[Any], *, width: int) -> list[Row]:
        """Run a SELECT of ``width`` columns and return its rows, in no particular order."""
        ...

    def commits_of_others(self, connection: Any) -> int | None:
        """Return a number that changes when another connection commits anything; ``None`` if there is none."""
        ...

    def parse(self, connection: Any, sql: str) -> None:
        """Have the driver keep a statement that is to be run later, where parsing it anew takes long."""
        ...


class _Sqlite:
    # A transaction that begins as a reader is refused when it writes after somebody else did, however long it may wait.
    begin = "BEGIN IMMEDIATE"
    # The one writer there can be holds everything.
    for_update = ""
    for_update_skip_locked = ""

    @staticmethod
    @lru_cache(maxsize=1024)
    def render(sql: str) -> str:
        return sql.replace("%s", "?")

    def indexed_by(self, index: str) -> str:
        # Without statistics the planner takes a list of functions for more selective than "the longest due".
        return f" INDEXED BY {index}"

    def fetch_many(self, connection: Any, sql: str, params: Sequence[Any], *, width: int) -> list[Row]:
        # The driver releases the interpreter lock around every row, and with a busy thread beside it waits up to 5 ms
        # to have it back: 6,000 rows took 4 ms alone and 2.8 s in company. One row of JSON takes 7 and 18 ms.
        (text,) = connection.execute(self._as_json(sql, width), params).fetchone()
        rows: list[Row] = orjson.loads(text)
        return rows

    def commits_of_others(self, connection: Any) -> int | None:
        (number,) = connection.execute("PRAGMA data_version").fetchone()
        return int(number)

    def parse(self, connection: Any, sql: str) -> None:
        # An INSERT of 64 rows takes three times as long to parse as to run.
        try:
            connection.execute(self.render(sql), ())
        except sqlite3.ProgrammingError:
            # Parsed and kept; then the driver misses the parameters.
            pass

    @staticmethod
    @lru_cache(maxsize=64)
    def _as_json(sql: str, width: int) -> str:
        columns = ", ".join(f"c{index}" for index in range(width))
        return (
            f"WITH found({columns}) AS ({_Sqlite.render(sql)}) "  # noqa: S608 - only our own constants
            f"SELECT json_group_array(json_array({columns})) FROM found"
        )


class _Postgresql:
    begin = "BEGIN"
    for_update = " FOR UPDATE"
    for_update_skip_locked = " FOR UPDATE SKIP LOCKED"

    def render(self, sql: str) -> str:
        return sql

    def indexed_by(self, index: str) -> str:
        return ""

    def fetch_many(self, connection: Any, sql: str, params: Sequence[Any], *, width: int) -> list[Row]:
        rows: list[Row] = connection.execute(sql, params).fetchall()
        return rows

    def commits_of_others(self, connection: Any) -> int | None:
        return None

    def parse(self, connection: Any, sql: str) -> None:
        # The driver prepares what is run for the second time, and the server parses quickly.
        pass


_DIALECTS: dict[str, Dialect] = {"sqlite": _Sqlite(), "postgresql": _Postgresql()}


def dialect_of(connection: BaseDatabaseWrapper) -> Dialect:
    """Return the ways of a connection's database.

    Raises:
        ImproperlyConfigured: If the journal does not know that database.
    """
    try:
        return _DIALECTS[connection.vendor]
    except KeyError:
        raise ImproperlyConfigured(
            f"the journal runs on SQLite and PostgreSQL, not on {connection.display_name}"
        ) from None
