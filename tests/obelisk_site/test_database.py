from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from executions.journal.connection import own_connection
from obelisk_site.database import postgresql_database, sqlite_database
from obelisk_site.process import Process
from tests.harness.databases import default_database
from tests.harness.postgresql import PrivateServer

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


# --- PostgreSQL -------------------------------------------------------------------------------------------------------

URL = "postgres://ann:s%40rp@db.example.com:6432/obelisk?sslmode=verify-full&connect_timeout=3"


def entry(url: str = URL, *, process: Process = Process.EXECUTOR, password: str | None = None) -> dict[str, Any]:
    return postgresql_database(url, process=process, pool_size=7, password=password)


def test_an_address_says_all_about_a_postgresql_database() -> None:
    read = entry()

    assert {name: read[name] for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")} == {
        "HOST": "db.example.com",
        "PORT": 6432,
        "NAME": "obelisk",
        "USER": "ann",
        "PASSWORD": "s@rp",
    }
    assert read["OPTIONS"]["sslmode"] == "verify-full"
    assert read["OPTIONS"]["connect_timeout"] == 3
    assert read["OPTIONS"]["application_name"] == "obelisk-executor"


def test_the_web_process_has_a_pool_and_the_others_keep_what_they_opened() -> None:
    web, executor = entry(process=Process.WEB), entry()

    assert (web["CONN_MAX_AGE"], web["OPTIONS"]["pool"]["max_size"]) == (0, 7)
    assert (executor["CONN_MAX_AGE"], executor["OPTIONS"].get("pool")) == (None, None)


def test_a_password_may_stand_elsewhere() -> None:
    assert entry("postgres://ann@db/obelisk", password="swordfish")["PASSWORD"] == "swordfish"


@pytest.mark.parametrize(
    ("url", "password", "problem"),
    [
        ("db.example.com/obelisk", None, "expected an address"),
        ("mysql://ann:swordfish@db/obelisk", None, "expected an address"),
        ("postgres://ann:sword/fish@db:54x2/obelisk", None, "not an address"),
        ("postgres://ann:swordfish@db:5432", None, "names no database"),
        ("postgres://ann:swordfish@db/obelisk", "swordfish", "leave one"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(url: str, password: str | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        entry(url, password=password)

    assert "fish" not in str(caught.value)


@pytest.mark.usefixtures("postgresql_settings")
def test_a_journal_takes_no_connection_of_the_pool(
    postgresql_server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = entry(postgresql_server.url("test_obelisk"), process=Process.WEB)
    handler = ConnectionHandler({"default": web})
    monkeypatch.setattr("executions.journal.connection.connections", handler)

    own = own_connection()
    own.ensure_connection()

    assert own.pool is None  # type: ignore[attr-defined]  # PostgreSQL's
    own.close()


@pytest.fixture
def migrated(postgresql_settings: dict[str, Any]) -> Iterator[BaseDatabaseWrapper]:
    with default_database(postgresql_settings):
        yield connections["default"]


def not_bytewise(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " JOIN pg_collation o ON o.oid = a.attcollation"
            " WHERE c.relkind = 'r' AND c.relname ~ '^(components|executions|webhooks)_' AND o.collname <> 'C'"
        )
        return [name for (name,) in cursor.fetchall()]


def test_all_text_is_compared_bytewise_whatever_the_database_is_for(migrated: BaseDatabaseWrapper) -> None:
    with migrated.cursor() as cursor:
        cursor.execute("SELECT 'a' < 'B'")
        assert cursor.fetchone() == (True,), "the tests' database orders text as people do"

    assert not_bytewise(migrated) == [], (
        "a migration that adds text columns ends with executions.bytewise.bytewise_text"
    )


def test_the_ways_of_postgresql_can_be_taken_back(postgresql_server: PrivateServer) -> None:
    url = postgresql_server.create_database("back_and_forth")
    settings = dict(connections.configure_settings({"default": entry(url)})["default"])

    with default_database(settings):
        call_command("migrate", verbosity=0)
        call_command("migrate", "executions", "0016", verbosity=0)
        assert "executions_event.payload" in not_bytewise(connections["default"])
        call_command("migrate", verbosity=0)
        assert not_bytewise(connections["default"]) == []
