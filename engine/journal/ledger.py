"""What a commit does to the rows: the pure half of every journal.

A journal loads (and locks) the states that `required_executions` names, lets a `Ledger` apply the writes to them, and
stores the ledger's changes, all in one transaction. So the rules are the same over SQL and in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from copy import copy
from datetime import datetime

from msgspec.structs import replace

from engine.errors import (
    AlreadyFinished,
    ExecutionExists,
    ExecutionNotFound,
    IllegalTransition,
    JournalError,
    LockLost,
    VersionConflict,
)
from engine.journal.changes import Changes
from engine.journal.mailbox import Mailbox
from engine.journal.records import (
    Append,
    Committed,
    DelayRow,
    FinishDelay,
    Hints,
    NewExecution,
    PauseDelay,
    PostSignal,
    Submit,
    Write,
)
from engine.journal.requirements import source_of
from engine.log.events import (
    Created,
    DelayFinished,
    DelayRequested,
    JoinNext,
    LogEntry,
    Response,
)
from engine.log.ids import DelayId, ExecutionId, JoinSetId
from engine.log.state import ExecutionState, Status, fold_event, fold_response, initial_state


class Ledger:
    """Applies writes to loaded states, one by one, each whole or not at all.

    Args:
        now: The present instant.
        states: The states that exist among `required_executions`, as loaded under lock.
        delays: The delay rows that exist among `required_delays`.
        created: First events of the executions that submits name and that exist, to compare calls.
        answered: Members of `awaited_join_sets` (execution, join set) that have a response behind their cursor.
        responded: Members of `response_sources` that have a response already; a storage that refuses a second one may
            leave them out until it has.
        mailbox: What waits for the members of `born_stubs`, and which of `sent_signals` came before.
    """

    def __init__(
        self,
        *,
        now: datetime,
        states: dict[ExecutionId, ExecutionState],
        delays: dict[DelayId, DelayRow],
        created: dict[ExecutionId, Created],
        answered: set[tuple[ExecutionId, JoinSetId]],
        responded: Iterable[str] = (),
        mailbox: Mailbox | None = None,
    ) -> None:
        self._now = now
        self._states = states
        # The objects are never changed: whatever a write touches is copied first.
        self._loaded = dict(states)
        self._delays = delays
        self._created = created
        self._answered = answered
        self._responded = set(responded)
        self._mailbox = mailbox or Mailbox()
        self.changes = Changes()
        self._is_due = False
        self._pending_from: datetime | None = None
        self._responses_for: set[ExecutionId] = set()
        self._finished: set[ExecutionId] = set()

    def apply_all(self, writes: Sequence[Write]) -> tuple[Committed | JournalError, ...]:
        """Apply writes in order and return what became of each."""
        return tuple(self.apply(write) for write in writes)

    def apply(self, write: Write) -> Committed | JournalError:
        """Apply one write, or return why it is refused."""
        try:
            match write:
                case Append():
                    return self._append(write)
                case Submit(execution=execution):
                    return self._submit(execution)
                case FinishDelay():
                    return self._finish_delay(write)
                case PauseDelay(delay_id=delay, paused=paused):
                    return self._pause_delay(delay, paused=paused)
                case PostSignal():
                    return self._post_signal(write)
        except JournalError as error:
            return error

    def hints(self) -> Hints:
        """Return who may want to look again once the changes are durable."""
        awake = [*self.changes.delays_added.values(), *self.changes.delays_paused.values()]
        delays = [delay.expires_at for delay in awake if not delay.paused]
        return Hints(
            is_due=self._is_due,
            pending_from=self._pending_from,
            delay_from=min(delays, default=None),
            responses_for=frozenset(self._responses_for),
            finished=frozenset(self._finished),
        )

    def _append(self, write: Append) -> Committed:
        before = self._states.get(write.execution_id)
        if before is None:
            raise ExecutionNotFound(write.execution_id)
        if before.is_finished:
            raise AlreadyFinished(write.execution_id)
        if before.next_version != write.expected:
            raise VersionConflict(write.execution_id, expected=write.expected, actual=before.next_version)
        if write.holder is not None and not before.is_held_by(write.holder, self._now):
            raise LockLost(write.execution_id)

        delivered: list[int] = []
        if not self._mailbox.is_empty:
            write, delivered = self._mailbox.deliver(write)
        self._check_ids(write)
        # Everything is folded on copies first, so that a refusal half way leaves no trace.
        touched = {write.execution_id: copy(before)}
        state = touched[write.execution_id]
        try:
            responses = [self._place(response, touched) for response in write.responses]
            if delivered:
                self._answered.update((response.execution_id, response.join_set_id) for response in responses)
            last = len(write.entries) - 1
            blocked = False
            for index, entry in enumerate(write.entries):
                blocked = index == last and write.awaits and not self._is_answered(entry, write)
                fold_event(state, entry, awaits=blocked)
            born = [(execution, fold_new(execution)) for execution in write.created]
        except IllegalTransition as error:
            raise VersionConflict(write.execution_id, expected=write.expected, actual=before.next_version) from error

        self.changes.mail_delivered.extend(delivered)
        for execution, new_state in born:
            self._insert(execution, new_state)
        self.changes.entries.extend([(write.execution_id, entry) for entry in write.entries])
        self._settle_delays(write)
        for response in responses:
            self._respond(response)
            if write.holder is None or response.execution_id != write.execution_id:
                # A run that brings its own responses knows them.
                self._responses_for.add(response.execution_id)
        for touched_state in touched.values():
            self._update(touched_state)
        return Committed(
            next_version=state.next_version,
            # Of what came by mail the writer knows nothing: it has to look.
            responses_before=state.response_count if delivered else before.response_count,
            response_count=state.response_count,
            blocked=blocked,
        )

    def _check_ids(self, write: Append) -> None:
        """Refuse what only a faulty writer asks for: an id that is taken, a second response from one source."""
        born = [execution.execution_id for execution in write.created]
        requested = [entry.event.delay_id for entry in write.entries if isinstance(entry.event, DelayRequested)]
        taken = _first_taken(born, self._states.keys()) or _first_taken(requested, self._delays.keys())
        if taken is not None:
            raise ExecutionExists(ExecutionId(taken))
        answered = _first_taken([source_of(response) for response in write.responses], self._responded)
        if answered is not None:
            raise AlreadyFinished(ExecutionId(answered))
        for response in write.responses:
            event = response.event
            if isinstance(event, DelayFinished) and not (event.delay_id in self._delays or event.delay_id in requested):
                raise AlreadyFinished(ExecutionId(event.delay_id))

    def _is_answered(self, entry: LogEntry, write: Append) -> bool:
        event = entry.event
        if not isinstance(event, JoinNext):
            raise VersionConflict(write.execution_id, expected=write.expected, actual=write.expected)
        return (write.execution_id, event.join_set_id) in self._answered

    def _place(self, response: Response, touched: dict[ExecutionId, ExecutionState]) -> Response:
        target = touched.get(response.execution_id)
        if target is None:
            known = self._states.get(response.execution_id)
            if known is None:
                raise ExecutionNotFound(response.execution_id)
            target = touched[response.execution_id] = copy(known)
        placed = Response(
            execution_id=response.execution_id,
            cursor=target.response_count + 1,
            at_version=max(response.at_version, target.next_version),
            join_set_id=response.join_set_id,
            created_at=response.created_at,
            event=response.event,
        )
        fold_response(target, placed)
        return placed

    def _settle_delays(self, write: Append) -> None:
        """Add the delays that were requested, and drop those that fired with this very write."""
        self._add_delays(write.execution_id, write.entries)
        for response in write.responses:
            if isinstance(response.event, DelayFinished):
                self._drop_delay(response.event.delay_id)

    def _add_delays(self, execution_id: ExecutionId, entries: Iterable[LogEntry]) -> None:
        for entry in entries:
            event = entry.event
            if isinstance(event, DelayRequested):
                row = DelayRow(event.delay_id, execution_id, event.join_set_id, event.expires_at, event.paused)
                self.changes.delays_added[event.delay_id] = self._delays[event.delay_id] = row

    def _drop_delay(self, delay: DelayId) -> None:
        del self._delays[delay]
        self.changes.delays_paused.pop(delay, None)
        if self.changes.delays_added.pop(delay, None) is None:
            self.changes.delays_removed.append(delay)

    def _respond(self, response: Response) -> None:
        self.changes.responses.append(response)
        self._responded.add(source_of(response))
        # Whoever awaits it in a later write of this very commit finds it there.
        self._answered.add((response.execution_id, response.join_set_id))

    def _submit(self, execution: NewExecution) -> Committed:
        known = self._states.get(execution.execution_id)
        if known is None:
            state = fold_new(execution)
            self._insert(execution, state)
            return Committed(next_version=state.next_version)
        first = execution.entries[0].event
        existing = self._created[execution.execution_id]
        if not isinstance(first, Created) or (first.ffqn, first.params) != (existing.ffqn, existing.params):
            raise ExecutionExists(execution.execution_id)
        return Committed(next_version=known.next_version, is_new=False)

    def _finish_delay(self, write: FinishDelay) -> Committed:
        row = self._delays.get(write.delay_id)
        if row is None or write.delay_id in self._responded:
            raise AlreadyFinished(ExecutionId(write.delay_id))
        known = self._states.get(row.execution_id)
        if known is None:
            raise ExecutionNotFound(row.execution_id)
        touched: dict[ExecutionId, ExecutionState] = {}
        response = self._place(
            Response(
                execution_id=row.execution_id,
                join_set_id=row.join_set_id,
                created_at=write.at,
                event=DelayFinished(delay_id=write.delay_id, cancelled=write.cancelled),
            ),
            touched,
        )
        self._drop_delay(write.delay_id)
        self._respond(response)
        self._responses_for.add(response.execution_id)
        for state in touched.values():
            self._update(state)
        return Committed(
            next_version=known.next_version,
            responses_before=known.response_count,
            response_count=response.cursor,
        )

    def _pause_delay(self, delay: DelayId, *, paused: bool) -> Committed:
        row = self._delays.get(delay)
        if row is None:
            raise ExecutionNotFound(delay)
        if row.paused is not paused:
            changed = DelayRow(delay, row.execution_id, row.join_set_id, row.expires_at, paused)
            is_new = delay in self.changes.delays_added
            rows = self.changes.delays_added if is_new else self.changes.delays_paused
            rows[delay] = self._delays[delay] = changed
        return Committed(next_version=self._states[row.execution_id].next_version)

    def _post_signal(self, write: PostSignal) -> Committed:
        mail = write.mail
        state = self._states.get(mail.execution_id)
        if state is None:
            raise ExecutionNotFound(mail.execution_id)
        if self._mailbox.is_known(mail):
            return Committed(next_version=state.next_version, is_new=False)
        if state.is_finished:
            raise AlreadyFinished(mail.execution_id)
        if write.end is not None:
            self._append(write.end)
        elif state.next_version != write.expected:
            raise VersionConflict(mail.execution_id, expected=write.expected or 0, actual=state.next_version)
        self._mailbox.remember(mail)
        if mail.signal_id is not None or write.end is None:
            self.changes.mail_added.append(replace(mail, is_delivered=write.end is not None))
        return Committed(next_version=state.next_version)

    def _insert(self, execution: NewExecution, state: ExecutionState) -> None:
        if execution.execution_id in self._states:
            raise ExecutionExists(execution.execution_id)
        self._states[execution.execution_id] = state
        self.changes.inserted[execution.execution_id] = state
        first = execution.entries[0].event
        if isinstance(first, Created):
            self._created[execution.execution_id] = first
        self.changes.entries.extend([(execution.execution_id, entry) for entry in execution.entries])
        self._add_delays(execution.execution_id, execution.entries)
        self._note(state)

    def _update(self, state: ExecutionState) -> None:
        self._states[state.execution_id] = state
        if state.execution_id in self.changes.inserted:
            self.changes.inserted[state.execution_id] = state
        else:
            self.changes.updated[state.execution_id] = (self._loaded[state.execution_id], state)
        self._note(state)

    def _note(self, state: ExecutionState) -> None:
        if state.status is Status.PENDING_AT:
            if state.due_at <= self._now:
                self._is_due = True
            elif self._pending_from is None or state.due_at < self._pending_from:
                self._pending_from = state.due_at
        elif state.status is Status.FINISHED:
            self._finished.add(state.execution_id)


def _first_taken(ids: Sequence[str], known: Set[str]) -> str | None:
    """Return the first id that is known or comes a second time; ``None`` if there is none, as nearly always."""
    if known.isdisjoint(ids) and len(set(ids)) == len(ids):
        return None
    return next(given for place, given in enumerate(ids) if given in known or given in ids[:place])


def fold_new(execution: NewExecution) -> ExecutionState:
    """Return the state of a new execution behind all events that it is created with."""
    first, *rest = execution.entries
    state = initial_state(execution.execution_id, first)
    for entry in rest:
        fold_event(state, entry)
    return state
