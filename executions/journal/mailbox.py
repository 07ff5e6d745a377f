"""Signals that wait for the call they are for, inside an open transaction.

Hardly any commit has to do with them: it asks only where it calls a stub or brings a signal.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from engine.journal.changes import Changes
from engine.journal.records import Mail
from engine.log.ids import ExecutionId
from engine.log.retval_json import decode_retval, retval_text
from executions.instants import from_micros, to_micros
from executions.journal.prepared import AnyStatements

_COLUMNS = "execution_id, ffqn, signal_id, created_at, retval, is_delivered"

#: Undelivered signals of a call, oldest first. ``mail_waiting``.
_WAITING = (
    f"SELECT id, {_COLUMNS} FROM executions_mail WHERE execution_id = %s AND ffqn = %s AND NOT is_delivered ORDER BY id"  # noqa: S608 - constants
)

#: Whether a signal came before. ``mail_signal_unique``.
_KNOWN = "SELECT 1 FROM executions_mail WHERE execution_id = %s AND signal_id = %s"

_INSERT = f"INSERT INTO executions_mail ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)"  # noqa: S608 - constants

#: Primary key.
_DELIVER = "UPDATE executions_mail SET is_delivered = %s WHERE id = %s"


def load_mail(
    statements: AnyStatements, calls: Iterable[tuple[ExecutionId, str]]
) -> dict[tuple[ExecutionId, str], list[Mail]]:
    """Return the signals that wait for these calls, by execution and function."""
    found = {}
    for execution_id, ffqn in calls:
        rows = statements.execute(_WAITING, (execution_id, ffqn)).fetchall()
        if rows:
            found[execution_id, ffqn] = [
                Mail(
                    row=row,
                    execution_id=ExecutionId(to),
                    ffqn=name,
                    signal_id=signal_id,
                    at=from_micros(at),
                    retval=decode_retval(orjson.loads(retval)),
                    is_delivered=bool(is_delivered),
                )
                for row, to, name, signal_id, at, retval, is_delivered in rows
            ]
    return found


def find_signals(statements: AnyStatements, signals: Iterable[tuple[ExecutionId, str]]) -> set[tuple[ExecutionId, str]]:
    """Return which of these signals came before."""
    return {signal for signal in signals if statements.execute(_KNOWN, signal).fetchone()}


def store_mail(statements: AnyStatements, changes: Changes) -> None:
    """Keep new signals, and note which were delivered."""
    for mail in changes.mail_added:
        values = (
            mail.execution_id,
            mail.ffqn,
            mail.signal_id,
            to_micros(mail.at),
            retval_text(mail.retval),
            mail.is_delivered,
        )
        statements.write(_INSERT, values)
    for row in changes.mail_delivered:
        statements.write(_DELIVER, (True, row))
