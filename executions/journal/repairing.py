"""Putting right what damage from outside did to stored executions; each repair leaves a record of who asked for it."""
# ruff: noqa: S608 - statements are put together from the names of tables and columns, and placeholders

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import connection, transaction

from engine.errors import LogError
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState, fold_log
from executions.journal.journal import SqlJournal
from executions.journal.rows import MUTABLE_COLUMNS, mutable_values
from executions.models import Execution

_EXECUTION: Final = Execution._meta.db_table
_REWRITE: Final = (
    f"UPDATE {_EXECUTION} SET {', '.join(f'{column} = %s' for column in MUTABLE_COLUMNS)} WHERE execution_id = %s"
)


def folded_state(journal: SqlJournal, execution_id: ExecutionId) -> ExecutionState:
    """Return the state that an execution's log and responses give.

    Raises:
        LogError: If they give none; says why.
    """
    entries = journal.load_log(execution_id)
    for place, entry in enumerate(entries):
        if entry.version != place:
            raise LogError(f"its log lacks the event of version {place}")
    responses = journal.load_responses(execution_id)
    for place, response in enumerate(responses, 1):
        if response.cursor != place:
            raise LogError(f"its responses lack the one of cursor {place}")
    return fold_log(execution_id, entries, responses)


def rewrite_state(execution_id: ExecutionId) -> bool:
    """Make an execution's row what its log says; tell whether it was anything else. Only inside a transaction.

    Raises:
        LogError: If the log gives no state.
    """
    journal = SqlJournal.for_current_connection()
    # Nobody else writes to it before the transaction is over.
    Execution.objects.select_for_update().get(pk=execution_id)
    folded = folded_state(journal, execution_id)
    if folded == journal.state_of(execution_id):
        return False
    with connection.cursor() as cursor:
        cursor.execute(_REWRITE, [*mutable_values(folded), execution_id])
    return True


def delete_rows_without_execution(table: str, execution_ids: Sequence[str]) -> int:
    """Delete the rows of a table that belong to executions that do not exist; return how many.

    Args:
        table: Its name; it has a column ``execution_id``.
        execution_ids: Which executions; those that exist after all are left alone.
    """
    places = ", ".join(["%s"] * len(execution_ids))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE execution_id IN ({places}) AND NOT EXISTS "
            f"(SELECT 1 FROM {_EXECUTION} x WHERE x.execution_id = {table}.execution_id)",
            list(execution_ids),
        )
        return int(cursor.rowcount)
