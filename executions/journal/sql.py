"""The journal's statements, with ``%s`` placeholders: what each does, and which index serves it.

Statuses stand in the text, not in the parameters, so that a planner can see that a partial index applies. `tests` holds
the plans to the indexes named here.
"""
# ruff: noqa: S608 - statements are put together from constants and placeholders only

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from engine.deployment.spec import LockingStrategy
from engine.journal.records import Lockable
from executions.journal.rows import (
    CALL_SITES_COLUMNS,
    DELAY_COLUMNS,
    EVENT_COLUMNS,
    EXECUTION_COLUMNS,
    HTTP_EXCHANGE_COLUMNS,
    LABEL_COLUMNS,
    LOG_LINE_COLUMNS,
    RESPONSE_COLUMNS,
)

Columns = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the columns that an INSERT fills, in order."""

    name: str
    columns: tuple[str, ...]


class CommitRows(NamedTuple):
    """What a commit stores in the tables that every step of a workflow writes to.

    Args:
        executions: New states.
        updates: Changed states by the columns that change, as for `Dialect.update`.
        events: New events.
        responses: New responses.
    """

    executions: Sequence[Sequence[Any]]
    updates: Mapping[Columns, Sequence[Sequence[Any]]]
    events: Sequence[Sequence[Any]]
    responses: Sequence[Sequence[Any]]


EXECUTION_TABLE = Table("executions_execution", EXECUTION_COLUMNS)
EVENT_TABLE = Table("executions_event", EVENT_COLUMNS)
RESPONSE_TABLE = Table("executions_joinsetresponse", RESPONSE_COLUMNS)
DELAY_TABLE = Table("executions_delay", DELAY_COLUMNS)
LABEL_TABLE = Table("executions_label", LABEL_COLUMNS)
LOG_LINE_TABLE = Table("executions_logline", LOG_LINE_COLUMNS)
CALL_SITES_TABLE = Table("executions_callsites", CALL_SITES_COLUMNS)
HTTP_EXCHANGE_TABLE = Table("executions_httpexchange", HTTP_EXCHANGE_COLUMNS)

_EXECUTION = EXECUTION_TABLE.name
_LOG_LINE = LOG_LINE_TABLE.name
_EVENT = EVENT_TABLE.name
_RESPONSE = RESPONSE_TABLE.name
_DELAY = DELAY_TABLE.name

_STATE = ", ".join(EXECUTION_COLUMNS)
STATES_WIDTH = len(EXECUTION_COLUMNS)
DELAYS_WIDTH = len(DELAY_COLUMNS)
_IS_PENDING = "status = 'pending_at' AND lifecycle = 'active'"
_IS_LOCKED = "status = 'locked' AND lifecycle = 'active'"

# --- What a commit reads ----------------------------------------------------------------------------------------------

#: States by id, in the order in which every transaction locks them. Primary key. Ends with ``for_update``.
STATES = f"SELECT {_STATE} FROM {_EXECUTION} WHERE execution_id IN ({{ids}}) ORDER BY execution_id"

#: The rows of `STATES` without what is in them. Primary key. Ends with ``for_update``.
LOCKED_ROWS = f"SELECT 1 FROM {_EXECUTION} WHERE execution_id IN ({{ids}}) ORDER BY execution_id"

#: One state, without locking it. Primary key.
STATE = f"SELECT {_STATE} FROM {_EXECUTION} WHERE execution_id = %s"

#: The ``created`` events of executions. ``event_version_unique``.
FIRST_EVENTS = f"SELECT execution_id, payload FROM {_EVENT} WHERE version = 0 AND execution_id IN ({{ids}})"

#: Delays by id. Primary key. Ends with ``for_update``.
DELAYS = f"SELECT {', '.join(DELAY_COLUMNS)} FROM {_DELAY} WHERE delay_id IN ({{ids}}) ORDER BY delay_id"

#: Whether a join set has a response behind a cursor. ``response_cursor_unique``.
IS_ANSWERED = f"SELECT 1 FROM {_RESPONSE} WHERE execution_id = %s AND cursor > %s AND join_set_id = %s LIMIT 1"

#: Which of these children have responded. ``response_child_unique``.
RESPONDED_CHILDREN = (
    f"SELECT child_execution_id FROM {_RESPONSE} "
    "WHERE child_execution_id IS NOT NULL AND child_execution_id IN ({ids})"
)

#: Which of these delays have responded. ``response_delay_unique``.
RESPONDED_DELAYS = f"SELECT delay_id FROM {_RESPONSE} WHERE delay_id IS NOT NULL AND delay_id IN ({{ids}})"

# --- What a commit writes ---------------------------------------------------------------------------------------------

#: One changed state, if the row still is what it was when it was loaded. Primary key; the row count is checked.
_UPDATE_EXECUTION = (
    f"UPDATE {_EXECUTION} SET {{assignments}} WHERE execution_id = %s AND next_version = %s AND response_count = %s"
)

#: Many changed states, as `_UPDATE_EXECUTION`.
_UPDATE_EXECUTIONS = (
    f"UPDATE {_EXECUTION} SET {{assignments}} FROM (VALUES {{rows}}) AS v "
    f"WHERE {_EXECUTION}.execution_id = {{key}} AND {_EXECUTION}.next_version = {{version}} "
    f"AND {_EXECUTION}.response_count = {{responses}}"
)

#: A delay that is paused or goes on. Primary key.
PAUSE_DELAY = f"UPDATE {_DELAY} SET is_paused = %s WHERE delay_id = %s"

#: Delays that fired or were cancelled. Primary key.
DELETE_DELAYS = f"DELETE FROM {_DELAY} WHERE delay_id IN ({{ids}})"

# --- What executors ask -----------------------------------------------------------------------------------------------

#: A log from a version on. ``event_version_unique``.
LOG = f"SELECT version, created_at, payload FROM {_EVENT} WHERE execution_id = %s AND version >= %s"
LOG_WIDTH = 3

#: Responses behind a cursor with the children's last events. ``response_cursor_unique``, ``event_version_unique``.
RESPONSES = f"""
SELECT r.cursor, r.at_version, r.join_set_id, r.created_at, r.child_execution_id, r.finished_version, r.delay_id,
       r.delay_cancelled, e.payload
FROM {_RESPONSE} r
LEFT JOIN {_EVENT} e ON e.execution_id = r.child_execution_id AND e.version = r.finished_version
WHERE r.execution_id = %s AND r.cursor > %s
"""
RESPONSES_WIDTH = 9

#: Unpaused delays that are due, oldest first. ``delay_due``.
DUE_DELAYS = (
    f"SELECT {', '.join(DELAY_COLUMNS)} FROM {_DELAY} WHERE NOT is_paused AND expires_at <= %s "
    "ORDER BY expires_at, delay_id LIMIT %s"
)

#: Active executions whose lock has expired, oldest first. ``execution_locked``.
EXPIRED_LOCKS = (
    f"SELECT {_STATE} FROM {_EXECUTION} WHERE {_IS_LOCKED} AND due_at <= %s ORDER BY due_at, execution_id LIMIT %s"
)

#: Executions that are being cancelled, oldest first. ``execution_cancelling``.
CANCELLING = (
    f"SELECT {_STATE} FROM {_EXECUTION} WHERE lifecycle = 'cancelling' ORDER BY created_at, execution_id LIMIT %s"
)

#: The newest call of a function by one version of its component. ``execution_function``, backwards.
NEWEST_CALL = (
    f"SELECT {_STATE} FROM {_EXECUTION} WHERE ffqn = %s AND component_digest = %s ORDER BY created_at DESC LIMIT 1"
)

#: Whether executions are due; whether delays are, locks have expired, or executions are being cancelled; and the next
#: instants at which something falls due. ``execution_pending``, ``execution_locked``, ``delay_due``,
#: ``execution_cancelling``.
OUTLOOK = f"""
SELECT EXISTS (SELECT 1 FROM {_EXECUTION} WHERE {_IS_PENDING} AND due_at <= %s),
       EXISTS (SELECT 1 FROM {_DELAY} WHERE NOT is_paused AND expires_at <= %s)
       OR EXISTS (SELECT 1 FROM {_EXECUTION} WHERE {_IS_LOCKED} AND due_at <= %s)
       OR EXISTS (SELECT 1 FROM {_EXECUTION} WHERE lifecycle = 'cancelling'),
       (SELECT due_at FROM {_EXECUTION} WHERE {_IS_PENDING} AND due_at > %s ORDER BY due_at LIMIT 1),
       (SELECT expires_at FROM {_DELAY} WHERE NOT is_paused AND expires_at > %s ORDER BY expires_at LIMIT 1),
       (SELECT due_at FROM {_EXECUTION} WHERE {_IS_LOCKED} AND due_at > %s ORDER BY due_at LIMIT 1)
"""

#: How many log lines an execution has, up to a limit. ``log_line_of_execution``.
COUNT_LOG_LINES = f"SELECT COUNT(*) FROM (SELECT 1 FROM {_LOG_LINE} WHERE execution_id = %s LIMIT %s) AS line"

#: Due executions that some component may run, the longest due first. ``execution_pending``. Put together by `pending`;
#: ends with ``for_update_skip_locked``.
_PENDING = f"""
SELECT {_STATE} FROM {_EXECUTION}{{hint}}
WHERE {_IS_PENDING} AND due_at <= %s{{scope}} AND ({{choices}})
ORDER BY due_at, execution_id LIMIT %s
"""
PENDING_INDEX = "execution_pending"


def pending(
    choices: Iterable[Lockable],
    *,
    due_at: int,
    after: tuple[int, str] | None,
    limit: int,
    hint: str,
    ffqn: str = "ffqn",
) -> tuple[str, list[Any]]:
    """Return the statement that finds due executions, and its parameters.

    Args:
        choices: Components that may run them; at least one.
        due_at: Present instant, in microseconds.
        after: Only what stands behind this (``due_at``, id) in the order.
        limit: Most rows.
        hint: The dialect's hint of the index.
        ffqn: How the dialect names the function where no index of functions is to be taken.
    """
    scope = ""
    params: list[Any] = [due_at]
    if after is not None:
        scope += " AND (due_at, execution_id) > (%s, %s)"
        params.extend(after)
    conditions = []
    for choice in choices:
        condition, values = _qualification(choice, ffqn)
        conditions.append(condition)
        params.extend(values)
    sql = _PENDING.format(hint=hint, scope=scope, choices=" OR ".join(conditions))
    return sql, [*params, limit]


def _qualification(choice: Lockable, ffqn: str) -> tuple[str, Sequence[str]]:
    """Return the SQL of `engine.journal.locking.qualifies`."""
    digest = choice.component_id.digest
    compatible = "(incompatible_digest IS NULL OR incompatible_digest <> %s)"
    if choice.strategy is LockingStrategy.BY_COMPONENT_DIGEST:
        return f"component_digest = %s AND {compatible}", (digest, digest)
    if not choice.ffqns:
        return "1 = 0", ()
    names = ", ".join(["%s"] * len(choice.ffqns))
    return f"{ffqn} IN ({names}) AND {compatible}", (*choice.ffqns, digest)


# --- Lists of any length, on SQLite -----------------------------------------------------------------------------------

#: Rows of one INSERT or UPDATE. SQLite carries out one of many rows in a single step, without the interpreter lock and
#: at half of the cost of as many single ones; a fixed set of sizes keeps the statements in the driver's cache.
_LARGE_BATCHES = (128, 64, 32, 16)
_LARGEST_EXACT = 8
#: Ids of one SELECT or DELETE; lists are filled up to the next size with copies of their last id.
_LIST_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def insert(table: Table, rows: Sequence[Sequence[Any]]) -> Iterable[tuple[str, list[Any]]]:
    """Return the statements that insert rows, in order, with their parameters."""
    start = 0
    for size in _batches(len(rows)):
        yield _insert(table, size), list(chain.from_iterable(rows[start : start + size]))
        start += size


@lru_cache(maxsize=1024)
def _batches(count: int) -> tuple[int, ...]:
    sizes: list[int] = []
    for size in _LARGE_BATCHES:
        sizes += [size] * (count // size)
        count %= size
    while count:
        sizes.append(min(count, _LARGEST_EXACT))
        count -= sizes[-1]
    return tuple(sizes)


def inserts() -> Iterable[str]:
    """Return the statements that insert what every step writes."""
    for table in (EXECUTION_TABLE, EVENT_TABLE, RESPONSE_TABLE):
        for size in (*_LARGE_BATCHES, *range(1, _LARGEST_EXACT + 1)):
            yield _insert(table, size)


@lru_cache(maxsize=256)
def _insert(table: Table, size: int) -> str:
    row = f"({', '.join(['%s'] * len(table.columns))})"
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES {', '.join([row] * size)}"


#: Fewest rows for which one UPDATE is cheaper than as many single ones.
_FEWEST_TOGETHER = 4


def update(columns: Columns, rows: Sequence[Sequence[Any]]) -> Iterable[tuple[str, list[Any], int]]:
    """Return the statements that change states, their parameters, and how many rows each must find.

    Args:
        columns: What changes in each row.
        rows: Their values, the id, and the version and response count that the row must still have.
    """
    start = 0
    for size in _batches(len(rows)):
        batch = rows[start : start + size]
        start += size
        if size >= _FEWEST_TOGETHER:
            yield _update_many(columns, size), list(chain.from_iterable(batch)), size
        else:
            yield from ((_update_one(columns), list(row), 1) for row in batch)


@lru_cache(maxsize=256)
def _update_one(columns: Columns) -> str:
    return _UPDATE_EXECUTION.format(assignments=", ".join(f"{column} = %s" for column in columns))


@lru_cache(maxsize=256)
def _update_many(columns: Columns, size: int) -> str:
    key, version, responses = (f"v.column{len(columns) + number}" for number in (1, 2, 3))
    row = f"({', '.join(['%s'] * (len(columns) + 3))})"
    return _UPDATE_EXECUTIONS.format(
        assignments=", ".join(f"{column} = v.column{number}" for number, column in enumerate(columns, 1)),
        rows=", ".join([row] * size),
        key=key,
        version=version,
        responses=responses,
    )


def listed(template: str, ids: Sequence[str]) -> Iterable[tuple[str, Sequence[str]]]:
    """Return the statements that do something with a list of ids, with their parameters.

    Args:
        template: A statement with ``{ids}`` for the list.
        ids: At least one; sorted, where the order of locking counts.
    """
    largest = _LIST_SIZES[-1]
    for start in range(0, len(ids), largest):
        part = ids[start : start + largest]
        size = next(size for size in _LIST_SIZES if size >= len(part))
        yield _with_list(template, size), [*part, *[part[-1]] * (size - len(part))]


@lru_cache(maxsize=256)
def _with_list(template: str, size: int) -> str:
    return template.replace("{ids}", ", ".join(["%s"] * size))
