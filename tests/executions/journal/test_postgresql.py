"""What PostgreSQL makes of the journal's statements."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.db import connection

from engine.deployment.spec import LockingStrategy
from engine.errors import JournalUnavailable
from executions.journal import sql
from executions.journal.connection import DedicatedConnection, Statements, own_connection
from executions.journal.dialect import Dialect
from tests.builders import make_lockable
from tests.harness.databases import default_database

ROWS = 20_000

FILL = (
    """
    INSERT INTO executions_execution (execution_id, ffqn, component_type, component_name, component_digest,
        deployment_id, created_at, first_scheduled_at, next_version, response_count, status, lifecycle, due_at,
        executor_id, run_id, retry_backoff_us, temporary_failures, closing, result_kind)
    SELECT 'E_' || lpad(n::text, 26, '0'), 'test:pkg/api.f' || mod(n, 50), 'workflow', 'c', 'd' || mod(n, 50), 'Dep_1',
        n, n, 2, 0,
        CASE WHEN mod(n, 10) = 0 THEN 'pending_at' WHEN mod(n, 10) = 1 THEN 'locked' ELSE 'finished' END, 'active', n,
        CASE WHEN mod(n, 10) = 1 THEN 'x' END, CASE WHEN mod(n, 10) = 1 THEN 'x' END, 0, 0, false,
        CASE WHEN mod(n, 10) > 1 THEN 'ok' END
    FROM generate_series(1, %(rows)s) n
    """,
    """
    INSERT INTO executions_event (execution_id, version, created_at, variant, payload)
    SELECT 'E_' || lpad(n::text, 26, '0'), v, n, CASE v WHEN 0 THEN 'created' ELSE 'locked' END, '{}'
    FROM generate_series(1, %(rows)s) n, generate_series(0, 1) v
    """,
    """
    INSERT INTO executions_joinsetresponse (execution_id, cursor, join_set_id, created_at, at_version, delay_id,
        delay_cancelled)
    SELECT 'E_' || lpad((n / 4)::text, 26, '0'), mod(n, 4) + 1, 'n:a', n, 1, 'Delay_' || n, false
    FROM generate_series(1, %(rows)s) n
    """,
    """
    INSERT INTO executions_delay (delay_id, execution_id, join_set_id, expires_at, is_paused)
    SELECT 'Delay_' || n, 'E_' || lpad(n::text, 26, '0'), 'n:a', n, mod(n, 2) = 0 FROM generate_series(1, %(rows)s) n
    """,
)


@pytest.fixture(scope="module", autouse=True)
def on_postgresql(postgresql_settings: dict[str, Any]) -> Iterator[None]:
    with default_database(postgresql_settings):
        yield


@pytest.fixture
def statements(transactional_db: None) -> Iterator[Statements]:
    """The journal's own connection to a database in which the planner knows of many rows."""
    with connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(
                statement.replace(" % 10", " %% 10").replace("% 50", "%% 50").replace("% 4", "%% 4"), {"rows": ROWS}
            )
        cursor.execute("ANALYZE")
    own = DedicatedConnection(own_connection)
    with own.reading() as opened:
        yield opened
    own.close()


def plan(statements: Statements, statement: str, params: Sequence[Any]) -> str:
    """How a statement is carried out, whatever its parameters are."""
    numbers = itertools.count(1)
    numbered = re.sub("%s", lambda _: f"${next(numbers)}", statement)
    statements.execute(f"PREPARE planned AS {numbered}")
    steps = statements.execute(f"EXPLAIN EXECUTE planned({', '.join(['NULL'] * len(params))})").fetchall()
    statements.execute("DEALLOCATE planned")
    return "\n".join(line for (line,) in steps)


def hot_statements(dialect: Dialect) -> Iterator[tuple[str, Sequence[Any]]]:
    """What a commit, an executor's tick and a run's beginning ask."""
    ids = ["E_00000000000000000000000007", "E_00000000000000000000000009"]
    for template in (sql.STATES + dialect.for_update, sql.FIRST_EVENTS, sql.DELAYS, sql.DELETE_DELAYS):
        yield from dialect.listed(template, ids)
    for template in (sql.RESPONDED_CHILDREN, sql.RESPONDED_DELAYS):
        yield from dialect.listed(template, ids)
    for columns, width in ((("next_version", "response_count"), 2), (("status", "due_at", "closing"), 3)):
        for statement, params, _ in dialect.update(columns, [[*[1] * (width + 3)]]):
            yield statement, params
    yield sql.STATE, ids[:1]
    yield sql.IS_ANSWERED, (ids[0], 1, "n:a")
    yield sql.LOG, (ids[0], 0)
    yield sql.RESPONSES, (ids[0], 0)
    yield sql.DUE_DELAYS, (5, 5)
    yield sql.EXPIRED_LOCKS, (5, 5)
    yield sql.CANCELLING, (5,)
    yield sql.OUTLOOK, (5,) * 6
    yield sql.NEWEST_CALL, ("test:pkg/api.f1", "d1")
    yield sql.COUNT_LOG_LINES, (ids[0], 5)
    for strategy in LockingStrategy:
        choices = [make_lockable(strategy=strategy, ffqns=("test:pkg/api.f1", "test:pkg/api.f2"))]
        statement, params = sql.pending(
            choices, due_at=ROWS, after=None, limit=5, hint="", ffqn=dialect.unindexed("ffqn")
        )
        yield statement + dialect.for_update_skip_locked, params


def test_no_hot_statement_reads_a_whole_table_or_sorts_more_than_a_list(statements: Statements) -> None:
    found = {statement: plan(statements, statement, params) for statement, params in hot_statements(statements.dialect)}

    assert len(found) > 15
    for statement, steps in found.items():
        assert "Seq Scan" not in steps, (statement, steps)
        assert "Index" in steps, (statement, steps)
        assert "Sort" not in steps or "ANY" in statement, (statement, steps)
        assert "execution_pending" in steps or "SKIP LOCKED" not in statement, steps


def test_a_step_writes_no_index_of_its_execution(statements: Statements) -> None:
    ((update, params, _),) = statements.dialect.update(
        ("next_version", "response_count"), [[3, 1, "E_00000000000000000000000011", 2, 0]]
    )

    def updates() -> tuple[int, int]:
        statements.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        (counts,) = statements.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'executions_execution'"
        ).fetchall()
        return counts[0], counts[1]

    updated, without_index = updates()

    statements.execute(update, params)

    assert updates() == (updated + 1, without_index + 1)


def test_a_row_that_is_not_there_fails_the_whole_transaction(transactional_db: None) -> None:
    own = DedicatedConnection(own_connection)

    def change_nobody() -> None:
        with own.transaction() as statements:
            statements.write("CREATE TABLE left_behind ()")
            for statement, params, count in statements.dialect.update(("next_version",), [[3, "E_nobody", 2, 0]]):
                statements.write(statement, params, rows=count)

    with pytest.raises(JournalUnavailable, match="changed while it was being changed"):
        change_nobody()

    with own.reading() as statements:
        assert statements.execute("SELECT to_regclass('left_behind')").fetchone() == (None,)
    own.close()


def test_a_connection_that_was_cut_in_the_middle_is_another_one_next_time(transactional_db: None) -> None:
    own = DedicatedConnection(own_connection)

    def be_cut() -> None:
        with own.transaction() as statements:
            (pid,) = statements.execute("SELECT pg_backend_pid()").fetchone()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
            statements.execute("SELECT 1")

    with pytest.raises(JournalUnavailable, match=r"terminating connection|closed"):
        be_cut()

    with own.reading() as statements:
        assert statements.execute("SELECT 1").fetchone() == (1,)
    own.close()


def test_whoever_stops_in_the_middle_of_a_transaction_does_not_hold_others_up_for_long(transactional_db: None) -> None:
    own = DedicatedConnection(own_connection)

    with own.reading() as statements:
        shown = [
            statements.execute(f"SHOW {name}").fetchone()[0]
            for name in ("idle_in_transaction_session_timeout", "lock_timeout")
        ]

    assert shown == ["5s", "10s"]
    own.close()
