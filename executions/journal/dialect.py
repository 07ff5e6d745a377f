"""Where SQLite and PostgreSQL differ for the journal; nothing else in this package asks which one it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol

import orjson
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

from executions.journal import at_once, sql
from executions.journal.log_room import make_room

Row = Sequence[Any]
Statement = tuple[str, Sequence[Any]]
"""With its parameters."""
CheckedStatement = tuple[str, Sequence[Any], int | None]
"""With the number of rows that it must find, unless it sees to that itself."""


class Dialect(Protocol):
    """One database's ways."""

    begin: str
    """Opens a transaction that is about to write."""
    for_update: str
    """Ends a SELECT whose rows nobody else may change before the transaction is over."""
    for_update_skip_locked: str
    """The same, passing over rows that somebody else holds."""
    is_pipelined: bool
    """Whether what `prepare` returns can ``send`` statements together, which costs little more than one of them, and
    ``receive`` what became of them."""

    def prepare(self, connection: Any) -> Any:
        """Make a new connection ready that nobody but the journal uses; return what runs statements on it."""
        ...

    def render(self, statement: str) -> str:
        """Return a statement, written with ``%s`` placeholders, as the driver wants it."""
        ...

    def indexed_by(self, index: str) -> str:
        """Return what, behind a table's name, makes the planner take this index; empty where nothing can."""
        ...

    def unindexed(self, column: str) -> str:
        """Return a column as something that no index is taken for; itself where `indexed_by` sees to that."""
        ...

    def insert(self, table: sql.Table, rows: Sequence[Row]) -> Iterable[Statement]:
        """Return the statements that insert rows, in order."""
        ...

    def update(self, columns: sql.Columns, rows: Sequence[Row]) -> Iterable[CheckedStatement]:
        """Return the statements that change states.

        Args:
            columns: What changes in each row.
            rows: Their values, the id, and the version and response count that the row must still have.
        """
        ...

    def store_at_once(self, rows: sql.CommitRows) -> Statement | None:
        """Return one statement that stores all this, on a connection made by `prepare`; ``None`` if there is none."""
        ...

    def listed(self, template: str, ids: Sequence[str]) -> Iterable[Statement]:
        """Return the statements that do something with a list of ids.

        Args:
            template: A statement with ``{ids}`` for the list.
            ids: At least one; sorted, where the order of locking counts.
        """
        ...

    def fetch_many(self, connection: Any, statement: str, params: Sequence[Any], *, width: int) -> list[Row]:
        """Run a SELECT of ``width`` columns and return its rows, in no particular order."""
        ...

    def commits_of_others(self, connection: Any) -> int | None:
        """Return a number that changes when another connection commits anything; ``None`` if there is none."""
        ...

    def parse(self, connection: Any, statement: str) -> None:
        """Have the driver keep a statement that is to be run later, where parsing it anew takes long."""
        ...

    def make_room(self, connection: Any) -> None:
        """Have the files be as long as much work makes them, where making them longer takes long."""
        ...

    def announce(self, alias: str, origin: Any) -> None:
        """Have other processes hear of a commit, where they do not find out by themselves; returns at once.

        Args:
            alias: In which of Django's databases.
            origin: The connection whose commit it was, if it does not want to hear of it.
        """
        ...


# The driver asks every value that is no plain number or text, NULL among them, whether it adapts itself; for one with
# an adapter it does not ask. There are some fifteen of them in the rows of a step. (Both of these are C.)
_NOTHING: dict[None, None] = {}
sqlite3.register_adapter(type(None), _NOTHING.get)
sqlite3.register_adapter(bool, int)


class _Sqlite:
    # A transaction that begins as a reader is refused when it writes after somebody else did, however long it may wait.
    begin = "BEGIN IMMEDIATE"
    # The one writer there can be holds everything.
    for_update = ""
    for_update_skip_locked = ""
    is_pipelined = False

    def prepare(self, connection: Any) -> Any:
        for statement in at_once.set_up():
            connection.execute(statement)
        return connection

    @staticmethod
    @lru_cache(maxsize=1024)
    def render(statement: str) -> str:
        return statement.replace("%s", "?")

    def indexed_by(self, index: str) -> str:
        # Without statistics the planner takes a list of functions for more selective than "the longest due".
        return f" INDEXED BY {index}"

    def unindexed(self, column: str) -> str:
        return column

    def insert(self, table: sql.Table, rows: Sequence[Row]) -> Iterable[Statement]:
        return sql.insert(table, rows)

    def update(self, columns: sql.Columns, rows: Sequence[Row]) -> Iterable[CheckedStatement]:
        return sql.update(columns, rows)

    def store_at_once(self, rows: sql.CommitRows) -> Statement | None:
        return at_once.store_at_once(rows)

    def listed(self, template: str, ids: Sequence[str]) -> Iterable[Statement]:
        return sql.listed(template, ids)

    def fetch_many(self, connection: Any, statement: str, params: Sequence[Any], *, width: int) -> list[Row]:
        # The driver releases the interpreter lock around every row, and with a busy thread beside it waits up to 5 ms
        # to have it back: 6,000 rows took 4 ms alone and 2.8 s in company. One row of JSON takes 7 and 18 ms.
        (text,) = connection.execute(self._as_json(statement, width), params).fetchone()
        rows: list[Row] = orjson.loads(text)
        return rows

    def commits_of_others(self, connection: Any) -> int | None:
        (number,) = connection.execute("PRAGMA data_version").fetchone()
        return int(number)

    def parse(self, connection: Any, statement: str) -> None:
        # An INSERT of 64 rows takes three times as long to parse as to run.
        with suppress(sqlite3.ProgrammingError):
            # Parsed and kept; then the driver misses the parameters.
            connection.execute(self.render(statement), ())

    def make_room(self, connection: Any) -> None:
        make_room(connection)

    def announce(self, alias: str, origin: Any) -> None:
        # They see ``PRAGMA data_version`` change.
        pass

    @staticmethod
    @lru_cache(maxsize=64)
    def _as_json(statement: str, width: int) -> str:
        columns = ", ".join(f"c{index}" for index in range(width))
        return (
            f"WITH found({columns}) AS ({_Sqlite.render(statement)}) "  # noqa: S608 - only our own constants
            f"SELECT json_group_array(json_array({columns})) FROM found"
        )


@lru_cache
def _dialect(vendor: str) -> Dialect | None:
    match vendor:
        case "sqlite":
            return _Sqlite()
        case "postgresql":
            # Not above: a site on SQLite need not load the driver.
            from executions.journal.postgresql import Postgresql

            return Postgresql()
        case _:
            return None


def dialect_of(connection: BaseDatabaseWrapper) -> Dialect:
    """Return the ways of a connection's database.

    Raises:
        ImproperlyConfigured: If the journal does not know that database.
    """
    dialect = _dialect(connection.vendor)
    if dialect is None:
        raise ImproperlyConfigured(f"the journal runs on SQLite and PostgreSQL, not on {connection.display_name}")
    return dialect
