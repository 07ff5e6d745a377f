"""A journal in memory, for tests and simulation: the same rules, the same stored form, faults on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from engine.errors import ExecutionNotFound, StoredEventInvalid
from engine.journal.changes import Changes
from engine.journal.ledger import Ledger
from engine.journal.locking import Allotment, take_lock
from engine.journal.mailbox import Mailbox
from engine.journal.protocol import CommitReport, FinishedCommit, OpenCommit, PreparedCommit
from engine.journal.records import (
    DelayRow,
    HttpExchange,
    LockedExecution,
    LockRequest,
    LogLine,
    Mail,
    Outlook,
    Submit,
    Write,
)
from engine.journal.requirements import (
    awaited_join_sets,
    required_delays,
    required_executions,
    response_sources,
    source_of,
)
from engine.log.backtraces import CallSites
from engine.log.event_decoding import decode_event
from engine.log.event_encoding import encode_event
from engine.log.events import ChildFinished, Created, Finished, LogEntry, Response
from engine.log.ids import DelayId, ExecutionId, JoinSetId, Version
from engine.log.state import ExecutionState, Lifecycle, Status

_K = TypeVar("_K")
_V = TypeVar("_V")

Fault = Callable[[Sequence[Write]], None]


@dataclass(frozen=True, slots=True)
class _StoredEvent:
    """A row of the log: the event as text, so that nothing is there that could not be stored."""

    created_at: datetime
    payload: str


class MemoryJournal:
    """`engine.journal.protocol.Journal` in dictionaries.

    Args:
        before_commit: Called with the writes before anything is changed; what it raises is raised by the commit, and
            nothing was written.
        after_commit: Called with the writes once they are stored; what it raises is raised by the commit, and
            everything was written: so looks a database whose answer got lost.
    """

    def __init__(self, *, before_commit: Fault | None = None, after_commit: Fault | None = None) -> None:
        self.before_commit = before_commit
        self.after_commit = after_commit
        self._mutex = threading.Lock()
        self._states: dict[ExecutionId, ExecutionState] = {}
        self._events: dict[ExecutionId, list[_StoredEvent]] = {}
        self._responses: dict[ExecutionId, list[Response]] = {}
        self._responded: set[str] = set()
        self._delays: dict[DelayId, DelayRow] = {}
        self._mail: dict[int, Mail] = {}
        self._log_lines: list[LogLine] = []
        self._http_exchanges: list[HttpExchange] = []
        self._call_sites: list[CallSites] = []

    @property
    def log_lines(self) -> tuple[LogLine, ...]:
        """All log lines, in the order they came in."""
        with self._mutex:
            return tuple(self._log_lines)

    @property
    def http_exchanges(self) -> tuple[HttpExchange, ...]:
        """What guests' HTTP requests left behind, in the order stored."""
        with self._mutex:
            return tuple(self._http_exchanges)

    @property
    def call_sites(self) -> tuple[CallSites, ...]:
        """Where workflows made their calls, in the order stored."""
        with self._mutex:
            return tuple(self._call_sites)

    def restore(
        self,
        state: ExecutionState,
        entries: Iterable[LogEntry],
        responses: Sequence[Response],
        delays: Iterable[DelayRow],
        *,
        unheard: ExecutionId | None = None,
    ) -> None:
        """Take in an execution as it was elsewhere, in the place of what is known of it.

        Args:
            state: What its log folds to, or what is wanted of it from here on.
            entries: Its log, oldest first.
            responses: What it received, in order.
            delays: What it waits for.
            unheard: A child that may respond once more.
        """
        with self._mutex:
            self._states[state.execution_id] = state
            self._events[state.execution_id] = [
                _StoredEvent(entry.created_at, encode_event(entry.event)) for entry in entries
            ]
            self._responses[state.execution_id] = list(responses)
            self._responded.update({source_of(response) for response in responses} - {unheard})
            self._delays.update({delay.delay_id: delay for delay in delays})

    # Writing.

    def commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> CommitReport:
        """See `Journal`."""
        with self._mutex:
            if self.before_commit is not None:
                self.before_commit(writes)
            ledger = self._ledger(writes, now)
            outcomes = ledger.apply_all(writes)
            self._store(ledger.changes)
            hints = ledger.hints()
            locked: list[LockedExecution] = []
            if lock is not None and (hints.is_due or lock.is_look or not writes):
                allotment = Allotment(lock)
                locked = self._lock_due(lock, allotment)
                hints = replace(hints, is_due=allotment.left == 0)
            if self.after_commit is not None:
                self.after_commit(writes)
            return CommitReport(outcomes, hints, tuple(locked))

    def begin_commit(self, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None = None) -> OpenCommit:
        """See `Journal`."""
        return FinishedCommit(self.commit(writes, now=now, lock=lock))

    def prepare_commit(self, writes: Sequence[Write], *, now: datetime) -> PreparedCommit | None:
        """See `Journal`."""
        return None

    def add_log_lines(self, lines: Sequence[LogLine]) -> None:
        """See `Journal`."""
        with self._mutex:
            self._log_lines.extend(lines)

    def count_log_lines(self, execution_id: ExecutionId, *, limit: int) -> int:
        """See `Journal`."""
        with self._mutex:
            return min(limit, sum(line.execution_id == execution_id for line in self._log_lines))

    def add_http_exchanges(self, exchanges: Sequence[HttpExchange]) -> None:
        """See `Journal`."""
        with self._mutex:
            self._http_exchanges.extend(exchanges)

    def add_call_sites(self, sites: Sequence[CallSites]) -> None:
        """See `Journal`."""
        with self._mutex:
            self._call_sites.extend(sites)

    # Reading.

    def state_of(self, execution_id: ExecutionId) -> ExecutionState:
        """See `Journal`."""
        with self._mutex:
            state = self._states.get(execution_id)
            if state is None:
                raise ExecutionNotFound(execution_id)
            return copy(state)

    def load_log(self, execution_id: ExecutionId, *, start: int = 0) -> list[LogEntry]:
        """See `Journal`."""
        with self._mutex:
            stored = self._events.get(execution_id, [])[start:]
        return [
            LogEntry(Version(version), event.created_at, decode_event(event.payload))
            for version, event in enumerate(stored, start)
        ]

    def load_responses(self, execution_id: ExecutionId, *, after: int = 0) -> list[Response]:
        """See `Journal`."""
        with self._mutex:
            return [self._with_retval(response) for response in self._responses.get(execution_id, [])[after:]]

    def due_delays(self, now: datetime, *, limit: int) -> list[DelayRow]:
        """See `Journal`."""
        with self._mutex:
            due = [delay for delay in self._delays.values() if not delay.paused and delay.expires_at <= now]
        return sorted(due, key=lambda delay: (delay.expires_at, delay.delay_id))[:limit]

    def expired_locks(self, now: datetime, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        with self._mutex:
            expired = [copy(state) for state in self._active(Status.LOCKED) if state.due_at <= now]
        return sorted(expired, key=_due_order)[:limit]

    def cancelling(self, *, limit: int) -> list[ExecutionState]:
        """See `Journal`."""
        with self._mutex:
            found = [copy(state) for state in self._states.values() if state.lifecycle is Lifecycle.CANCELLING]
        return sorted(found, key=lambda state: (state.created_at, state.execution_id))[:limit]

    def newest_call(self, ffqn: str, component_digest: str) -> ExecutionState | None:
        """See `Journal`."""
        with self._mutex:
            calls = [
                state
                for state in self._states.values()
                if state.ffqn == ffqn and state.component_id.digest == component_digest
            ]
            return copy(max(calls, key=lambda state: state.created_at)) if calls else None

    def outlook(self, now: datetime, *, leeway: timedelta) -> Outlook:
        """See `Journal`."""
        with self._mutex:
            pending = [state.due_at for state in self._active(Status.PENDING_AT)]
            overdue = [state.due_at + leeway for state in self._active(Status.LOCKED)]
            overdue += [delay.expires_at for delay in self._delays.values() if not delay.paused]
        return Outlook(
            is_pending=any(instant <= now for instant in pending),
            is_overdue=any(instant <= now for instant in overdue) or bool(self.cancelling(limit=1)),
            next_at=min((instant for instant in pending + overdue if instant > now), default=None),
        )

    # With the mutex held.

    def _lock_due(self, request: LockRequest, allotment: Allotment) -> list[LockedExecution]:
        changes = Changes()
        found: list[LockedExecution] = []
        for known in self._pending(request.now):
            event = allotment.take(known)
            if event is None:
                continue
            state, created = copy(known), self._created(known.execution_id)
            changes.entries.append((state.execution_id, take_lock(state, event, request, created)))
            changes.updated[state.execution_id] = (known, state)
            found.append(LockedExecution(copy(state), created))
        self._store(changes)
        return found

    def _ledger(self, writes: Sequence[Write], now: datetime) -> Ledger:
        states = _chosen(self._states, required_executions(writes, thorough=True))
        submitted = {
            write.execution.execution_id
            for write in writes
            if isinstance(write, Submit) and write.execution.execution_id in states
        }
        return Ledger(
            now=now,
            states=states,
            delays=_chosen(self._delays, required_delays(writes, thorough=True)),
            created={execution_id: self._created(execution_id) for execution_id in submitted},
            answered={
                (execution_id, join_set)
                for execution_id, join_set, seen in awaited_join_sets(writes)
                if self._is_answered(execution_id, join_set, seen)
            },
            responded=response_sources(writes) & self._responded,
            mailbox=Mailbox(
                _by_call(mail for mail in self._mail.values() if not mail.is_delivered),
                {(mail.execution_id, mail.signal_id) for mail in self._mail.values() if mail.signal_id is not None},
            ),
        )

    def _is_answered(self, execution_id: ExecutionId, join_set: JoinSetId, seen: int) -> bool:
        return any(response.join_set_id == join_set for response in self._responses.get(execution_id, [])[seen:])

    def _store(self, changes: Changes) -> None:
        # Encoded first: what cannot be stored must not leave half of a commit behind.
        encoded = [
            (execution_id, _StoredEvent(entry.created_at, encode_event(entry.event)))
            for execution_id, entry in changes.entries
        ]
        self._states.update(changes.inserted)
        self._states.update({execution_id: state for execution_id, (_, state) in changes.updated.items()})
        for execution_id, event in encoded:
            self._events.setdefault(execution_id, []).append(event)
        for response in changes.responses:
            self._responses.setdefault(response.execution_id, []).append(response)
            self._responded.add(source_of(response))
        self._delays.update(changes.delays_added)
        self._delays.update(changes.delays_paused)
        for delay in changes.delays_removed:
            del self._delays[delay]
        for mail in changes.mail_added:
            row = len(self._mail) + 1
            self._mail[row] = replace(mail, row=row)
        for row in changes.mail_delivered:
            self._mail[row] = replace(self._mail[row], is_delivered=True)

    def _pending(self, now: datetime) -> list[ExecutionState]:
        return sorted((state for state in self._active(Status.PENDING_AT) if state.due_at <= now), key=_due_order)

    def _active(self, status: Status) -> Iterable[ExecutionState]:
        return (
            state for state in self._states.values() if state.status is status and state.lifecycle is Lifecycle.ACTIVE
        )

    def _created(self, execution_id: ExecutionId) -> Created:
        event = decode_event(self._events[execution_id][0].payload)
        assert isinstance(event, Created)
        return event

    def _with_retval(self, response: Response) -> Response:
        """Return a response whose return value comes from the child's own log, as in every journal."""
        event = response.event
        if not isinstance(event, ChildFinished):
            return response
        log = self._events.get(event.child_execution_id, [])
        finished = decode_event(log[event.finished_version].payload) if event.finished_version < len(log) else None
        if not isinstance(finished, Finished):
            raise StoredEventInvalid(
                f"{event.child_execution_id} responded, but did not finish at version {event.finished_version}"
            )
        return Response(
            execution_id=response.execution_id,
            cursor=response.cursor,
            at_version=response.at_version,
            join_set_id=response.join_set_id,
            created_at=response.created_at,
            event=ChildFinished(
                child_execution_id=event.child_execution_id,
                finished_version=event.finished_version,
                retval=finished.retval,
            ),
        )


def _due_order(state: ExecutionState) -> tuple[datetime, ExecutionId]:
    return state.due_at, state.execution_id


def _chosen(rows: dict[_K, _V], keys: Iterable[_K]) -> dict[_K, _V]:
    return {key: rows[key] for key in keys if key in rows}


def _by_call(waiting: Iterable[Mail]) -> dict[tuple[ExecutionId, str], list[Mail]]:
    found: dict[tuple[ExecutionId, str], list[Mail]] = {}
    for mail in waiting:
        found.setdefault((mail.execution_id, mail.ffqn), []).append(mail)
    return found
