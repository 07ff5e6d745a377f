"""Finding due executions and locking them, in one transaction."""

from __future__ import annotations

from copy import copy

from engine.journal.changes import Changes
from engine.journal.locking import Allotment, take_lock
from engine.journal.records import LockedExecution, LockRequest
from engine.log.events import Locked
from engine.log.state import ExecutionState
from executions.instants import to_micros
from executions.journal import sql
from executions.journal.commit import load_created, store
from executions.journal.connection import Statements
from executions.journal.rows import state_of


def lock_due(statements: Statements, request: LockRequest, allotment: Allotment) -> list[LockedExecution]:
    """Lock what is due, inside an open transaction; nobody may change the states that come back."""
    taken: list[tuple[ExecutionState, Locked]] = []
    after: tuple[int, str] | None = None
    while limit := allotment.left:
        found = find_pending(statements, request, allotment, after=after, limit=limit, for_update=True)
        for state in found:
            event = allotment.take(state)
            if event is not None:
                taken.append((state, event))
        if len(found) < limit:
            break
        # A component that has had its share may stand before others in the rows just read; they come next.
        after = (to_micros(found[-1].due_at), found[-1].execution_id)
    created = load_created(statements, [state.execution_id for state, _ in taken])
    changes = Changes()
    for found_state, event in taken:
        state = copy(found_state)
        entry = take_lock(state, event, request, created[state.execution_id])
        changes.entries.append((state.execution_id, entry))
        changes.updated[state.execution_id] = (found_state, state)
    store(statements, changes)
    return [LockedExecution(state, created[execution_id]) for execution_id, (_, state) in changes.updated.items()]


def find_pending(
    statements: Statements,
    request: LockRequest,
    allotment: Allotment,
    *,
    after: tuple[int, str] | None,
    limit: int,
    for_update: bool,
) -> list[ExecutionState]:
    """Return due executions that the allotment has room for, the longest due first.

    Args:
        statements: Where to look.
        request: Says what "due" is.
        allotment: Says which components may still take some.
        after: Only what stands behind this (``due_at``, id) in the order.
        limit: Most executions.
        for_update: Whether to hold their rows, passing over those that others hold.
    """
    choices = allotment.open_choices
    if not choices or allotment.left == 0:
        return []
    dialect = statements.dialect
    statement, params = sql.pending(
        choices,
        due_at=to_micros(request.now),
        after=after,
        limit=limit,
        hint=dialect.indexed_by(sql.PENDING_INDEX),
        ffqn=dialect.unindexed("ffqn"),
    )
    if for_update:
        statement += dialect.for_update_skip_locked
    rows = statements.fetch(statement, params, width=sql.STATES_WIDTH, at_most=limit)
    return sorted(map(state_of, rows), key=lambda state: (state.due_at, state.execution_id))
