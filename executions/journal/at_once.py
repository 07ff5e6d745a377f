"""One statement that stores a whole small commit, for SQLite.

The driver gives the interpreter lock up around every statement, and beside a thread that computes it waits up to half
a millisecond to have it back. A view takes the rows of all tables, and its trigger distributes them. Standing alone,
the statement is a transaction of its own, and its commit needs no further call.

There are two such views. One has a column for each value of what a step of a workflow stores; the other takes any
number of rows as JSON, which takes 10 µs more for each.
"""
# ruff: noqa: S608 - statements are put together from constants only

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Final, NamedTuple

import orjson

from executions.journal.outdated import OUTDATED
from executions.journal.sql import EVENT_TABLE, EXECUTION_TABLE, RESPONSE_TABLE, CommitRows, Table

STEP_COLUMNS: Final = ("next_version", "response_count")
"""What a step of a workflow changes in its state; a trigger has to name its columns once and for all."""
_MOST_ROWS: Final = 64
"""Beyond it the rows' own INSERTs are quicker by more than the interpreter lock costs them."""

_MOST_BYTES: Final = 1_000_000
"""Beyond it, reading JSON and the text of an event in it takes several times as long as binding that text."""

_STEP_EVENTS: Final = 6
"""Most events of a step: three of a call, and three of a child that was run within it."""

STORE: Final = "INSERT INTO obelisk_at_once VALUES (%s, %s, %s, %s)"

_EXECUTION: Final = EXECUTION_TABLE.name


class _Slot(NamedTuple):
    """Room for one row in the view of a step; its values are null if there is none.

    Args:
        columns: The view's columns.
        statement: Stores the row, in the view's trigger.
    """

    columns: tuple[str, ...]
    statement: str


def _insert_slot(name: str, table: Table) -> _Slot:
    columns = tuple(f"{name}_{number}" for number in range(len(table.columns)))
    values = ", ".join(f"new.{column}" for column in columns)
    return _Slot(
        columns,
        f"INSERT INTO {table.name} ({', '.join(table.columns)}) SELECT {values} WHERE new.{columns[0]} IS NOT NULL",
    )


_CHANGE_SLOT: Final = _Slot(
    ("next_version", "response_count", "changed_id", "known_version", "known_count"),
    f"UPDATE {_EXECUTION} SET next_version = new.next_version, response_count = new.response_count "
    "WHERE execution_id = new.changed_id AND next_version = new.known_version AND response_count = new.known_count; "
    f"SELECT RAISE(ABORT, '{OUTDATED}') WHERE new.changed_id IS NOT NULL AND changes() <> 1",
)
_EXECUTION_SLOT: Final = _insert_slot("execution", EXECUTION_TABLE)
_EVENT_SLOTS: Final = tuple(_insert_slot(f"event{number}", EVENT_TABLE) for number in range(_STEP_EVENTS))
_RESPONSE_SLOT: Final = _insert_slot("response", RESPONSE_TABLE)
_SLOTS: Final = (_EXECUTION_SLOT, _CHANGE_SLOT, *_EVENT_SLOTS, _RESPONSE_SLOT)

STORE_STEP: Final = f"INSERT INTO obelisk_step VALUES ({', '.join('%s' for slot in _SLOTS for _ in slot.columns)})"

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
    columns = ", ".join(f"NULL AS {column}" for slot in _SLOTS for column in slot.columns)
    yield f"CREATE TEMP VIEW obelisk_step AS SELECT {columns} WHERE FALSE"
    yield f"""CREATE TEMP TRIGGER obelisk_store_step INSTEAD OF INSERT ON obelisk_step BEGIN
        {"; ".join(slot.statement for slot in _SLOTS)};
    END"""


def store_at_once(rows: CommitRows) -> tuple[str, Sequence[Any]] | None:
    """Return the statement that stores these rows; ``None`` if that is too much, or if something else changes."""
    executions, updates, events, responses = rows
    if len(executions) + len(events) + len(responses) > _MOST_ROWS or not updates.keys() <= {STEP_COLUMNS}:
        return None
    changes = updates.get(STEP_COLUMNS, ())
    if len(events) <= _STEP_EVENTS and max(len(executions), len(changes), len(responses)) <= 1:
        return STORE_STEP, (
            *_placed(executions, _EXECUTION_SLOT),
            *_placed(changes, _CHANGE_SLOT),
            *_placed(events, *_EVENT_SLOTS),
            *_placed(responses, _RESPONSE_SLOT),
        )
    texts = [orjson.dumps(each) for each in (executions, changes, events, responses)]
    return (STORE, [text.decode() for text in texts]) if sum(map(len, texts)) <= _MOST_BYTES else None


def _placed(rows: Sequence[Sequence[Any]], *slots: _Slot) -> Iterator[Any]:
    """Return the values of slots of one kind, of which the last ones may stay empty."""
    empty = len(slots) - len(rows)
    return chain(*rows, repeat(None, empty * len(slots[0].columns)))


def _insert(table: Table, source: str) -> str:
    values = ", ".join(f"value->>{index}" for index in range(len(table.columns)))
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) SELECT {values} FROM json_each({source})"
