"""PostgreSQL's ways; see `executions.journal.dialect`."""
# ruff: noqa: S608 - statements are put together from constants only

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import orjson
import psycopg

from executions.journal import sql
from executions.journal.dialect import CheckedStatement, Row, Statement
from executions.journal.notifications import switchboard
from executions.journal.pipeline import PipelinedConnection

HELD_FOR: Final = timedelta(seconds=5)
"""How long rows stay locked by a process that is stopped, or cut off, in the middle of a transaction."""
WAITED_FOR: Final = timedelta(seconds=10)
"""How long to wait for rows that somebody else has locked; trying again is better then."""

_MILLISECOND: Final = timedelta(milliseconds=1)
_SETTINGS: Final = (
    f"SET idle_in_transaction_session_timeout = {HELD_FOR // _MILLISECOND}; "
    f"SET lock_timeout = {WAITED_FOR // _MILLISECOND}; "
    # One plan for each statement: it has an index of its own, whatever its parameters are.
    "SET plan_cache_mode = force_generic_plan; SET jit = off; "
    # A plan that was made while the tables were small, and is kept, must not read all of them when they are large.
    "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
)


#: Columns that are no text, by table.
_KINDS: Final = {
    sql.EXECUTION_TABLE.name: {
        **dict.fromkeys(("created_at", "first_scheduled_at", "due_at", "retry_backoff_us"), "bigint"),
        **dict.fromkeys(("next_version", "response_count", "last_lock_version"), "integer"),
        **dict.fromkeys(("max_retries", "temporary_failures"), "integer"),
        "closing": "boolean",
    },
    sql.EVENT_TABLE.name: {"version": "integer", "created_at": "bigint"},
    sql.RESPONSE_TABLE.name: {
        **dict.fromkeys(("cursor", "at_version", "finished_version"), "integer"),
        "created_at": "bigint",
        "delay_cancelled": "boolean",
    },
    sql.DELAY_TABLE.name: {"expires_at": "bigint", "is_paused": "boolean"},
    sql.LOG_LINE_TABLE.name: {"created_at": "bigint"},
    sql.CALL_SITES_TABLE.name: {"first_version": "integer", "behind_version": "integer"},
    sql.HTTP_EXCHANGE_TABLE.name: {
        **dict.fromkeys(("started_at", "duration_us", "request_bytes", "response_bytes"), "bigint"),
        "status": "smallint",
    },
}

#: A statement that finds fewer rows than it must fails, since what follows it is already on its way. The text is made
#: of the number so that the planner does not look at it beforehand.
_UPDATE: Final = """
WITH v AS (SELECT {values} FROM jsonb_array_elements(%s) AS x),
changed AS (
    UPDATE {table} AS e SET {assignments} FROM v
    WHERE e.execution_id = v.id AND e.next_version = v.version AND e.response_count = v.responses RETURNING 1
)
SELECT CASE count(*) WHEN %s THEN 0
       ELSE CAST('a state changed while it was being changed' || left(count(*)::text, 0) AS integer) END FROM changed
"""


class Postgresql:
    """PostgreSQL, through psycopg.

    Rows go to the server as JSON, one parameter whatever their number: the driver takes 2 µs for each parameter of a
    long statement, and each number of rows would be a statement to prepare.
    """

    begin = "BEGIN"
    for_update = " FOR UPDATE"
    for_update_skip_locked = " FOR UPDATE SKIP LOCKED"
    is_pipelined = True

    def prepare(self, connection: psycopg.Connection) -> PipelinedConnection:
        """See `Dialect`."""
        connection.execute(_SETTINGS)
        return PipelinedConnection(connection)

    def render(self, statement: str) -> str:
        """See `Dialect`."""
        return statement

    def indexed_by(self, index: str) -> str:
        """See `Dialect`."""
        return ""

    def unindexed(self, column: str) -> str:
        """See `Dialect`."""
        # As on SQLite, the planner takes a function for more selective than "the longest due"; when most executions are
        # of one function, it would read them all.
        return f"{column} || ''"

    def insert(self, table: sql.Table, rows: Sequence[Row]) -> Iterable[Statement]:
        """See `Dialect`."""
        yield _insert(table), (_as_json(rows),)

    def update(self, columns: sql.Columns, rows: Sequence[Row]) -> Iterable[CheckedStatement]:
        """See `Dialect`."""
        yield _update(columns), (_as_json(rows), len(rows)), None

    def store_at_once(self, rows: sql.CommitRows) -> Statement | None:
        """See `Dialect`; here many statements cost little more than one."""
        return None

    def listed(self, template: str, ids: Sequence[str]) -> Iterable[Statement]:
        """See `Dialect`."""
        # An array's elements are quoted as JSON's strings are, and ids hold nothing that would have to be.
        yield _with_array(template), (f"{{{orjson.dumps(ids).decode()[1:-1]}}}",)

    def fetch_many(self, connection: Any, statement: str, params: Sequence[Any], *, width: int) -> list[Row]:
        """See `Dialect`."""
        rows: list[Row] = connection.execute(statement, params).fetchall()
        return rows

    def commits_of_others(self, connection: Any) -> int | None:
        """See `Dialect`."""
        return None

    def parse(self, connection: Any, statement: str) -> None:
        """See `Dialect`."""
        # Whatever is run is prepared by then, and the server parses quickly.

    def make_room(self, connection: Any) -> None:
        """See `Dialect`."""
        # The server keeps its log's files, and uses them again.

    def announce(self, alias: str, origin: Any) -> None:
        """See `Dialect`."""
        switchboard(alias).tell(origin)


def _as_json(rows: Sequence[Row]) -> str:
    return orjson.dumps(rows).decode()


@lru_cache
def _insert(table: sql.Table) -> str:
    kinds = _KINDS.get(table.name, {})
    values = ", ".join(_value(number, kinds.get(column)) for number, column in enumerate(table.columns))
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) SELECT {values} FROM jsonb_array_elements(%s) AS x"


@lru_cache(maxsize=256)
def _update(columns: sql.Columns) -> str:
    kinds = _KINDS[sql.EXECUTION_TABLE.name]
    values = [f"{_value(number, kinds.get(column))} AS {column}" for number, column in enumerate(columns)]
    values += [
        f"{_value(len(columns) + number, kind)} AS {name}"
        for number, (name, kind) in enumerate((("id", None), ("version", "integer"), ("responses", "integer")))
    ]
    return _UPDATE.format(
        values=", ".join(values),
        table=sql.EXECUTION_TABLE.name,
        assignments=", ".join(f"{column} = v.{column}" for column in columns),
    )


def _value(number: int, kind: str | None) -> str:
    return f"x->>{number}" if kind is None else f"(x->>{number})::{kind}"


@lru_cache
def _with_array(template: str) -> str:
    return template.replace("IN ({ids})", "= ANY(%s)")
