"""One statement that stores a whole small commit, for SQLite.

The driver gives the interpreter lock up around every statement, and beside a thread that computes it waits up to half
a millisecond to have it back. A view takes the rows of all tables as JSON, and its trigger distributes them; that takes
no more processor time. Standing alone, the statement is a transaction of its own, and its commit needs no further call.
"""
# ruff: noqa: S608 - statements are put together from constants only

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from executions.journal.outdated import OUTDATED
from executions.journal.sql import EVENT_TABLE, EXECUTION_TABLE, RESPONSE_TABLE, CommitRows, Table

STEP_COLUMNS: Final = ("next_version", "response_count")
"""What a step of a workflow changes in its state; a trigger has to name its columns once and for all."""
_MOST_ROWS: Final = 64
"""Beyond it the rows' own INSERTs are quicker by more than the interpreter lock costs them."""

_MOST_BYTES: Final = 1_000_000
"""Beyond it, reading JSON and the text of an event in it takes several times as long as binding that text."""

STORE: Final = "INSERT INTO obelisk_at_once VALUES (%s, %s, %s, %s)"

_EXECUTION: Final = EXECUTION_TABLE.name
#: The changed states. Primary key.
UPDATE_STEPS: Final = (
    f"UPDATE {_EXECUTION} SET next_version = step.value->>0, response_count = step.value->>1 "
    "FROM json_each({steps}) AS step "
    f"WHERE {_EXECUTION}.execution_id = step.value->>2 "
    f"AND {_EXECUTION}.next_version = step.value->>3 AND {_EXECUTION}.response_count = step.value->>4"
)


def set_up() -> Iterator[str]:
    """Return the statements that make a connection ready for `store_at_once`; nobody else sees what they create."""
    yield (
        "CREATE TEMP VIEW obelisk_at_once AS "
        "SELECT NULL AS executions, NULL AS steps, NULL AS events, NULL AS responses WHERE FALSE"
    )
    yield f"""CREATE TEMP TRIGGER obelisk_distribute INSTEAD OF INSERT ON obelisk_at_once BEGIN
        {_insert(EXECUTION_TABLE, "new.executions")};
        {UPDATE_STEPS.format(steps="new.steps")};
        SELECT RAISE(ABORT, '{OUTDATED}') WHERE changes() <> json_array_length(new.steps);
        {_insert(EVENT_TABLE, "new.events")};
        {_insert(RESPONSE_TABLE, "new.responses")};
    END"""


def store_at_once(rows: CommitRows) -> tuple[str, Sequence[str]] | None:
    """Return the statement that stores these rows; ``None`` if that is too much, or if something else changes."""
    executions, updates, events, responses = rows
    if len(executions) + len(events) + len(responses) > _MOST_ROWS or not updates.keys() <= {STEP_COLUMNS}:
        return None
    texts = [orjson.dumps(each) for each in (executions, updates.get(STEP_COLUMNS, ()), events, responses)]
    return (STORE, [text.decode() for text in texts]) if sum(map(len, texts)) <= _MOST_BYTES else None


def _insert(table: Table, source: str) -> str:
    values = ", ".join(f"value->>{index}" for index in range(len(table.columns)))
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) SELECT {values} FROM json_each({source})"
