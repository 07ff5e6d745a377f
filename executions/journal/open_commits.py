"""Commits of a SQL journal that are under way, or prepared: what is left to do, and what to do if it fails."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import IntegrityError

from engine.journal.protocol import CommitReport
from engine.journal.records import LockRequest, Write
from engine.log.state import ExecutionState
from executions.journal.outdated import StateOutdated
from executions.journal.prepared import PreparedStatements

if TYPE_CHECKING:
    from executions.journal.journal import SqlJournal


class OpenTransaction:
    """A transaction that is yet to be committed; `engine.journal.protocol.OpenCommit`.

    Args:
        journal: Whose it is.
        transaction: Leaving it commits.
        report: What became of the writes, once it is durable.
        writes: The writes.
        now: The instant of the commit.
        lock: What it was asked to lock.
        is_guess: Whether the states were not read, so that it may turn out that they were others.
    """

    def __init__(
        self,
        journal: SqlJournal,
        transaction: ExitStack,
        report: CommitReport,
        writes: Sequence[Write],
        now: datetime,
        lock: LockRequest | None,
        *,
        is_guess: bool,
    ) -> None:
        self._journal = journal
        self._transaction = transaction
        self._report = report
        self._writes = writes
        self._now = now
        self._lock = lock
        self._is_guess = is_guess

    def finish(self) -> CommitReport:
        """See `OpenCommit`."""
        try:
            self._transaction.close()
        except IntegrityError:
            # Some constraints are checked at the end, when nobody knows any more whose write it was.
            return self._journal.commit_one_by_one(self._writes, self._now)
        except StateOutdated:
            if not self._is_guess:
                raise
            return self._journal.begin_again(self._writes, self._now, self._lock).finish()
        return self._report


class PreparedTransaction:
    """A commit whose statements are known; `engine.journal.protocol.PreparedCommit`.

    Args:
        journal: Whose it is.
        statements: The statements.
        report: What becomes of the writes, if the states are what they were taken for.
        changed: The states that it leaves behind.
        writes: The writes.
        now: The instant of the commit.
        generation: Of the states from which it was prepared.
    """

    def __init__(
        self,
        journal: SqlJournal,
        statements: PreparedStatements,
        report: CommitReport,
        changed: Sequence[ExecutionState],
        writes: Sequence[Write],
        now: datetime,
        *,
        generation: int,
    ) -> None:
        self._journal = journal
        self._generation = generation
        self._statements = statements
        self._report = report
        self._changed = changed
        self._writes = writes
        self._now = now

    def finish(self) -> CommitReport:
        """See `PreparedCommit`."""
        try:
            self._journal.run_prepared(self._statements, self._changed, generation=self._generation)
        except IntegrityError:
            return self._journal.commit_one_by_one(self._writes, self._now)
        except StateOutdated:
            return self._journal.begin_again(self._writes, self._now, None).finish()
        return self._report

    def drop(self) -> None:
        """See `PreparedCommit`."""
        self._journal.drop_prepared()
