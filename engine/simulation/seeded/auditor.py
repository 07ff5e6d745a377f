"""What must hold behind every commit, whatever went wrong before it.

It keeps accounts of its own: nothing here asks the journal, whose rows it judges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from engine.deployment.spec import ComponentType
from engine.errors import IllegalTransition
from engine.journal.changes import Changes
from engine.journal.records import DelayRow
from engine.journal.requirements import source_of
from engine.log.event_encoding import variant_of
from engine.log.events import (
    CancellationRequested,
    ChildFinished,
    ChildRequested,
    Created,
    DelayRequested,
    ExecutionEvent,
    Finished,
    JoinNext,
    Locked,
    LogEntry,
    Paused,
    Response,
    TemporarilyTimedOut,
    Unlocked,
    Unpaused,
)
from engine.log.ids import DelayId, ExecutionId
from engine.log.return_values import CANCELLED, Failed, FailureKind
from engine.log.state import ExecutionState, Lifecycle, Status, fold_log
from engine.simulation.seeded.scripts import TOUCH

_FOLD_EVERY = 16
_PEOPLES = (CancellationRequested, Paused, Unpaused)


class Auditor:
    """Follows every change of a row.

    Args:
        report: Is told, in one sentence, what does not hold.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.states: dict[ExecutionId, ExecutionState] = {}
        self.logs: dict[ExecutionId, list[LogEntry]] = {}
        self.responses: dict[ExecutionId, list[Response]] = {}
        self.children: dict[ExecutionId, list[ExecutionId]] = {}
        self.open_delays: dict[DelayId, DelayRow] = {}
        self.unfinished: dict[ExecutionId, ExecutionState] = {}
        self._responded: set[str] = set()
        self._report = report
        self._writer: str | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        self._checked = 0

    def check(self, changes: Changes, writer: str | None, now: datetime) -> None:
        """Judge what was just written.

        Args:
            changes: The rows.
            writer: An executor's id; ``None`` for people.
            now: What the writer's clock shows.
        """
        self._writer, self._now = writer, now
        grown: dict[ExecutionId, list[LogEntry]] = {}
        for execution_id, entry in changes.entries:
            grown.setdefault(execution_id, []).append(entry)
        for execution_id, entries in grown.items():
            self._check_log(execution_id, entries)
        for response in changes.responses:
            self._check_response(response)
        for delay in changes.delays_removed:
            self.open_delays.pop(delay, None)
        for row in changes.delays_added.values():
            self.open_delays[row.delay_id] = row
        for state in changes.states():
            self._check_state(state)
            self.states[state.execution_id] = state
            if state.is_finished:
                self.unfinished.pop(state.execution_id, None)
            else:
                self.unfinished[state.execution_id] = state
        for execution_id, entries in grown.items():
            if isinstance(entries[-1].event, Finished):
                self._check_end(execution_id, entries[-1].event)
        for state in changes.states():
            self._checked += 1
            if self._checked % _FOLD_EVERY == 0:
                self.check_fold(state.execution_id)

    def check_fold(self, execution_id: ExecutionId) -> None:
        """Judge whether an execution's row is what its whole log folds to."""
        try:
            folded = fold_log(execution_id, self.logs[execution_id], self.responses.get(execution_id, ()))
        except IllegalTransition as error:
            self._report(f"the log of {execution_id} does not fold: {error}")
            return
        if folded != self.states[execution_id]:
            self._report(f"the row of {execution_id} is {self.states[execution_id]}, its log folds to {folded}")

    def check_intent(self, execution_id: ExecutionId, executor: str, attempts: int) -> None:
        """Judge whether an attempt at an activity may begin.

        Args:
            execution_id: The activity.
            executor: Who attempts it.
            attempts: How many attempts there were, this one among them.
        """
        state = self.states.get(execution_id)
        if state is None or state.ffqn != TOUCH:
            # What cannot touch the world may run before anything of it is written, and again.
            return
        locks = [entry.event for entry in self.logs[execution_id] if isinstance(entry.event, Locked)]
        if executor not in [lock.executor_id for lock in locks]:
            self._report(f"{executor} runs {execution_id} without having locked it")
        if attempts > len(locks):
            self._report(f"{execution_id} runs for the {attempts}th time, and was locked {len(locks)} times")

    def _check_log(self, execution_id: ExecutionId, entries: Sequence[LogEntry]) -> None:
        log = self.logs.setdefault(execution_id, [])
        if log and isinstance(log[-1].event, Finished):
            self._report(f"{execution_id} had finished, and goes on with {variant_of(entries[0].event)}")
        for number, entry in enumerate(entries, len(log)):
            if entry.version != number:
                self._report(f"{execution_id} has version {entry.version} where {number} is next")
        first = entries[0].event
        if not log and isinstance(first, Created) and first.parent is not None:
            self.children.setdefault(first.parent[0], []).append(execution_id)
        before = self.states.get(execution_id)
        log.extend(entries)
        if before is not None:
            self._check_fence(before, entries)

    def _check_fence(self, before: ExecutionState, entries: Sequence[LogEntry]) -> None:
        """Judge whether the writer may write this: only who holds the lock may go on with a run."""
        holder = before.holder
        is_held = holder is not None and before.due_at > self._now
        owner = holder.executor_id if holder is not None and is_held else None
        is_stub = before.component_id.component_type is ComponentType.ACTIVITY_STUB
        is_schedule = before.component_id.component_type is ComponentType.CRON
        for entry in entries:
            event = entry.event
            if isinstance(event, _PEOPLES) or is_stub:
                continue
            if is_schedule and isinstance(event, Finished) and event.retval == CANCELLED:
                continue  # whoever takes up a deployment without it ends it
            if isinstance(event, Unlocked) and event.reason == "paused":
                return
            if isinstance(event, Locked):
                if before.status is Status.LOCKED and owner is not None and owner != event.executor_id:
                    self._report(f"{before.execution_id} is locked by {event.executor_id} while {owner} holds it")
                owner = event.executor_id
                continue
            if before.lifecycle is Lifecycle.CANCELLING:
                # Its end may be brought by anybody; the run that may be under way is fenced by the version.
                if not isinstance(event, JoinNext | Finished):
                    self._report(f"{before.execution_id} is being cancelled, and goes on with {variant_of(event)}")
                continue
            # Who found a lock expired may say so, although its own clock was put back since.
            is_end_of_lock = (
                before.status is Status.LOCKED
                and entry.created_at >= before.due_at
                and isinstance(event, TemporarilyTimedOut | Unlocked | Finished)
            )
            if owner != self._writer and not is_end_of_lock:
                whose = "without a lock" if owner is None else f"whose lock {owner} holds"
                self._report(f"{self._writer} writes {variant_of(event)} to {before.execution_id}, {whose}")

    def _check_response(self, response: Response) -> None:
        source = source_of(response)
        if source in self._responded:
            self._report(f"{source} responds to {response.execution_id} for the second time")
        self._responded.add(source)
        known = self.responses.setdefault(response.execution_id, [])
        known.append(response)
        if response.cursor != len(known):
            self._report(f"{response.execution_id} has response {response.cursor} where {len(known)} is next")
        requests = [entry.version for entry in self.logs[response.execution_id] if _requests(entry.event) == source]
        if requests != [version for version in requests if version < response.at_version] or len(requests) != 1:
            self._report(f"{source} responds at {response.at_version}, and was requested at {requests}")
        if len(known) > 1 and known[-2].at_version > response.at_version:
            self._report(f"{source} responds at {response.at_version}, the response before it came later")
        event = response.event
        if isinstance(event, ChildFinished):
            log = self.logs.get(event.child_execution_id, [])
            if not log or not isinstance(log[-1].event, Finished):
                self._report(f"{event.child_execution_id} responds, and has not finished")
            return
        row = self.open_delays.get(event.delay_id)
        if row is not None and response.created_at < row.expires_at and not event.cancelled:
            self._report(f"{event.delay_id} fires at {response.created_at}, and is due at {row.expires_at}")

    def _check_state(self, state: ExecutionState) -> None:
        if state.next_version != len(self.logs[state.execution_id]):
            self._report(f"the row of {state.execution_id} is at {state.next_version}, its log is not")
        if state.response_count != len(self.responses.get(state.execution_id, ())):
            self._report(f"the row of {state.execution_id} counts {state.response_count} responses wrongly")

    def _check_end(self, execution_id: ExecutionId, end: Finished) -> None:
        """Judge whether an execution may end: nothing that it waits for may outlive it, and whoever waits must hear."""
        if isinstance(end.retval, Failed) and end.retval.kind is FailureKind.NONDETERMINISM_DETECTED:
            self._report(f"{execution_id} did not follow its history: {end.retval.detail}")
        for child in self.children.get(execution_id, ()):
            if not self.states[child].is_finished:
                self._report(f"{execution_id} ends before its child {child}")
        for delay, row in self.open_delays.items():
            if row.execution_id == execution_id:
                self._report(f"{execution_id} ends before its delay {delay}")
        if self.states[execution_id].parent is not None and execution_id not in self._responded:
            self._report(f"{execution_id} ends, and its parent does not hear of it")


def _requests(event: ExecutionEvent) -> str | None:
    """Return the member that an event asks for."""
    match event:
        case ChildRequested(child_execution_id=child, error=None):
            return child
        case DelayRequested(delay_id=delay):
            return delay
        case _:
            return None
