from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from engine.errors import JournalUnavailable
from executions.journal.connection import Connection, CurrentConnection, DedicatedConnection, own_connection
from executions.models import ExecutorHeartbeat
from tests.executions.journal.impatience import make_impatient

pytestmark = pytest.mark.usefixtures("either_database")

BROKEN = "SELECT * FROM no_such_table"
INSERT = (
    "INSERT INTO executions_executorheartbeat "
    "(executor_id, host, pid, started_at, seen_at, slots, running, note) VALUES (%s, '', 1, 0, 0, 1, 0, '')"
)
COUNT = "SELECT count(*) FROM executions_executorheartbeat"
ORPHAN = (
    "INSERT INTO executions_delay (delay_id, execution_id, join_set_id, expires_at, is_paused) "
    "VALUES ('Delay_1', 'E_nobody', 'n:', 0, false)"
)


@pytest.fixture
def opened() -> Iterator[Callable[..., DedicatedConnection]]:
    """Opens connections that are closed at the end."""
    made: list[DedicatedConnection] = []

    def open_one(factory: Callable[[], BaseDatabaseWrapper] = own_connection) -> DedicatedConnection:
        made.append(DedicatedConnection(factory))
        return made[-1]

    yield open_one
    for connection in made:
        connection.close()


def write(connection: Connection, *ids: str, then: str | None = None) -> None:
    """Insert heartbeats and run one statement more, in one transaction."""
    with connection.transaction() as statements:
        for executor_id in ids:
            statements.execute(INSERT, (executor_id,))
        if then is not None:
            statements.execute(then)


def interrupted(connection: Connection) -> None:
    with connection.transaction() as statements:
        statements.execute(INSERT, ("Exr_1",))
        raise KeyboardInterrupt


def count(connection: Connection) -> int:
    with connection.reading() as statements:
        (number,) = statements.execute(COUNT).fetchone()
    return int(number)


@pytest.mark.django_db(transaction=True)
class TestDedicatedConnection:
    def test_a_transaction_is_seen_by_others_when_it_is_over(self, opened: Callable[..., DedicatedConnection]) -> None:
        writer, reader = opened(), opened()

        with writer.transaction() as statements:
            statements.execute(INSERT, ("Exr_1",))
            assert count(reader) == 0

        assert count(reader) == 1

    def test_an_exception_rolls_back(self, opened: Callable[..., DedicatedConnection]) -> None:
        connection = opened()

        with pytest.raises(KeyboardInterrupt):
            interrupted(connection)

        assert count(connection) == 0

    def test_a_broken_constraint_is_told_apart_from_a_broken_database(
        self, opened: Callable[..., DedicatedConnection]
    ) -> None:
        connection = opened()

        with pytest.raises(IntegrityError):
            write(connection, "Exr_1", "Exr_1")

        assert count(connection) == 0

    def test_a_commit_that_is_refused_leaves_nothing_open(self, opened: Callable[..., DedicatedConnection]) -> None:
        connection = opened()

        # The foreign key is checked at the end of the transaction.
        with pytest.raises(IntegrityError):
            write(connection, "Exr_1", then=ORPHAN)

        write(connection, "Exr_2")
        assert count(connection) == 1

    def test_a_database_that_is_held_is_unavailable_and_available_again(
        self, opened: Callable[..., DedicatedConnection]
    ) -> None:
        other, impatient = opened(), opened()
        make_impatient(impatient)

        with other.transaction() as statements:
            statements.execute(INSERT, ("Exr_1",))
            # PostgreSQL keeps only those away who want the same row.
            with pytest.raises(JournalUnavailable, match="lock"):
                write(impatient, "Exr_1")

        write(impatient, "Exr_2")
        assert count(other) == 2

    def test_a_wrong_statement_does_not_spoil_the_connection(self, opened: Callable[..., DedicatedConnection]) -> None:
        connection = opened()

        with pytest.raises(JournalUnavailable, match="no_such_table"):
            write(connection, "Exr_1", then=BROKEN)

        assert count(connection) == 0

    def test_a_closed_connection_opens_again(self, opened: Callable[..., DedicatedConnection]) -> None:
        connection = opened()
        assert count(connection) == 0

        connection.close()

        assert count(connection) == 0

    def test_threads_take_turns(self, opened: Callable[..., DedicatedConnection]) -> None:
        connection = opened()
        entered = threading.Event()

        def write_too() -> None:
            entered.set()
            write(connection, "Exr_2")

        with connection.transaction() as statements:
            thread = threading.Thread(target=write_too)
            thread.start()
            entered.wait()
            statements.execute(INSERT, ("Exr_1",))
        thread.join()

        assert count(connection) == 2


@pytest.mark.django_db
def test_a_database_that_cannot_be_opened_is_unavailable_until_it_can(tmp_path: Path) -> None:
    usual = connections["default"].settings_dict
    missing = "missing" if connections["default"].vendor == "postgresql" else str(tmp_path / "later" / "db.sqlite3")
    settings = usual | {"NAME": missing}
    connection = DedicatedConnection(lambda: load_backend(settings["ENGINE"]).DatabaseWrapper(settings))

    with pytest.raises(JournalUnavailable), connection.reading() as statements:
        statements.execute("SELECT 1")

    settings["NAME"] = usual["NAME"]
    with connection.reading() as statements:
        assert statements.execute("SELECT 1").fetchone() == (1,)
    connection.close()


class TestCurrentConnection:
    @pytest.mark.django_db(transaction=True)
    def test_a_transaction_of_its_own_is_committed(self, opened: Callable[..., DedicatedConnection]) -> None:
        write(CurrentConnection(), "Exr_1")

        assert count(opened()) == 1

    @pytest.mark.django_db(transaction=True)
    def test_it_joins_the_transaction_that_is_open(self) -> None:
        with transaction.atomic():
            write(CurrentConnection(), "Exr_1")
            assert ExecutorHeartbeat.objects.count() == 1
            transaction.set_rollback(True)

        assert ExecutorHeartbeat.objects.count() == 0

    @pytest.mark.django_db
    def test_a_failure_leaves_the_transaction_around_it_usable(self) -> None:
        write(CurrentConnection(), "Exr_1")

        with pytest.raises(IntegrityError):
            write(CurrentConnection(), "Exr_2", "Exr_1")
        with pytest.raises(JournalUnavailable):
            write(CurrentConnection(), "Exr_3", then=BROKEN)

        assert [row.executor_id for row in ExecutorHeartbeat.objects.all()] == ["Exr_1"]


@pytest.mark.django_db
def test_many_rows_are_read_as_they_are() -> None:
    select = "SELECT 9007199254740993, 'a\"b\\\u0001é\U0001f600', NULL, 0 UNION ALL SELECT -1, '{\"k\": [1.0]}', 'x', 1"
    with CurrentConnection().reading() as statements:
        plain = statements.execute(select).fetchall()
        many = statements.fetch(select, (), width=4)
        none = statements.fetch(f"{COUNT.replace('count(*)', 'executor_id')} WHERE host = %s", ("x",), width=1)

    assert sorted(map(tuple, many)) == sorted(plain)
    assert none == []
