"""The journal over Django's database."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, IntegrityError
from msgspec.structs import replace

from engine.errors import ExecutionNotFound, JournalError, JournalUnavailable
from engine.journal.locking import Allotment
from engine.journal.protocol import CommitReport, FinishedCommit, OpenCommit, PreparedCommit
from engine.journal.records import (
    Committed,
    DelayRow,
    Hints,
    HttpExchange,
    LockRequest,
    LogLine,
    Outlook,
    Write,
)
from engine.log.backtraces import CallSites
from engine.log.events import LogEntry, Response
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState
from executions.instants import from_micros, to_micros
from executions.journal import sql
from executions.journal.commit import apply_guarded, apply_writes, insert_rows
from executions.journal.connection import (
    Connection,
    ConnectionFactory,
    CurrentConnection,
    DedicatedConnection,
    own_connection,
)
from executions.journal.dialect import Dialect
from executions.journal.held_states import HeldStates
from executions.journal.locking import find_pending, lock_due
from executions.journal.open_commits import OpenTransaction, PreparedTransaction
from executions.journal.outdated import OUTDATED, StateOutdated
from executions.journal.prepared import AnswerNeeded, PreparedStatements
from executions.journal.rows import (
    call_sites_row,
    delay_of,
    entry_of,
    http_exchange_row,
    log_line_row,
    response_of,
    state_of,
)
from executions.journal.state_cache import StateCache
from executions.journal.wakeups import ChangeFeed, make_change_feed


class SqlJournal:
    """`engine.journal.protocol.Journal` in a SQL database.

    Two connections, each used by one thread at a time: one that writes and one that reads, so that nobody who only
    reads waits for a commit to reach the disk. Many threads' writes belong into few commits; whoever gathers them
    leads.

    A process that forks must make its journals after the fork.

    Args:
        writer: Where transactions run.
        reader: Where SELECTs run.
        cache: States that need not be read before they are changed; only where transactions are this journal's own.
    """

    def __init__(self, *, writer: Connection, reader: Connection, cache: StateCache | None = None) -> None:
        self._writer = writer
        self._reader = reader
        self._cache = cache
        self._held = HeldStates()
        self._dialect: Dialect | None = None
        self._committing = threading.Lock()

    @classmethod
    def dedicated(cls, connection_factory: ConnectionFactory = own_connection) -> SqlJournal:
        """Return a journal with connections of its own, for use from any thread; close it at the end.

        Args:
            connection_factory: Makes a connection that nobody else uses, each time.
        """
        return cls(
            writer=DedicatedConnection(connection_factory),
            reader=DedicatedConnection(connection_factory),
            cache=StateCache(),
        )

    @classmethod
    def for_current_connection(cls, alias: str = DEFAULT_DB_ALIAS) -> SqlJournal:
        """Return a journal on the Django connection of whichever thread calls it.

        A commit inside ``transaction.atomic`` belongs to that transaction: durable with it, and gone with it. What
        others should hear of it goes through ``transaction.on_commit``.
        """
        connection = CurrentConnection(alias)
        return cls(writer=connection, reader=connection)

    def warm_up(self) -> None:
        """Prepare for writing, so that the first executions of a process need not wait for it.

        Raises:
            JournalUnavailable: If the database did not answer.
        """
        with self._writer.reading() as statements:
            for statement in sql.inserts():
                statements.parse(statement)
            statements.make_room()

    def change_feed(self) -> ChangeFeed:
        """Return a feed that tells of commits that are not this journal's own."""
        return make_change_feed(self._writer)

    def close(self) -> None:
        """Give the connections back; the next use opens them again."""
        self._writer.close()
        self._reader.close()

    # --- Writing ---

    def commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> CommitReport:
        """See `Journal`."""
        return self.begin_commit(writes, now=now, lock=lock).finish()

    def begin_commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> OpenCommit:
        """See `Journal`."""
        if not writes and (lock is None or not self._is_anything_due(lock)):
            return FinishedCommit(CommitReport((), Hints()))
        try:
            return self._begin_together(writes, now, lock)
        except IntegrityError:
            # A faulty write asked for a row that is there; the others must not suffer for it.
            return FinishedCommit(self.commit_one_by_one(writes, now))
        except StateOutdated:
            return self.begin_again(writes, now, lock)

    def prepare_commit(self, writes: Sequence[Write], *, now: datetime) -> PreparedCommit | None:
        """See `Journal`."""
        dialect, generation = self._dialect, self._held.generation
        guess = None if dialect is None else self._held.look_up(writes)
        if dialect is None or guess is None:
            return None
        statements = PreparedStatements(dialect)
        try:
            report, changes = apply_writes(statements, writes, now, guess=guess)
        except AnswerNeeded:
            return None
        if any(isinstance(outcome, JournalError) for outcome in report.outcomes):
            # Refused, perhaps, for what is so no more.
            return None
        states = list(changes.states())
        self._held.keep(states)
        return PreparedTransaction(self, statements, report, states, writes, now, generation=generation)

    def drop_prepared(self) -> None:
        """Hear that a commit that was prepared will not be run."""
        self._held.distrust()

    def run_prepared(self, prepared: PreparedStatements, changed: Iterable[ExecutionState], *, generation: int) -> None:
        """Run the statements of a prepared commit as one transaction.

        Args:
            prepared: The statements.
            changed: The states that it leaves behind.
            generation: Of the states from which it was prepared.

        Raises:
            StateOutdated: If those are not, or may not be, the ones in the database.
            IntegrityError: If the database refused it.
            JournalUnavailable: If the database did not answer.
        """
        if generation != self._held.generation:
            # A commit on which it was built has failed. That an UPDATE finds its row proves nothing then.
            self._held.distrust()
            raise StateOutdated(OUTDATED)
        writer = self._writer
        with self._cached_states(are_held=True) as states:
            with writer.reading() if prepared.is_transaction else writer.transaction() as statements:
                prepared.run(statements)
            states.extend(changed)

    def begin_again(self, writes: Sequence[Write], now: datetime, lock: LockRequest | None) -> OpenCommit:
        """Begin a commit that read no states before, and whose guess of them was outdated."""
        try:
            return self._begin_together(writes, now, lock)
        except IntegrityError:
            return FinishedCommit(self.commit_one_by_one(writes, now))

    def _begin_together(self, writes: Sequence[Write], now: datetime, lock: LockRequest | None) -> OpenTransaction:
        with ExitStack() as stack:
            states = stack.enter_context(self._cached_states())
            statements = stack.enter_context(self._writer.transaction())
            self._dialect = statements.dialect
            # Where states can be had without a question they are not guessed.
            guess = self._held.look_up(writes) if self._cache is not None and self._dialect.is_pipelined else None
            report, changes = apply_writes(statements, writes, now, cache=self._cache, guess=guess)
            if guess is not None and any(isinstance(outcome, JournalError) for outcome in report.outcomes):
                # Refused, perhaps, for what is so no more.
                raise StateOutdated(OUTDATED)
            states.extend(changes.states())
            if lock is not None and (report.hints.is_due or lock.is_look or not writes):
                allotment = Allotment(lock)
                locked = lock_due(statements, lock, allotment)
                states.extend(execution.state for execution in locked)
                hints = replace(report.hints, is_due=allotment.left == 0)
                report = CommitReport(report.outcomes, hints, tuple(locked))
            statements.begin_commit()
            return OpenTransaction(self, stack.pop_all(), report, writes, now, lock, is_guess=guess is not None)

    @contextmanager
    def _cached_states(self, *, are_held: bool = False) -> Iterator[list[ExecutionState]]:
        """Keep the states that are put into the list, if all goes well: what the last transaction left behind.

        Args:
            are_held: Whether the process holds them already, or what came behind them.
        """
        cache = self._cache
        if cache is None:
            yield []
            return
        with self._committing:
            states: list[ExecutionState] = []
            try:
                yield states
            except BaseException:
                cache.clear()
                self._held.distrust()
                raise
            cache.keep(states)
            if not are_held:
                self._held.keep(states)

    def _is_anything_due(self, lock: LockRequest) -> bool:
        """Look whether there is anything to lock, which need not keep other writers away."""
        with self._reader.reading() as statements:
            return bool(find_pending(statements, lock, Allotment(lock), after=None, limit=1, for_update=False))

    def commit_one_by_one(self, writes: Sequence[Write], now: datetime) -> CommitReport:
        """Commit writes of which some are impossible, and refuse those by name; nothing is locked."""
        outcomes: list[Committed | JournalError] = []
        hints = Hints()
        try:
            with self._cached_states(), self._writer.transaction() as statements:
                for write in writes:
                    report = apply_guarded(statements, write, now)
                    outcomes.extend(report.outcomes)
                    hints = hints.merge(report.hints)
        except IntegrityError as error:
            raise JournalUnavailable(f"the database refused the transaction: {error}") from error
        return CommitReport(tuple(outcomes), hints)

    def add_log_lines(self, lines: Sequence[LogLine]) -> None:
        """See `Journal`."""
        if not lines:
            return
        try:
            with self._writer.transaction() as statements:
                insert_rows(statements, sql.LOG_LINE_TABLE, [log_line_row(line) for line in lines])
        except IntegrityError as error:
            raise JournalUnavailable(f"the database refused log lines: {error}") from error

    def add_http_exchanges(self, exchanges: Sequence[HttpExchange]) -> None:
        """See `Journal`."""
        if not exchanges:
            return
        try:
            with self._writer.transaction() as statements:
                insert_rows(statements, sql.HTTP_EXCHANGE_TABLE, [http_exchange_row(each) for each in exchanges])
        except IntegrityError as error:
            raise JournalUnavailable(f"the database refused HTTP exchanges: {error}") from error

    def add_call_sites(self, sites: Sequence[CallSites]) -> None:
        """See `Journal`."""
        if not sites:
            return
        try:
            with self._writer.transaction() as statements:
                insert_rows(statements, sql.CALL_SITES_TABLE, [call_sites_row(each) for each in sites])
        except IntegrityError as error:
            raise JournalUnavailable(f"the database refused places of calls: {error}") from error

    # --- Reading ---

    def state_of(self, execution_id: ExecutionId) -> ExecutionState:
        """See `Journal`."""
        with self._reader.reading() as statements:
            row = statements.execute(sql.STATE, (execution_id,)).fetchone()
        if row is None:
            raise ExecutionNotFound(execution_id)
        return state_of(row)

    def load_log(self, execution_id: ExecutionId, *, start: int = 0) -> list[LogEntry]:
        """See `Journal`."""
        with self._reader.reading() as statements:
            rows = statements.fetch(sql.LOG, (execution_id, start), width=sql.LOG_WIDTH)
        return [entry_of(row) for row in _ordered(rows)]

    def load_responses(self, execution_id: ExecutionId, *, after: int = 0) -> list[Response]:
        """See `Journal`."""
        with self._reader.reading() as statements:
            rows = statements.fetch(sql.RESPONSES, (execution_id, after), width=sql.RESPONSES_WIDTH)
        return [response_of(execution_id, row) for row in _ordered(rows)]

    def due_delays(self, now: datetime, *, limit: int) -> list[DelayRow]:
        """See `Journal`."""
        with self._reader.reading() as statements:
            rows = statements.fetch(sql.DUE_DELAYS, (to_micros(now), limit), width=sql.DELAYS_WIDTH)
        return sorted(map(delay_of, rows), key=lambda delay: (delay.expires_at, delay.delay_id))

    def expired_locks(self, now: datetime, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        with self._reader.reading() as statements:
            rows = statements.fetch(sql.EXPIRED_LOCKS, (to_micros(now), limit), width=sql.STATES_WIDTH)
        return sorted(map(state_of, rows), key=lambda state: (state.due_at, state.execution_id))

    def cancelling(self, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        with self._reader.reading() as statements:
            rows = statements.fetch(sql.CANCELLING, (limit,), width=sql.STATES_WIDTH)
        return sorted(map(state_of, rows), key=lambda state: (state.created_at, state.execution_id))

    def newest_call(self, ffqn: str, component_digest: str) -> ExecutionState | None:
        """See `Journal`."""
        with self._reader.reading() as statements:
            row = statements.execute(sql.NEWEST_CALL, (ffqn, component_digest)).fetchone()
        return None if row is None else state_of(row)

    def count_log_lines(self, execution_id: ExecutionId, *, limit: int) -> int:
        """See `Journal`."""
        with self._reader.reading() as statements:
            (count,) = statements.execute(sql.COUNT_LOG_LINES, (execution_id, limit)).fetchone()
        return int(count)

    def outlook(self, now: datetime, *, leeway: timedelta) -> Outlook:
        """See `Journal`."""
        present, ended = to_micros(now), to_micros(now - leeway)
        with self._reader.reading() as statements:
            row = statements.execute(sql.OUTLOOK, [present, present, ended] * 2).fetchone()
        is_pending, is_overdue, *due_at, expires_at = row
        instants = [from_micros(instant) for instant in due_at if instant is not None]
        if expires_at is not None:
            instants.append(from_micros(expires_at) + leeway)
        return Outlook(is_pending=bool(is_pending), is_overdue=bool(is_overdue), next_at=min(instants, default=None))


def _ordered(rows: list[Sequence[Any]]) -> list[Sequence[Any]]:
    return sorted(rows, key=lambda row: row[0])
