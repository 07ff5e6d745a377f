"""A journal whose commits are shared with an executor's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.executor.group_commit import GroupCommit
from engine.journal.protocol import CommitReport, FinishedCommit, Journal, OpenCommit, PreparedCommit
from engine.journal.records import DelayRow, Hints, HttpExchange, LockRequest, LogLine, Outlook, Write
from engine.log.backtraces import CallSites
from engine.log.events import LogEntry, Response
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState


class GroupedJournal:
    """`engine.journal.protocol.Journal` for those who live in an executor's process.

    Args:
        journal: What it reads from.
        commits: What it writes through.
    """

    def __init__(self, journal: Journal, commits: GroupCommit) -> None:
        self._journal = journal
        self._commits = commits

    def commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> CommitReport:
        """See `Journal`. Hints went to the executor already, which is also the one that locks."""
        assert lock is None, "in an executor's process, the executor locks"
        return CommitReport(tuple(self._commits.commit_with_next(writes)), Hints())

    def begin_commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> OpenCommit:
        """See `Journal`."""
        return FinishedCommit(self.commit(writes, now=now, lock=lock))

    def prepare_commit(self, writes: Sequence[Write], *, now: datetime) -> PreparedCommit | None:
        """See `Journal`."""
        return None

    def state_of(self, execution_id: ExecutionId) -> ExecutionState:
        """See `Journal`."""
        return self._journal.state_of(execution_id)

    def load_log(self, execution_id: ExecutionId, *, start: int = 0) -> list[LogEntry]:
        """See `Journal`."""
        return self._journal.load_log(execution_id, start=start)

    def load_responses(self, execution_id: ExecutionId, *, after: int = 0) -> list[Response]:
        """See `Journal`."""
        return self._journal.load_responses(execution_id, after=after)

    def due_delays(self, now: datetime, *, limit: int) -> list[DelayRow]:
        """See `Journal`."""
        return self._journal.due_delays(now, limit=limit)

    def expired_locks(self, now: datetime, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        return self._journal.expired_locks(now, limit=limit)

    def cancelling(self, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        return self._journal.cancelling(limit=limit)

    def newest_call(self, ffqn: str, component_digest: str) -> ExecutionState | None:
        """See `Journal`."""
        return self._journal.newest_call(ffqn, component_digest)

    def outlook(self, now: datetime, *, leeway: timedelta) -> Outlook:
        """See `Journal`."""
        return self._journal.outlook(now, leeway=leeway)

    def add_log_lines(self, lines: Sequence[LogLine]) -> None:
        """See `Journal`."""
        self._journal.add_log_lines(lines)

    def add_call_sites(self, sites: Sequence[CallSites]) -> None:
        """See `Journal`."""
        self._journal.add_call_sites(sites)

    def add_http_exchanges(self, exchanges: Sequence[HttpExchange]) -> None:
        """See `Journal`."""
        self._journal.add_http_exchanges(exchanges)

    def count_log_lines(self, execution_id: ExecutionId, *, limit: int) -> int:
        """See `Journal`."""
        return self._journal.count_log_lines(execution_id, limit=limit)
