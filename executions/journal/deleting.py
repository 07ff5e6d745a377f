"""Deleting executions with all that is stored about them."""
# ruff: noqa: S608 - statements are put together from the names of tables and placeholders only

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from django.apps import apps
from django.db import connection, transaction

from engine.log.ids import DELAY_PREFIX, EXECUTION_PREFIX
from executions.models import BatchEntry, Delay, Execution

#: Delays of an execution and of those below it; hardly any are left when it has ended. Primary key.
_DELAYS = f"DELETE FROM {Delay._meta.db_table} WHERE delay_id > %s AND delay_id < %s"


def delete_executions(execution_ids: Sequence[str]) -> None:
    """Delete finished executions in one transaction, with their events, responses, log lines and all else of theirs.

    Args:
        execution_ids: Few, so that nobody who writes has to wait; a parent not before its children.
    """
    if not execution_ids:
        return
    places = ", ".join(["%s"] * len(execution_ids))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(_DELAYS, [_delay_range(execution_id) for execution_id in execution_ids])
        for table in _tables():
            cursor.execute(f"DELETE FROM {table} WHERE execution_id IN ({places})", list(execution_ids))


def _delay_range(execution_id: str) -> tuple[str, str]:
    stem = DELAY_PREFIX + execution_id.removeprefix(EXECUTION_PREFIX)
    return f"{stem}.", f"{stem}/"  # "/" is the character behind "."


@lru_cache
def _tables() -> tuple[str, ...]:
    """Return the tables of this app that hold rows of an execution, its own last; delays are found by their ids."""
    tables = []
    for model in apps.get_app_config("executions").get_models():
        # A report of a batch stays whole, and goes with its batch.
        is_other = model not in (Execution, Delay, BatchEntry)
        if is_other and any(field.column == "execution_id" for field in model._meta.fields):
            tables.append(model._meta.db_table)
    return (*tables, Execution._meta.db_table)
