"""How large the database is, as far as that can be told without reading all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db import OperationalError, connection

COUNTED: Final = 10_000
_MOST_BYTES_READ: Final = 256 << 20
"""Of a SQLite database: sizes of its tables are found by reading all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """A table.

    Args:
        name: What its rows are, in words.
        rows: How many there are: ``12``, ``10,000+`` or ``≈ 1,200,000``.
        size: Bytes with its indexes; ``None`` if nobody knows.
    """

    name: str
    rows: str
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSize:
    """The database.

    Args:
        engine: ``SQLite`` or ``PostgreSQL``.
        size: All of it, in bytes.
        tables: The largest first.
    """

    engine: str
    size: int
    tables: tuple[TableSize, ...]


def database_size() -> DatabaseSize:
    """Return how large the database is."""
    is_postgresql = connection.vendor == "postgresql"
    total = _one("SELECT pg_database_size(current_database())" if is_postgresql else _SQLITE_SIZE)
    tables = tuple(_postgresql_tables() if is_postgresql else _sqlite_tables(total))
    largest_first = sorted(tables, key=lambda table: (-(table.size or 0), table.name))
    return DatabaseSize(engine="PostgreSQL" if is_postgresql else "SQLite", size=total, tables=tuple(largest_first))


def _names() -> dict[str, str]:
    """Return what the rows of each table are, by its name."""
    return {model._meta.db_table: _plural(str(model._meta.verbose_name)) for model in apps.get_models()}


def _plural(name: str) -> str:
    """Return what several are called, of a model's name for one."""
    name = name.replace("api ", "API ").replace("http ", "HTTP ")
    if name.endswith("s"):
        return name
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}es" if name.endswith("ch") else f"{name}s"


_SQLITE_SIZE: Final = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"

#: Indexes belong to their tables. Reads the whole file.
_SQLITE_SIZES: Final = (
    "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY m.tbl_name"
)

#: The planner's estimate of rows; -1 for tables that were never looked at.
_POSTGRESQL_SIZES: Final = (
    "SELECT relname, reltuples::bigint, pg_total_relation_size(oid) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
)


def _sqlite_tables(total: int) -> Iterator[TableSize]:
    sizes: dict[str, int] = {}
    if total <= _MOST_BYTES_READ:
        # Not every build of SQLite can tell.
        with suppress(OperationalError):
            sizes = dict(_rows(_SQLITE_SIZES))
    for table, name in _names().items():
        yield TableSize(name=name, rows=_counted(table), size=sizes.get(table))


def _postgresql_tables() -> Iterator[TableSize]:
    names = _names()
    for table, estimate, size in _rows(_POSTGRESQL_SIZES):
        if table in names:
            rows = f"≈ {estimate:,}" if estimate > COUNTED else _counted(table)
            yield TableSize(name=names[table], rows=rows, size=size)


def _counted(table: str) -> str:
    quoted = connection.ops.quote_name(table)
    count = _one(f"SELECT COUNT(*) FROM (SELECT 1 FROM {quoted} LIMIT {COUNTED + 1}) AS counted")  # noqa: S608 - our name
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"


def _one(sql: str) -> int:
    return int(_rows(sql)[0][0])


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
