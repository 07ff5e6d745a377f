"""One commit: load what the writes need, let the ledger apply them, store what it changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError

from engine.errors import JournalError
from engine.journal.changes import Changes
from engine.journal.ledger import Ledger
from engine.journal.mailbox import Mailbox
from engine.journal.protocol import CommitReport
from engine.journal.records import DelayRow, Hints, Submit, Write
from engine.journal.requirements import (
    awaited_join_sets,
    born_stubs,
    required_delays,
    required_executions,
    response_sources,
    sent_signals,
)
from engine.log.events import Created
from engine.log.ids import DelayId, ExecutionId, JoinSetId
from engine.log.state import ExecutionState
from executions.journal import sql
from executions.journal.connection import Statements
from executions.journal.mailbox import find_signals, load_mail, store_mail
from executions.journal.prepared import AnyStatements
from executions.journal.rows import (
    Row,
    changed_values,
    created_of,
    delay_of,
    delay_row,
    event_row,
    execution_row,
    label_rows,
    response_row,
    state_of,
)
from executions.journal.state_cache import StateCache


def apply_writes(
    statements: AnyStatements,
    writes: Sequence[Write],
    now: datetime,
    *,
    cache: StateCache | None = None,
    guess: dict[ExecutionId, ExecutionState] | None = None,
    thorough: bool = False,
) -> tuple[CommitReport, Changes]:
    """Apply writes inside an open transaction.

    Args:
        statements: The transaction.
        writes: What to apply, in order.
        now: The present instant.
        cache: States that need not be read.
        guess: All states that are needed, if they are what they were when this process wrote them; storing fails else.
        thorough: Look first for rows that only a faulty write would bring a second time, so that it is refused by name.

    Returns:
        The report, and what was stored.

    Raises:
        IntegrityError: If the database holds such a row already; the transaction has to be rolled back.
    """
    required = required_executions(writes, thorough=thorough)
    if guess is not None:
        states = guess
        if len(required) > 1:
            # Everybody locks rows in this order; here nobody waits for it.
            _lock_rows(statements, required)
    else:
        states = {} if cache is None else cache.look_up(required, statements.snapshot())
    if len(states) < len(required):
        states |= _load_states(statements, required - states.keys())
    ledger = Ledger(
        now=now,
        states=states,
        delays=_load_delays(statements, required_delays(writes, thorough=thorough)),
        created=load_created(
            statements,
            [
                write.execution.execution_id
                for write in writes
                if isinstance(write, Submit) and write.execution.execution_id in states
            ],
        ),
        answered=_find_answered(statements, writes, states),
        responded=_find_responded(statements, writes) if thorough else (),
        mailbox=Mailbox(load_mail(statements, born_stubs(writes)), find_signals(statements, sent_signals(writes))),
    )
    outcomes = ledger.apply_all(writes)
    store(statements, ledger.changes)
    return CommitReport(outcomes, ledger.hints()), ledger.changes


def apply_guarded(statements: Statements, write: Write, now: datetime) -> CommitReport:
    """Apply one write inside an open transaction, with everything known that could stand against it."""
    statements.write("SAVEPOINT one_write")
    try:
        with statements.translated_errors:
            report, _ = apply_writes(statements, [write], now, thorough=True)
            statements.flush()
    except IntegrityError as error:
        statements.write("ROLLBACK TO SAVEPOINT one_write")
        report = CommitReport((JournalError(f"the database refused the write: {error}"),), Hints())
    statements.write("RELEASE SAVEPOINT one_write")
    return report


def _load_states(statements: AnyStatements, ids: set[ExecutionId]) -> dict[ExecutionId, ExecutionState]:
    rows = _select_listed(statements, sql.STATES + statements.dialect.for_update, ids, width=sql.STATES_WIDTH)
    states = map(state_of, rows)
    return {state.execution_id: state for state in states}


def _lock_rows(statements: AnyStatements, ids: set[ExecutionId]) -> None:
    for statement, params in statements.dialect.listed(sql.LOCKED_ROWS + statements.dialect.for_update, sorted(ids)):
        statements.write(statement, params)


def _load_delays(statements: AnyStatements, ids: set[DelayId]) -> dict[DelayId, DelayRow]:
    rows = _select_listed(statements, sql.DELAYS + statements.dialect.for_update, ids, width=sql.DELAYS_WIDTH)
    return {delay.delay_id: delay for delay in map(delay_of, rows)}


def load_created(statements: AnyStatements, ids: Iterable[ExecutionId]) -> dict[ExecutionId, Created]:
    """Return the first events of these executions, where they exist."""
    rows = _select_listed(statements, sql.FIRST_EVENTS, ids, width=2)
    return {ExecutionId(execution_id): created_of(payload) for execution_id, payload in rows}


def _find_answered(
    statements: AnyStatements, writes: Sequence[Write], states: dict[ExecutionId, ExecutionState]
) -> set[tuple[ExecutionId, JoinSetId]]:
    answered = set()
    for execution_id, join_set, seen in awaited_join_sets(writes):
        state = states.get(execution_id)
        if state is None or state.response_count <= seen:
            continue
        if statements.execute(sql.IS_ANSWERED, (execution_id, seen, join_set)).fetchone():
            answered.add((execution_id, join_set))
    return answered


def _find_responded(statements: AnyStatements, writes: Sequence[Write]) -> set[str]:
    sources = response_sources(writes)
    found = _select_listed(statements, sql.RESPONDED_CHILDREN, sources, width=1)
    found += _select_listed(statements, sql.RESPONDED_DELAYS, sources, width=1)
    return {source for (source,) in found}


def _select_listed(statements: AnyStatements, template: str, ids: Iterable[str], *, width: int) -> list[Any]:
    rows: list[Any] = []
    if ordered := sorted(ids):
        for statement, params in statements.dialect.listed(template, ordered):
            rows += statements.fetch(statement, params, width=width, at_most=len(ordered))
    return rows


def store(statements: AnyStatements, changes: Changes) -> None:
    """Write changed rows inside an open transaction.

    Raises:
        JournalUnavailable: If a state is not what it was when it was loaded.
    """
    if changes.is_empty:
        return
    rows = sql.CommitRows(
        executions=[execution_row(state) for state in changes.inserted.values()],
        updates=_updates(changes),
        events=[event_row(*placed) for placed in changes.entries],
        responses=[response_row(response) for response in changes.responses],
    )
    at_once = statements.dialect.store_at_once(rows) if statements.is_own else None
    if at_once is not None:
        statements.write(*at_once)
    else:
        _store_apart(statements, rows)
    if labels := [row for placed in changes.entries if placed[1].version == 0 for row in label_rows(*placed)]:
        insert_rows(statements, sql.LABEL_TABLE, labels)
    insert_rows(statements, sql.DELAY_TABLE, [delay_row(delay) for delay in changes.delays_added.values()])
    for delay in changes.delays_paused.values():
        statements.write(sql.PAUSE_DELAY, (delay.paused, delay.delay_id))
    store_mail(statements, changes)
    if changes.delays_removed:
        for statement, params in statements.dialect.listed(sql.DELETE_DELAYS, changes.delays_removed):
            statements.write(statement, params)


def _store_apart(statements: AnyStatements, rows: sql.CommitRows) -> None:
    insert_rows(statements, sql.EXECUTION_TABLE, rows.executions)
    for columns, changed in rows.updates.items():
        for statement, params, count in statements.dialect.update(columns, changed):
            statements.write(statement, params, rows=count)
    insert_rows(statements, sql.EVENT_TABLE, rows.events)
    insert_rows(statements, sql.RESPONSE_TABLE, rows.responses)


def insert_rows(statements: AnyStatements, table: sql.Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows in order, many at a time."""
    if rows:
        for statement, params in statements.dialect.insert(table, rows):
            statements.write(statement, params)


def _updates(changes: Changes) -> dict[sql.Columns, list[Row]]:
    """Return the changed states by the columns that change: such rows are updated together."""
    alike: dict[sql.Columns, list[Row]] = {}
    for before, after in changes.updated.values():
        columns, values = changed_values(before, after)
        if columns:
            row = (*values, after.execution_id, before.next_version, before.response_count)
            alike.setdefault(columns, []).append(row)
    return alike
