"""Statements of a commit that is put together while the connection is still busy with the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from executions.journal.connection import Statements
from executions.journal.dialect import CheckedStatement, Dialect


class AnswerNeeded(Exception):
    """The database would have to be asked."""


class PreparedStatements:
    """Takes the place of `Statements` where nothing may be asked, and keeps what is to be run.

    Args:
        dialect: The database's ways.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.is_own = True
        self._kept: list[CheckedStatement] = []

    def write(self, statement: str, params: Sequence[Any] = (), *, rows: int | None = None) -> None:
        """Keep a statement; see `Statements.write`."""
        self._kept.append((statement, params, rows))

    def execute(self, statement: str, params: Sequence[Any] = ()) -> NoReturn:
        """Refuse to ask.

        Raises:
            AnswerNeeded: Always.
        """
        raise AnswerNeeded

    def fetch(self, statement: str, params: Sequence[Any], *, width: int, at_most: int | None = None) -> NoReturn:
        """Refuse to ask.

        Raises:
            AnswerNeeded: Always.
        """
        raise AnswerNeeded

    def snapshot(self) -> None:
        """Return nothing: it would have to be asked for."""

    @property
    def is_transaction(self) -> bool:
        """Whether what was kept is a transaction without a frame."""
        return len(self._kept) == 1 and not self.dialect.is_pipelined

    def run(self, statements: Statements) -> None:
        """Run all that was kept, inside an open transaction unless it is one.

        Raises:
            JournalUnavailable: If a statement finds another number of rows than it must.
        """
        for statement, params, rows in self._kept:
            statements.write(statement, params, rows=rows)


AnyStatements = Statements | PreparedStatements
"""Where a commit's statements go: to the database, or to where it is put together."""
