"""One run of a workflow: every host call is first looked up in the history, then recorded.

Replay and live are one code path. Each operation builds the event it stands for; while the history has events left,
the next one must be its record, else the code has changed (`NondeterminismDetected`); at the tip the event is recorded.

Source:
    Obelisk reference, sections 3.3, 6.2 to 6.5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from engine.deployment.registry import DeployedFunction
from engine.errors import ConstraintViolation
from engine.log import events as e
from engine.log.ids import (
    DelayId,
    DeploymentId,
    ExecutionId,
    JoinSetId,
    child_id,
    delay_id,
    generated_join_set,
    join_set_name_problem,
    make_ulid,
    named_join_set,
    one_off_join_set,
    parse_ulid,
    top_level_of,
    ulid_timestamp_ms,
)
from engine.log.return_values import JsonText, Returned
from engine.log.retval_json import retval_text
from engine.log.schedules import ScheduleAt, scheduled_instant
from engine.log.state import ExecutionState
from engine.workflow.history import History
from engine.workflow.join_sets import JoinSet, MemberId, member_of
from engine.workflow.matching import answers
from engine.workflow.port import RunPort
from engine.workflow.prng import WorkflowRandom
from engine.workflow.target import Target
from engine.workflow.write_buffer import WriteBuffer

_MAX_FRUITLESS_TRIES = 100
_NO_PARAMS = JsonText("[]")


@dataclass(frozen=True, slots=True)
class NameTaken:
    """A join set of this name was created before in this execution."""


@dataclass(frozen=True, slots=True)
class NameInvalid:
    """The join-set name contains characters that it must not."""

    problem: str


class WorkflowRun:
    """The state of one run, between the guest's host calls and the journal.

    Not thread-safe: the driver serialises access.

    Args:
        state: State of the execution as locked for this run.
        entries: Its log, oldest first.
        responses: Its responses, in order of arrival.
        port: The outside.
        deployment_id: The deployment in whose name children are created.
        at_tip: Recorded before the first new event: that another version of the component could replay the history.
    """

    def __init__(
        self,
        *,
        state: ExecutionState,
        entries: Iterable[e.LogEntry],
        responses: Iterable[e.Response],
        port: RunPort,
        deployment_id: DeploymentId,
        at_tip: e.ComponentUpgradeFinished | None = None,
    ) -> None:
        self.execution_id = state.execution_id
        self.buffer = WriteBuffer(state.next_version)
        self.loaded_cursor = 0
        self.last_direct_call: ExecutionId | None = None
        self.last_one_off: MemberId | None = None
        self.awaited: JoinSetId | None = None
        self._port = port
        self._deployment_id = deployment_id
        self._at_tip = at_tip
        self._history = History(entries)
        self._random = WorkflowRandom(state.execution_id)
        self._join_sets: dict[JoinSetId, JoinSet] = {}
        self._names: set[str] = set()
        self._generated = 0
        self._one_offs = 0
        self._early: dict[JoinSetId, list[e.Response]] = {}
        self._private_sets: list[JoinSet] = []
        self._known: set[MemberId] = set()
        self._processed: dict[MemberId, e.Response] = {}
        self._targets: dict[ExecutionId, str] = {}
        self._fruitless_tries = 0
        self._generated_ids: set[ExecutionId] = set()
        self._scheduled_ids: set[ExecutionId] = set()
        self.deliver(responses)

    # What the driver asks and tells.

    @property
    def is_replaying(self) -> bool:
        """Whether recorded history remains."""
        return self._history.is_replaying

    @property
    def is_upgrading(self) -> bool:
        """Whether this version of the component has yet to show that it can replay a history that it did not write."""
        return self._at_tip is not None and self._history.is_recorded

    def deliver(self, responses: Iterable[e.Response]) -> None:
        """Take in responses from the journal, in order; those already known are passed over."""
        for response in responses:
            self.loaded_cursor = max(self.loaded_cursor, response.cursor)
            self._arrive(response)

    def deliver_local(self, response: e.Response) -> None:
        """Take in the response of a member that nobody else can see; it is committed with the buffer."""
        self.buffer.responses.append(response)
        self._arrive(response)

    def committed(self, *, responses_before: int, response_count: int) -> bool:
        """Hear how many responses the journal holds after a commit.

        Returns:
            Whether there are responses that this run has not loaded.
        """
        if responses_before <= self.loaded_cursor:
            self.loaded_cursor = max(self.loaded_cursor, response_count)
            return False
        return True

    def is_answered(self, join_set: JoinSetId) -> bool:
        """Whether a response of this join set waits to be consumed."""
        return bool(self._join_sets[join_set].arrived)

    def open_members(self, join_set: JoinSetId) -> list[MemberId]:
        """Return the members of a join set whose response did not arrive, in submission order."""
        members = self._join_sets[join_set]
        arrived = {member_of(response) for response in members.arrived}
        return [member for member in members.open if member not in arrived]

    def is_private(self, join_set: JoinSetId) -> bool:
        """Whether nobody else can bring a response to this join set: all its open members are uncommitted."""
        return self._join_sets[join_set].is_private

    def next_idle_child(self, join_set: JoinSetId) -> ExecutionId | None:
        """Return the first uncommitted child of a join set that was not run yet."""
        for child, newborn in self.buffer.idle.items():
            if newborn.child is not None and newborn.child.join_set_id == join_set:
                return child
        return None

    def is_awaiting(self, entries: Sequence[e.LogEntry]) -> bool:
        """Whether these entries, about to be committed, end with the await that the run is stuck at."""
        if self.awaited is None or not entries or self.is_answered(self.awaited):
            return False
        last = entries[-1].event
        return isinstance(last, e.JoinNext) and last.join_set_id == self.awaited

    def has_one_member(self, join_set: JoinSetId) -> bool:
        """Whether a join set waits for one member only."""
        return len(self._join_sets[join_set].open) == 1

    def has_delays(self, join_set: JoinSetId) -> bool:
        """Whether a delay was ever submitted to a join set."""
        return self._join_sets[join_set].delays > 0

    def is_open(self, member: MemberId) -> bool:
        """Whether no response of this member arrived."""
        return member not in self._known

    def publish(self) -> None:
        """Hear that the buffer is being committed: from now on others see its members."""
        for join_set in self._private_sets:
            join_set.private.clear()
        self._private_sets.clear()

    # Values that the host makes up.

    def random_u64(self, low: int, high_inclusive: int) -> int:
        """Return a random integer of the range, recorded.

        Raises:
            ConstraintViolation: If the range is empty.
        """
        if low > high_inclusive:
            raise ConstraintViolation(f"random-u64: the range {low}..={high_inclusive} is empty")
        value = self._random.in_range(low, high_inclusive)
        self._persist(value.to_bytes(8, "big"), e.RandomU64(low, high_inclusive))
        return value

    def random_string(self, min_length: int, max_length_exclusive: int) -> str:
        """Return random letters and digits, recorded.

        Raises:
            ConstraintViolation: If the range of lengths is empty.
        """
        if min_length >= max_length_exclusive:
            raise ConstraintViolation(f"random-string: the range {min_length}..{max_length_exclusive} is empty")
        value = self._random.string(min_length, max_length_exclusive)
        self._persist(value.encode(), e.RandomString(min_length, max_length_exclusive))
        return value

    def generate_execution_id(self) -> ExecutionId:
        """Return a fresh top-level execution id, recorded; its time part is the workflow's own."""
        own = top_level_of(self.execution_id)[len("E_") :]
        ulid = make_ulid(ulid_timestamp_ms(own), self._random.bytes(10))
        self._persist(parse_ulid(ulid).to_bytes(16, "big"), e.GeneratedExecutionId())
        generated = ExecutionId(f"E_{ulid}")
        self._generated_ids.add(generated)
        return generated

    def _persist(self, value: bytes, kind: e.PersistKind) -> None:
        event = e.Persist(value=value, kind=kind)
        if self._replay(event) is None:
            self._record(event, self._port.now())

    # Join sets.

    def create_join_set(self) -> JoinSetId:
        """Create a join set with a generated name."""
        self._generated += 1
        return self._create(generated_join_set(self._generated)).id

    def create_named_join_set(self, name: str) -> JoinSetId | NameTaken | NameInvalid:
        """Create a join set of this name, once per execution."""
        if problem := join_set_name_problem(name):
            return NameInvalid(problem)
        if name in self._names:
            return NameTaken()
        self._names.add(name)
        return self._create(named_join_set(name)).id

    def patched(self, name: str) -> bool | NameInvalid:
        """Tell whether a change of the workflow's code applies to this execution; to be asked once for each name.

        It does where the run is at the end of its history or took the new path before: the record is a join set of the
        name ``patched/...``, which stays empty. It does not where the history goes on without one.
        """
        if problem := join_set_name_problem(name):
            return NameInvalid(problem)
        join_set = named_join_set(f"patched/{name}")
        recorded = self._history.peek()
        if recorded is not None and recorded != e.JoinSetCreated(join_set_id=join_set):
            return False
        self._names.add(f"patched/{name}")
        self._create(join_set)
        return True

    def _create(self, join_set: JoinSetId) -> JoinSet:
        event = e.JoinSetCreated(join_set_id=join_set)
        if self._replay(event) is None:
            self._record(event, self._port.now())
        added = self._join_sets[join_set] = JoinSet(join_set)
        added.arrived.extend(self._early.pop(join_set, ()))
        return added

    def submit(self, join_set_id: JoinSetId, target: Target) -> ExecutionId | e.SubmitError:
        """Submit a child to a join set; a request that cannot be met is recorded as such."""
        join_set = self._open_join_set(join_set_id)
        return self._submit(join_set, target)

    def _submit(self, join_set: JoinSet, target: Target) -> ExecutionId | e.SubmitError:
        join_set.children += 1
        child = child_id(self.execution_id, join_set.id, join_set.children)
        event = e.ChildRequested(
            join_set_id=join_set.id,
            child_execution_id=child,
            target_ffqn=target.ffqn,
            params=target.params,
            error=target.error,
        )
        recorded = self._replay(event)
        if recorded is None:
            self._request_child(target, event)
        else:
            assert isinstance(recorded, e.ChildRequested)
            event = recorded
        if event.error is not None:
            return event.error
        self._targets[child] = target.ffqn
        self._join(join_set, child, is_private=recorded is None)
        return child

    def _request_child(self, target: Target, event: e.ChildRequested) -> None:
        now = self._port.now()
        if event.error is not None:
            # Parameters that fit no function are nobody's; they do not burden the log.
            self._record(replace(event, params=_NO_PARAMS), now)
            return
        created = e.Created(
            ffqn=target.ffqn,
            params=target.params,
            parent=(self.execution_id, event.join_set_id),
            scheduled_at=now,
            component_id=_deployed(target).component.id,
            deployment_id=self._deployment_id,
        )
        self.buffer.create(event.child_execution_id, created, now, target=target, child=event)
        self._record(event, now)

    def submit_delay(self, join_set_id: JoinSetId, schedule: ScheduleAt) -> DelayId:
        """Submit a durable timer to a join set."""
        return self._submit_delay(self._open_join_set(join_set_id), schedule)[0]

    def _submit_delay(self, join_set: JoinSet, schedule: ScheduleAt) -> tuple[DelayId, datetime]:
        join_set.delays += 1
        delay = delay_id(self.execution_id, join_set.id, join_set.delays)
        now = self._port.now()
        event = e.DelayRequested(
            join_set_id=join_set.id,
            delay_id=delay,
            expires_at=_instant(schedule, now),
            schedule_at=schedule,
        )
        recorded = self._replay(event)
        self._join(join_set, delay, is_private=recorded is None)
        if recorded is not None:
            assert isinstance(recorded, e.DelayRequested)
            return delay, recorded.expires_at
        self._record(event, now)
        # Where others can bring responses too, the journal must say who came first: the timers fire it there.
        if event.expires_at <= now and join_set.is_private:
            self.deliver_local(
                e.Response(
                    execution_id=self.execution_id,
                    at_version=self.buffer.next_version,
                    join_set_id=join_set.id,
                    created_at=now,
                    event=e.DelayFinished(delay_id=delay),
                )
            )
        return delay, event.expires_at

    def join_next(self, join_set_id: JoinSetId, *, requested_ffqn: str | None = None) -> e.Response | None:
        """Wait for the next response of a join set, in order of arrival.

        Returns:
            The response, or ``None`` when every submission's response was consumed.
        """
        join_set = self._open_join_set(join_set_id)
        if not join_set.open:
            self._too_many(e.JoinNextTooMany(join_set_id=join_set_id, requested_ffqn=requested_ffqn))
            return None
        return self._await(join_set, requested_ffqn=requested_ffqn)

    def _too_many(self, event: e.JoinNextTooMany) -> None:
        if self._replay(event) is None:
            self._record(event, self._port.now())

    def _await(self, join_set: JoinSet, *, requested_ffqn: str | None = None, closing: bool = False) -> e.Response:
        event = e.JoinNext(
            join_set_id=join_set.id,
            run_expires_at=self._port.run_expires_at(),
            requested_ffqn=requested_ffqn,
            closing=closing,
        )
        if self._replay(event) is None:
            self._record(event, self._port.now())
        if not join_set.arrived:
            if self._history.is_replaying:
                raise self._history.differ(event)
            self.awaited = join_set.id
            self._port.wait(join_set.id)
            self.awaited = None
        self._fruitless_tries = 0
        return self._consume(join_set)

    def join_next_try(self, join_set_id: JoinSetId) -> tuple[e.TryOutcome, e.Response | None]:
        """Look for the next response of a join set without waiting."""
        join_set = self._open_join_set(join_set_id)
        if not self._history.is_replaying:
            self._port.refresh()
        event = e.JoinNextTry(join_set_id=join_set_id, outcome=_try_outcome(join_set))
        recorded = self._replay(event)
        if recorded is None:
            self._record(event, self._port.now())
            outcome = event.outcome
        else:
            assert isinstance(recorded, e.JoinNextTry)
            outcome = recorded.outcome
        if outcome is e.TryOutcome.FOUND:
            self._fruitless_tries = 0
            return outcome, self._consume(join_set)
        if recorded is None:
            # Those of earlier runs do not count: this one has just begun to poll.
            self._fruitless_tries += 1
            if self._fruitless_tries >= _MAX_FRUITLESS_TRIES:
                self._fruitless_tries = 0
                self._port.yield_run()
        return outcome, None

    def close(self, join_set_id: JoinSetId) -> None:
        """Close a join set: cancel what can be cancelled, wait for every open member."""
        join_set = self._open_join_set(join_set_id)
        join_set.is_closed = True
        has_cancelled = False
        while join_set.open:
            if not self._history.is_replaying and not has_cancelled:
                has_cancelled = True
                members = self.open_members(join_set_id)
                if members:
                    self._port.cancel(members[::-1])
            self._await(join_set, closing=True)
        del self._join_sets[join_set_id]

    def close_all(self) -> None:
        """Close every join set that is still open, newest first."""
        for join_set_id in reversed(list(self._join_sets)):
            if join_set_id in self._join_sets:
                self.close(join_set_id)

    def check_history_is_used_up(self) -> None:
        """Check, at the end of the function, that it asked for all of its history.

        Raises:
            NondeterminismDetected: If recorded events are left over.
        """
        if self._history.is_replaying:
            raise self._history.left_over()

    def abandoned_members(self) -> list[MemberId]:
        """Return every member without a response, newest first; for a run that cannot close its join sets."""
        members = [member for join_set in self._join_sets for member in self.open_members(join_set)]
        for event in self._history.remaining:
            match event:
                case e.ChildRequested(child_execution_id=child, error=None) if child not in self._known:
                    members.append(child)
                case e.DelayRequested(delay_id=delay) if delay not in self._known:
                    members.append(delay)
                case _:
                    pass
        return members[::-1]

    def last_id(self, join_set_id: JoinSetId) -> MemberId | None:
        """Return the member whose response was consumed last from a join set."""
        return self._open_join_set(join_set_id).last

    def processed(self, member: MemberId) -> e.Response | None:
        """Return a response that was consumed already."""
        return self._processed.get(member)

    def target_of(self, child: ExecutionId) -> str | None:
        """Return the function that a child was requested for, or ``None`` if this run requested no such child."""
        return self._targets.get(child)

    def target_of_response(self, response: e.Response) -> str | None:
        """Return the function whose response this is; ``None`` for a delay's."""
        event = response.event
        return self._targets.get(event.child_execution_id) if isinstance(event, e.ChildFinished) else None

    # Direct calls and sleeps: a join set, one member, one await.

    def call(self, target: Target, name: str) -> e.Response | e.SubmitError:
        """Call a function and wait for its response.

        Args:
            target: The function with its parameters.
            name: Its short name, for the join set's id.
        """
        self._one_offs += 1
        join_set = self._add_one_off(name)
        child = self._submit(join_set, target)
        if not isinstance(child, str):
            del self._join_sets[join_set.id]
            return child
        self.last_direct_call = self.last_one_off = child
        response = self._await(join_set, requested_ffqn=target.ffqn)
        del self._join_sets[join_set.id]
        return response

    def sleep(self, schedule: ScheduleAt, name: str | None) -> tuple[datetime, bool]:
        """Wait until an instant.

        Returns:
            The instant as first computed, and whether the delay ran out rather than was cancelled.
        """
        if name is not None and (problem := join_set_name_problem(name)):
            raise ConstraintViolation(f"sleep: {problem}")
        self._one_offs += 1
        join_set = self._add_one_off(name or "sleep")
        delay, expires_at = self._submit_delay(join_set, schedule)
        self.last_one_off = delay
        response = self._await(join_set)
        del self._join_sets[join_set.id]
        event = response.event
        return expires_at, isinstance(event, e.DelayFinished) and not event.cancelled

    def _add_one_off(self, name: str) -> JoinSet:
        return self._create(one_off_join_set(self._one_offs, name))

    # Others' executions.

    def schedule(self, execution_id: ExecutionId, schedule: ScheduleAt, target: Target) -> e.SubmitError | None:
        """Start a top-level execution without waiting for it.

        Raises:
            ConstraintViolation: If an execution of this id exists.
        """
        now = self._port.now()
        event = e.Scheduled(
            execution_id=execution_id,
            schedule_at=schedule,
            target_ffqn=target.ffqn,
            params_hash=hashlib.sha256(target.params.encode()).hexdigest(),
            error=target.error,
        )
        recorded = self._replay(event)
        if recorded is not None:
            assert isinstance(recorded, e.Scheduled)
            if recorded.error is None:
                self._scheduled_ids.add(execution_id)
            return recorded.error
        if event.error is None:
            self._request_scheduled(execution_id, target, scheduled_at=_instant(schedule, now), now=now)
        self._record(event, now)
        return event.error

    def _request_scheduled(
        self, execution_id: ExecutionId, target: Target, *, scheduled_at: datetime, now: datetime
    ) -> None:
        is_fresh = execution_id in self._generated_ids or not self._port.is_taken(execution_id)
        if execution_id in self._scheduled_ids or not is_fresh:
            raise ConstraintViolation(f"cannot schedule {execution_id}: an execution of this id exists")
        self._scheduled_ids.add(execution_id)
        created = e.Created(
            ffqn=target.ffqn,
            params=target.params,
            scheduled_at=scheduled_at,
            component_id=_deployed(target).component.id,
            deployment_id=self._deployment_id,
            scheduled_by=self.execution_id,
        )
        self.buffer.create(execution_id, created, now, target=target, child=None)

    def stub(self, target: ExecutionId, ffqn: str, retval: Returned, error: e.StubError | None) -> e.StubError | None:
        """Supply a stub execution's result.

        Args:
            target: The stub execution.
            ffqn: The stub function that it should have been created for.
            retval: Its return value.
            error: Why the value cannot be used, if that is known before the journal is asked.
        """
        digest = hashlib.sha256(retval_text(retval).encode()).hexdigest()
        event = e.Stubbed(target_execution_id=target, retval_hash=f"01{digest}", error=error)
        recorded = self._replay(event)
        if recorded is not None:
            assert isinstance(recorded, e.Stubbed)
            return recorded.error
        outcome = error or self._port.complete_stub(target, retval, ffqn)
        self._record(
            e.Stubbed(target_execution_id=target, retval_hash=event.retval_hash, error=outcome), self._port.now()
        )
        return outcome

    # The one path of replay and live.

    def _replay(self, requested: e.HistoryEvent) -> e.HistoryEvent | None:
        recorded = self._history.peek()
        if recorded is None:
            return None
        if not answers(recorded, requested):
            raise self._history.differ(requested)
        self._history.advance()
        return recorded

    def _record(self, event: e.HistoryEvent, at: datetime) -> None:
        self.reach_tip(at)
        self.buffer.append(event, at)

    def reach_tip(self, at: datetime) -> None:
        """Hear that the run goes beyond its history now."""
        event, self._at_tip = self._at_tip, None
        if event is not None:
            self.buffer.append(event, at)

    def _open_join_set(self, join_set_id: JoinSetId) -> JoinSet:
        join_set = self._join_sets.get(join_set_id)
        if join_set is None or join_set.is_closed:
            raise ConstraintViolation(f"join set {join_set_id} is closed")
        return join_set

    def _join(self, join_set: JoinSet, member: MemberId, *, is_private: bool) -> None:
        join_set.open[member] = None
        if is_private:
            if not join_set.private:
                self._private_sets.append(join_set)
            join_set.private.add(member)

    def _arrive(self, response: e.Response) -> None:
        member = member_of(response)
        if member in self._known:
            return
        self._known.add(member)
        join_set = self._join_sets.get(response.join_set_id)
        if join_set is not None:
            join_set.arrived.append(response)
        else:
            # Replay has not come to the join set yet.
            self._early.setdefault(response.join_set_id, []).append(response)

    def _consume(self, join_set: JoinSet) -> e.Response:
        response = join_set.consume()
        self._processed[member_of(response)] = response
        return response


def _try_outcome(join_set: JoinSet) -> e.TryOutcome:
    if join_set.arrived:
        return e.TryOutcome.FOUND
    return e.TryOutcome.PENDING if join_set.open else e.TryOutcome.ALL_PROCESSED


def _deployed(target: Target) -> DeployedFunction:
    if target.function is None:
        raise ConstraintViolation(f"function {target.ffqn} is not deployed")
    return target.function


def _instant(schedule: ScheduleAt, now: datetime) -> datetime:
    try:
        return scheduled_instant(schedule, now)
    except OverflowError as error:
        raise ConstraintViolation(f"the schedule {schedule} is out of range") from error
