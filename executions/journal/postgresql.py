"""PostgreSQL's ways; see `executions.journal.dialect`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import psycopg
from psycopg.types.numeric import Int8Dumper

from executions.journal.dialect import Row
from executions.journal.notifications import switchboard

HELD_FOR: Final = timedelta(seconds=5)
"""How long rows stay locked by a process that is stopped, or cut off, in the middle of a transaction."""
WAITED_FOR: Final = timedelta(seconds=10)
"""How long to wait for rows that somebody else has locked; trying again is better then."""

_MILLISECOND: Final = timedelta(milliseconds=1)
_SETTINGS: Final = (
    f"SET idle_in_transaction_session_timeout = {HELD_FOR // _MILLISECOND}; "
    f"SET lock_timeout = {WAITED_FOR // _MILLISECOND}; "
    # One plan for each statement: it has an index of its own, whatever its parameters are.
    "SET plan_cache_mode = force_generic_plan; SET jit = off"
)


class Postgresql:
    """PostgreSQL, through psycopg."""

    begin = "BEGIN"
    for_update = " FOR UPDATE"
    for_update_skip_locked = " FOR UPDATE SKIP LOCKED"
    has_untyped_parameters = True

    def prepare(self, connection: psycopg.Connection) -> None:
        """See `Dialect`."""
        connection.execute(_SETTINGS)
        # Django's puts parameters into the text of the statement, of which no plan could be kept.
        connection.cursor_factory = psycopg.Cursor
        connection.prepare_threshold = 1
        # The driver prepares a statement anew for each combination of its parameters' types, and would take a number's
        # from its size.
        connection.adapters.register_dumper(int, Int8Dumper)

    def render(self, sql: str) -> str:
        """See `Dialect`."""
        return sql

    def indexed_by(self, index: str) -> str:
        """See `Dialect`."""
        return ""

    def fetch_many(self, connection: Any, sql: str, params: Sequence[Any], *, width: int) -> list[Row]:
        """See `Dialect`."""
        rows: list[Row] = connection.execute(sql, params).fetchall()
        return rows

    def commits_of_others(self, connection: Any) -> int | None:
        """See `Dialect`."""
        return None

    def announce(self, alias: str, origin: Any) -> None:
        """See `Dialect`."""
        switchboard(alias).tell(origin)
