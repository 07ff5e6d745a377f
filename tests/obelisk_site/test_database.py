from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from obelisk_site.database import sqlite_database

pytestmark = pytest.mark.django_db  # pytest-django asks for it of any connection, though these are of another database


@pytest.fixture
def two_connections(tmp_path: Path) -> Iterator[tuple[BaseDatabaseWrapper, BaseDatabaseWrapper]]:
    """Two connections to one new database, outside of the test database."""
    database = sqlite_database(tmp_path / "db.sqlite3", conn_max_age=None)
    database["OPTIONS"]["timeout"] = 0
    handler = ConnectionHandler({"default": database, "other": database})
    yield handler["default"], handler["other"]
    for connection in handler.all():
        connection.close()


def pragma(connection: BaseDatabaseWrapper, name: str) -> object:
    connection.ensure_connection()
    return connection.connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL
        ("foreign_keys", 1),
        ("temp_store", 2),  # MEMORY
        ("cache_size", -16384),
        ("mmap_size", 67108864),
        ("journal_size_limit", 67108864),
    ],
)
def test_every_connection_has_the_settings(
    two_connections: tuple[BaseDatabaseWrapper, BaseDatabaseWrapper], name: str, value: object
) -> None:
    assert [pragma(connection, name) for connection in two_connections] == [value, value]


def test_the_sites_database_waits_for_a_writer() -> None:
    assert connections["default"].settings_dict["OPTIONS"]["timeout"] == 20


def test_a_transaction_takes_the_write_lock_when_it_begins(
    two_connections: tuple[BaseDatabaseWrapper, BaseDatabaseWrapper],
) -> None:
    first, second = two_connections
    for connection in two_connections:
        connection.ensure_connection()
    first.set_autocommit(autocommit=False, force_begin_transaction_with_broken_autocommit=True)

    with pytest.raises(OperationalError, match="locked"):
        second.set_autocommit(autocommit=False, force_begin_transaction_with_broken_autocommit=True)

    first.rollback()
