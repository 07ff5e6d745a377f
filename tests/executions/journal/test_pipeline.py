"""Statements sent together: what comes back, what an error or a cut in the middle leaves behind."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors
from psycopg.pq import PipelineStatus, TransactionStatus

from engine.errors import JournalUnavailable
from executions.journal.connection import DedicatedConnection, own_connection
from executions.journal.pipeline import PipelinedConnection
from tests.harness.databases import default_database
from tests.harness.postgresql import PrivateServer

KEPT = 200
"""Prepared statements of a connection."""
MEGABYTE = 2**20
"""More than a socket takes at once, either way."""
INSERT = "INSERT INTO note VALUES (%s, %s)"
NOTES = "SELECT number, text FROM note ORDER BY place"


class Plain:
    """A connection of the driver's, and the pipeline on it."""

    def __init__(self, url: str) -> None:
        self.driver = psycopg.connect(url, autocommit=True)
        self.driver.execute("CREATE TEMPORARY TABLE note (number bigint PRIMARY KEY, text text, place serial)")
        self.pipeline = PipelinedConnection(self.driver)

    def is_idle(self) -> bool:
        """Whether nothing is left behind of what it was used for."""
        pgconn = self.driver.pgconn
        return (
            pgconn.pipeline_status == PipelineStatus.OFF
            and pgconn.transaction_status == TransactionStatus.IDLE
            and self.pipeline.execute("SELECT 1").fetchall() == [(1,)]
        )

    def notes(self) -> list[Any]:
        return list(self.pipeline.execute(NOTES).fetchall())

    def prepared(self) -> int:
        """How many statements the server keeps for it."""
        (number,) = self.pipeline.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() or ()
        return int(number)

    def hang_up(self) -> None:
        """Cut its socket."""
        with socket.socket(fileno=os.dup(self.driver.pgconn.socket)) as same:
            same.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def url(postgresql_server: PrivateServer) -> str:
    return postgresql_server.create_database("pipelines")


@pytest.fixture
def plain(url: str) -> Iterator[Plain]:
    plain = Plain(url)
    yield plain
    plain.driver.close()


class TestWhatComesBack:
    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            (None, "text"),
            (None, "bigint"),
            ("", "text"),
            ("E_01J00000000000000000000001.n:a_1", "text"),
            ("'quoted' \"twice\" \\ %s $1 {} \n\t\r", "text"),
            ("käse 漢字 🐢 \x01\x7f", "text"),
            ("x" * MEGABYTE, "text"),
            ('{"ok": [null, "\\u0000"]}', "text"),
            (0, "smallint"),
            (-1, "smallint"),
            (2**31 - 1, "integer"),
            (2**63 - 1, "bigint"),
            (-(2**63), "bigint"),
            (True, "boolean"),
            (False, "boolean"),
        ],
    )
    def test_a_value_comes_back_as_it_went(self, plain: Plain, value: object, kind: str) -> None:
        (found,) = plain.pipeline.execute(f"SELECT %s::{kind}", (value,)).fetchone() or ()

        assert found == value
        assert type(found) is type(value)

    def test_all_rows_come_in_order_and_the_first_alone(self, plain: Plain) -> None:
        found = plain.pipeline.execute("SELECT n, n::text, n > 1 FROM generate_series(1, %s::integer) n", (3,))

        assert found.fetchall() == [(1, "1", False), (2, "2", True), (3, "3", True)]
        assert found.fetchone() == (1, "1", False)

    def test_a_statement_without_rows_finds_nothing(self, plain: Plain) -> None:
        for statement in ("SELECT 1 WHERE false", "DELETE FROM note", ""):
            found = plain.pipeline.execute(statement)
            assert (found.fetchone(), found.fetchall()) == (None, [])

    def test_statements_run_in_their_order_and_the_last_one_answers(self, plain: Plain) -> None:
        plain.pipeline.send([*((INSERT, (number, f"n{number}")) for number in (3, 1, 2)), (NOTES, ())])

        assert plain.pipeline.receive().fetchall() == [(3, "n3"), (1, "n1"), (2, "n2")]

    def test_nothing_that_is_sent_finds_nothing(self, plain: Plain) -> None:
        plain.pipeline.send([])

        assert plain.pipeline.receive().fetchall() == []
        assert plain.is_idle()

    def test_much_goes_both_ways_at_once(self, plain: Plain) -> None:
        # The server answers before it reads on; somebody has to take that from it.
        text = "x" * MEGABYTE
        plain.pipeline.send([("SELECT %s::text", (text + str(number),)) for number in range(20)])

        assert plain.pipeline.receive().fetchone() == (text + "19",)
        assert plain.is_idle()


class TestNul:
    def test_text_with_a_nul_is_refused_before_anything_is_sent(self, plain: Plain) -> None:
        with pytest.raises(psycopg.DataError, match=r"^PostgreSQL's text holds no NUL$"):
            plain.pipeline.send([(INSERT, (1, "fine")), (INSERT, (2, "cut\0off"))])

        assert plain.is_idle()
        assert plain.notes() == []
        plain.pipeline.execute(INSERT, (1, "fine"))
        assert plain.notes() == [(1, "fine")]

    def test_a_connection_with_a_refused_text_can_be_used_for_another(self, plain: Plain) -> None:
        before = plain.prepared()

        with pytest.raises(psycopg.DataError):
            plain.pipeline.execute("SELECT %s::text || 'new'", ("\0",))

        assert plain.prepared() == before
        assert plain.pipeline.execute("SELECT %s::text || 'new'", ("a ",)).fetchone() == ("a new",)


class TestPreparedStatements:
    def test_a_statement_is_prepared_once(self, plain: Plain) -> None:
        before = plain.prepared()

        for number in range(5):
            plain.pipeline.send([(INSERT, (2 * number, "")), (INSERT, (2 * number + 1, ""))])
            plain.pipeline.receive()

        assert plain.prepared() == before + 1

    def test_of_many_the_ones_used_last_are_kept(self, plain: Plain) -> None:
        for number in range(KEPT + 50):
            assert plain.pipeline.execute(f"SELECT {number}").fetchone() == (number,)
            plain.pipeline.execute("SELECT 0")  # stays in use

        assert plain.prepared() == KEPT
        names = "SELECT statement FROM pg_prepared_statements"
        kept = {statement for (statement,) in plain.pipeline.execute(names).fetchall()}
        assert {"SELECT 0", f"SELECT {KEPT + 49}"} <= kept
        assert "SELECT 1" not in kept
        assert plain.pipeline.execute("SELECT 1").fetchone() == (1,)

    def test_more_than_are_kept_can_be_sent_together(self, plain: Plain) -> None:
        plain.pipeline.send([(f"SELECT {number}", ()) for number in range(2 * KEPT)])

        assert plain.pipeline.receive().fetchone() == (2 * KEPT - 1,)
        assert plain.prepared() == KEPT
        assert plain.pipeline.execute("SELECT 7").fetchone() == (7,)

    def test_one_that_the_server_could_not_prepare_is_not_taken_for_prepared(self, plain: Plain) -> None:
        for _ in range(2):
            with pytest.raises(errors.UndefinedTable):
                plain.pipeline.execute("SELECT * FROM later")

        plain.pipeline.execute("CREATE TEMPORARY TABLE later AS SELECT 1")
        assert plain.pipeline.execute("SELECT * FROM later").fetchone() == (1,)

    def test_those_behind_an_error_are_prepared_when_they_come_again(self, plain: Plain) -> None:
        plain.pipeline.send([("SELECT 1 / %s::integer", (0,)), ("SELECT 'behind'", ())])
        with pytest.raises(errors.DivisionByZero):
            plain.pipeline.receive()

        assert plain.pipeline.execute("SELECT 'behind'").fetchone() == ("behind",)
        assert plain.pipeline.execute("SELECT 1 / %s::integer", (1,)).fetchone() == (1,)

    def test_none_is_given_up_in_a_transaction_that_failed_so_that_it_can_be_rolled_back(self, plain: Plain) -> None:
        for number in range(KEPT):
            plain.pipeline.execute(f"SELECT {number}")
        plain.pipeline.send([("BEGIN", ()), ("SELECT 1 / %s::integer", (0,))])
        with pytest.raises(errors.DivisionByZero):
            plain.pipeline.receive()

        plain.pipeline.execute("ROLLBACK")

        assert plain.is_idle()
        assert plain.prepared() == KEPT


class TestAnErrorInTheMiddle:
    def test_what_follows_is_not_run_and_what_came_before_is_undone(self, plain: Plain) -> None:
        plain.pipeline.send([(INSERT, (1, "a")), (INSERT, (1, "again")), (INSERT, (2, "b"))])

        with pytest.raises(errors.UniqueViolation):
            plain.pipeline.receive()

        assert plain.is_idle()
        assert plain.notes() == []

    def test_the_first_of_several_is_told(self, plain: Plain) -> None:
        plain.pipeline.send([("SELECT 1 / %s::integer", (0,)), ("SELECT no_such_column", ())])

        with pytest.raises(errors.DivisionByZero):
            plain.pipeline.receive()

        assert plain.is_idle()

    def test_a_commit_behind_it_commits_nothing_and_the_transaction_can_be_rolled_back(self, plain: Plain) -> None:
        plain.pipeline.send([("BEGIN", ()), (INSERT, (1, "a")), (INSERT, (1, "again")), ("COMMIT", ())])
        with pytest.raises(errors.UniqueViolation):
            plain.pipeline.receive()
        assert plain.driver.pgconn.transaction_status == TransactionStatus.INERROR

        plain.pipeline.execute("ROLLBACK")

        assert plain.is_idle()
        assert plain.notes() == []

    @pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
    def test_a_number_that_no_column_holds_is_the_servers_to_refuse(self, plain: Plain, value: int) -> None:
        with pytest.raises(errors.NumericValueOutOfRange):
            plain.pipeline.execute(INSERT, (value, ""))

        assert plain.is_idle()


class TestACut:
    def test_a_server_that_ends_the_connection_meanwhile_is_an_error(self, plain: Plain, url: str) -> None:
        plain.pipeline.send([(INSERT, (1, "a")), ("SELECT pg_sleep(600)", ()), (INSERT, (2, "b"))])
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [plain.driver.info.backend_pid])

        with pytest.raises(psycopg.OperationalError):
            plain.pipeline.receive()

    @pytest.mark.parametrize("is_sent", [True, False])
    def test_a_connection_that_is_gone_is_an_error_at_once(self, plain: Plain, is_sent: bool) -> None:
        if is_sent:
            plain.pipeline.send([("SELECT pg_sleep(600)", ())])
        plain.hang_up()

        def go_on() -> None:
            if not is_sent:
                plain.pipeline.send([("SELECT 1", ()), ("SELECT 2", ())])
            plain.pipeline.receive()

        with pytest.raises(psycopg.OperationalError):
            go_on()


class TestOfTheJournal:
    """What the journal's connection makes of it."""

    @pytest.fixture
    def dedicated(self, postgresql_settings: dict[str, Any], transactional_db: None) -> Iterator[DedicatedConnection]:
        with default_database(postgresql_settings):
            dedicated = DedicatedConnection(own_connection)
            yield dedicated
            dedicated.close()

    @staticmethod
    def pid_of(dedicated: DedicatedConnection) -> int:
        with dedicated.reading() as statements:
            (pid,) = statements.execute("SELECT pg_backend_pid()").fetchone()
        return int(pid)

    @staticmethod
    def exists(dedicated: DedicatedConnection) -> bool:
        with dedicated.reading() as statements:
            (found,) = statements.execute("SELECT to_regclass('left_behind')").fetchone()
        return found is not None

    def test_a_nul_is_told_and_nothing_is_stored(self, dedicated: DedicatedConnection) -> None:
        def write() -> None:
            with dedicated.transaction() as statements:
                statements.write("CREATE TABLE left_behind (text text)")
                statements.write("INSERT INTO left_behind VALUES (%s)", ("cut\0off",))

        with pytest.raises(JournalUnavailable, match=r"^the database failed: PostgreSQL's text holds no NUL$"):
            write()

        assert not self.exists(dedicated)

    def test_a_connection_that_is_cut_before_the_commit_is_another_one_next_time(
        self, dedicated: DedicatedConnection, postgresql_settings: dict[str, Any]
    ) -> None:
        before = self.pid_of(dedicated)

        def be_cut() -> None:
            with dedicated.transaction() as statements:
                statements.write("CREATE TABLE left_behind (text text)")
                statements.execute("SELECT 1")
                statements.write("INSERT INTO left_behind VALUES ('a')")
                end(before, postgresql_settings)

        with pytest.raises(JournalUnavailable, match=r"terminating connection|closed|lost"):
            be_cut()

        assert self.pid_of(dedicated) != before
        assert not self.exists(dedicated)

    def test_a_connection_that_is_cut_during_the_commit_is_another_one_next_time(
        self, dedicated: DedicatedConnection, postgresql_settings: dict[str, Any]
    ) -> None:
        before = self.pid_of(dedicated)

        def be_cut() -> None:
            with dedicated.transaction() as statements:
                statements.write("SELECT pg_sleep(600)")
                statements.begin_commit()
                end(before, postgresql_settings)

        with pytest.raises(JournalUnavailable, match=r"terminating connection|closed|lost"):
            be_cut()

        assert self.pid_of(dedicated) != before


def end(pid: int, settings: dict[str, Any]) -> None:
    """End a server's process."""
    with default_database(settings):
        other = own_connection()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 30000)", [pid])
        other.close()
