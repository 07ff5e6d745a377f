"""Room in SQLite's write-ahead log, and that nothing else comes of making it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from executions.journal.log_room import make_room

PAGES = 200
PAGE_BYTES = 4096


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {PAGES}")
    return connection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "site.sqlite3"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(path)
    connection.execute("CREATE TABLE kept (value)")
    connection.execute("INSERT INTO kept VALUES ('before')")
    yield connection
    connection.close()


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def test_the_log_is_as_long_as_it_becomes_before_a_checkpoint(connection: sqlite3.Connection, path: Path) -> None:
    make_room(connection)

    assert log_of(path).stat().st_size >= PAGES * PAGE_BYTES


def test_the_database_and_the_connection_are_as_they_were(connection: sqlite3.Connection) -> None:
    def everything() -> list[object]:
        questions = ("SELECT sql FROM sqlite_master", "SELECT value FROM kept")
        settings = ("cache_size", "page_count", "schema_version", "freelist_count", "integrity_check")
        return [
            connection.execute(question).fetchall() for question in (*questions, *(f"PRAGMA {s}" for s in settings))
        ]

    before = everything()
    make_room(connection)

    assert everything() == before
    assert not connection.in_transaction


def test_a_log_that_is_long_enough_is_left_alone(connection: sqlite3.Connection, path: Path) -> None:
    make_room(connection)
    written = log_of(path).stat().st_mtime_ns
    size = log_of(path).stat().st_size

    make_room(connection)

    assert (log_of(path).stat().st_mtime_ns, log_of(path).stat().st_size) == (written, size)


def test_a_database_without_such_a_log_is_left_alone(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = DELETE")

    make_room(connection)

    assert not log_of(path).exists()


def test_a_disk_that_is_nearly_full_is_left_alone(
    connection: sqlite3.Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.journal.log_room.disk_usage", lambda _: SimpleNamespace(free=PAGES * PAGE_BYTES))
    size = log_of(path).stat().st_size

    make_room(connection)

    assert log_of(path).stat().st_size == size


def test_what_is_committed_behind_it_survives_a_crash(
    connection: sqlite3.Connection, path: Path, tmp_path: Path
) -> None:
    make_room(connection)
    other = connect(path)
    other.execute("INSERT INTO kept VALUES ('of another connection')")
    connection.execute("INSERT INTO kept VALUES ('behind')")

    # What a process leaves that is killed now: the files as they are, and no index of the log.
    after = tmp_path / "after.sqlite3"
    shutil.copy(path, after)
    shutil.copy(log_of(path), log_of(after))
    other.close()

    found = connect(after)
    assert found.execute("SELECT value FROM kept").fetchall() == [("before",), ("of another connection",), ("behind",)]
    assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found.close()


def test_a_database_that_somebody_else_writes_to_is_left_alone(connection: sqlite3.Connection, path: Path) -> None:
    other = connect(path)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        make_room(connection)

    other.execute("INSERT INTO kept VALUES ('meanwhile')")
    other.execute("COMMIT")
    assert connection.execute("SELECT count(*) FROM kept").fetchone() == (2,)
    other.close()
