"""One run of a workflow: what its host calls mean for its join sets, its history and its buffer.

Source:
    Obelisk reference, sections 3.3, 6.2 to 6.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.errors import ConstraintViolation, NondeterminismDetected
from engine.log import events as e
from engine.log.ids import (
    DelayId,
    DeploymentId,
    ExecutionId,
    JoinSetId,
    Version,
    generated_join_set,
    join_set_name_problem,
    named_join_set,
    one_off_join_set,
)
from engine.log.return_values import Returned
from engine.log.schedules import ScheduleAt
from engine.log.state import ExecutionState
from engine.workflow.history import History
from engine.workflow.join_sets import JoinSet, JoinSets, MemberId
from engine.workflow.lineage import lineage_of
from engine.workflow.made_up_values import MadeUpValues
from engine.workflow.others import OtherExecutions
from engine.workflow.port import RunPort
from engine.workflow.recorder import Recorder
from engine.workflow.submissions import Submissions
from engine.workflow.target import Target
from engine.workflow.write_buffer import WriteBuffer

_MAX_FRUITLESS_TRIES = 100


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
        metadata: What its creation carries along.
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
        metadata: e.Metadata = (),
    ) -> None:
        self.execution_id = state.execution_id
        self.buffer = WriteBuffer(state.next_version)
        self.join_sets = JoinSets()
        self.last_direct_call: ExecutionId | None = None
        self.last_one_off: MemberId | None = None
        self.awaited: JoinSetId | None = None
        self._port = port
        self._recorder = Recorder(History(entries), self.buffer, at_tip)
        self._values = MadeUpValues(state.execution_id, self._recorder, port, lineage_of(metadata))
        self._others = OtherExecutions(
            state.execution_id,
            deployment_id,
            recorder=self._recorder,
            buffer=self.buffer,
            values=self._values,
            port=port,
            metadata=metadata,
        )
        self._submissions = Submissions(
            state.execution_id,
            deployment_id,
            recorder=self._recorder,
            buffer=self.buffer,
            join_sets=self.join_sets,
            port=port,
            metadata=metadata,
        )
        self._names: set[str] = set()
        self._generated = 0
        self._one_offs = 0
        self._fruitless_tries = 0
        self.join_sets.deliver(responses)

    # What the driver asks and tells.

    @property
    def is_replaying(self) -> bool:
        """Whether recorded history remains."""
        return self._recorder.is_replaying

    @property
    def position(self) -> int:
        """How many recorded events were replayed; at the tip, all that this run began with."""
        return self._recorder.position

    @property
    def next_recorded(self) -> Version | None:
        """The place in the log of the next recorded event; ``None`` at the tip."""
        return self._recorder.next_recorded

    @property
    def parting(self) -> NondeterminismDetected | None:
        """How the workflow parted with its history, if it did."""
        return self._recorder.parting

    @property
    def is_upgrading(self) -> bool:
        """Whether this version of the component has yet to show that it can replay a history that it did not write."""
        return self._recorder.is_upgrading

    def deliver_local(self, response: e.Response) -> None:
        """Take in the response of a member that nobody else can see; it is committed with the buffer."""
        self._submissions.deliver(response)

    def next_idle_child(self, join_set: JoinSetId) -> ExecutionId | None:
        """Return the first uncommitted child of a join set that was not run yet."""
        for child, newborn in self.buffer.idle.items():
            if newborn.child is not None and newborn.child.join_set_id == join_set:
                return child
        return None

    def publish(self) -> None:
        """Hear that what was taken from the buffer is being committed: others see it from now on."""
        self.join_sets.publish(but=self.buffer.requested)

    def is_awaiting(self, entries: Sequence[e.LogEntry]) -> bool:
        """Whether these entries, about to be committed, end with the await that the run is stuck at."""
        if self.awaited is None or not entries or self.join_sets.is_answered(self.awaited):
            return False
        last = entries[-1].event
        return isinstance(last, e.JoinNext) and last.join_set_id == self.awaited

    # Values that the host makes up.

    def random_u64(self, low: int, high_inclusive: int) -> int:
        """See `MadeUpValues`."""
        return self._values.random_u64(low, high_inclusive)

    def random_string(self, min_length: int, max_length_exclusive: int) -> str:
        """See `MadeUpValues`."""
        return self._values.random_string(min_length, max_length_exclusive)

    def generate_execution_id(self) -> ExecutionId:
        """See `MadeUpValues`."""
        return self._values.generate_execution_id()

    # Join sets.

    def create_join_set(self) -> JoinSetId:
        """Create a join set with a generated name."""
        self._generated += 1
        return self._create(generated_join_set(self._generated), self._port.now()).id

    def create_named_join_set(self, name: str) -> JoinSetId | NameTaken | NameInvalid:
        """Create a join set of this name, once per execution."""
        if problem := join_set_name_problem(name):
            return NameInvalid(problem)
        if name in self._names:
            return NameTaken()
        self._names.add(name)
        return self._create(named_join_set(name), self._port.now()).id

    def patched(self, name: str) -> bool | NameInvalid:
        """Tell whether a change of the workflow's code applies to this execution; to be asked once for each name.

        It does where the run is at the end of its history or took the new path before: the record is a join set of the
        name ``patched/...``, which stays empty. It does not where the history goes on without one.
        """
        if problem := join_set_name_problem(name):
            return NameInvalid(problem)
        join_set = named_join_set(f"patched/{name}")
        if not self._recorder.would_follow(e.JoinSetCreated(join_set_id=join_set)):
            return False
        self._names.add(f"patched/{name}")
        self._create(join_set, self._port.now())
        return True

    def _create(self, join_set: JoinSetId, now: datetime) -> JoinSet:
        event = e.JoinSetCreated(join_set_id=join_set)
        if self._recorder.replay(event) is None:
            self._recorder.record(event, now)
        return self.join_sets.add(join_set)

    def submit(self, join_set_id: JoinSetId, target: Target) -> ExecutionId | e.SubmitError:
        """Submit a child to a join set; a request that cannot be met is recorded as such."""
        return self._submissions.child(self.join_sets.open(join_set_id), target, self._port.now())

    def submit_delay(self, join_set_id: JoinSetId, schedule: ScheduleAt) -> DelayId:
        """Submit a durable timer to a join set."""
        return self._submissions.delay(self.join_sets.open(join_set_id), schedule, self._port.now())[0]

    def join_next(self, join_set_id: JoinSetId, *, requested_ffqn: str | None = None) -> e.Response | None:
        """Wait for the next response of a join set, in order of arrival.

        Returns:
            The response, or ``None`` when every submission's response was consumed.
        """
        join_set = self.join_sets.open(join_set_id)
        if not join_set.open:
            self._too_many(e.JoinNextTooMany(join_set_id=join_set_id, requested_ffqn=requested_ffqn))
            return None
        return self._await(join_set, self._port.now(), requested_ffqn=requested_ffqn)

    def _too_many(self, event: e.JoinNextTooMany) -> None:
        if self._recorder.replay(event) is None:
            self._recorder.record(event, self._port.now())

    def _await(
        self, join_set: JoinSet, now: datetime, *, requested_ffqn: str | None = None, closing: bool = False
    ) -> e.Response:
        event = e.JoinNext(
            join_set_id=join_set.id,
            run_expires_at=self._port.run_expires_at(),
            requested_ffqn=requested_ffqn,
            closing=closing,
        )
        if self._recorder.replay(event) is None:
            self._recorder.record(event, now)
        if not join_set.arrived:
            if self._recorder.is_replaying:
                raise self._recorder.differ(event)
            self.awaited = join_set.id
            self._port.wait(join_set.id)
            self.awaited = None
        self._fruitless_tries = 0
        return self.join_sets.consume(join_set)

    def join_next_try(self, join_set_id: JoinSetId) -> tuple[e.TryOutcome, e.Response | None]:
        """Look for the next response of a join set without waiting."""
        join_set = self.join_sets.open(join_set_id)
        if not self._recorder.is_replaying:
            self._port.refresh()
        event = e.JoinNextTry(join_set_id=join_set_id, outcome=_try_outcome(join_set))
        recorded = self._recorder.replay(event)
        if recorded is None:
            self._recorder.record(event, self._port.now())
            outcome = event.outcome
        else:
            assert isinstance(recorded, e.JoinNextTry)
            outcome = recorded.outcome
        if outcome is e.TryOutcome.FOUND:
            self._fruitless_tries = 0
            return outcome, self.join_sets.consume(join_set)
        if recorded is None:
            # Those of earlier runs do not count: this one has just begun to poll.
            self._fruitless_tries += 1
            if self._fruitless_tries >= _MAX_FRUITLESS_TRIES:
                self._fruitless_tries = 0
                self._port.yield_run()
        return outcome, None

    def close(self, join_set_id: JoinSetId) -> None:
        """Close a join set: cancel what can be cancelled, wait for every open member."""
        join_set = self.join_sets.open(join_set_id)
        join_set.is_closed = True
        has_cancelled = False
        while join_set.open:
            if not self._recorder.is_replaying and not has_cancelled:
                has_cancelled = True
                members = self.join_sets.open_members(join_set_id)
                if members:
                    self._port.cancel(members[::-1])
            self._await(join_set, self._port.now(), closing=True)
        self.join_sets.drop(join_set)

    def close_all(self) -> None:
        """Close every join set that is still open, newest first."""
        for join_set_id in reversed(self.join_sets.ids):
            self.close(join_set_id)

    def check_history_is_used_up(self) -> None:
        """Check, at the end of the function, that it asked for all of its history.

        Raises:
            NondeterminismDetected: If recorded events are left over.
        """
        self._recorder.check_is_used_up()

    def abandoned_members(self) -> list[MemberId]:
        """Return every member without a response, newest first; for a run that cannot close its join sets."""
        members = [member for join_set in self.join_sets.ids for member in self.join_sets.open_members(join_set)]
        for event in self._recorder.remaining:
            match event:
                case e.ChildRequested(child_execution_id=child, error=None) if self.join_sets.is_unanswered(child):
                    members.append(child)
                case e.DelayRequested(delay_id=delay) if self.join_sets.is_unanswered(delay):
                    members.append(delay)
                case _:
                    pass
        return members[::-1]

    def last_id(self, join_set_id: JoinSetId) -> MemberId | None:
        """Return the member whose response was consumed last from a join set."""
        return self.join_sets.open(join_set_id).last

    def processed(self, member: MemberId) -> e.Response | None:
        """Return a response that was consumed already."""
        return self.join_sets.processed(member)

    def target_of(self, child: ExecutionId) -> str | None:
        """Return the function that a child was requested for, or ``None`` if this run requested no such child."""
        return self._submissions.target_of(child)

    def target_of_response(self, response: e.Response) -> str | None:
        """Return the function whose response this is; ``None`` for a delay's."""
        event = response.event
        return self._submissions.target_of(event.child_execution_id) if isinstance(event, e.ChildFinished) else None

    # Direct calls and sleeps: a join set, one member, one await.

    def call(self, target: Target, name: str) -> e.Response | e.SubmitError:
        """Call a function and wait for its response.

        Args:
            target: The function with its parameters.
            name: Its short name, for the join set's id.
        """
        self._one_offs += 1
        now = self._port.now()
        join_set = self._add_one_off(name, now)
        child = self._submissions.child(join_set, target, now)
        if not isinstance(child, str):
            self.join_sets.drop(join_set)
            return child
        self.last_direct_call = self.last_one_off = child
        response = self._await(join_set, now, requested_ffqn=target.ffqn)
        self.join_sets.drop(join_set)
        return response

    def sleep(self, schedule: ScheduleAt, name: str | None) -> tuple[datetime, bool]:
        """Wait until an instant.

        Returns:
            The instant as first computed, and whether the delay ran out rather than was cancelled.
        """
        if name is not None and (problem := join_set_name_problem(name)):
            raise ConstraintViolation(f"sleep: {problem}")
        self._one_offs += 1
        now = self._port.now()
        join_set = self._add_one_off(name or "sleep", now)
        delay, expires_at = self._submissions.delay(join_set, schedule, now)
        self.last_one_off = delay
        response = self._await(join_set, now)
        self.join_sets.drop(join_set)
        event = response.event
        return expires_at, isinstance(event, e.DelayFinished) and not event.cancelled

    def _add_one_off(self, name: str, now: datetime) -> JoinSet:
        return self._create(one_off_join_set(self._one_offs, name), now)

    # Others' executions.

    def schedule(self, execution_id: ExecutionId, schedule: ScheduleAt, target: Target) -> e.SubmitError | None:
        """See `OtherExecutions`."""
        return self._others.schedule(execution_id, schedule, target)

    def stub(self, target: ExecutionId, ffqn: str, retval: Returned, error: e.StubError | None) -> e.StubError | None:
        """See `OtherExecutions`."""
        return self._others.stub(target, ffqn, retval, error)

    def reach_tip(self, at: datetime) -> None:
        """Hear that the run goes beyond its history now."""
        self._recorder.reach_tip(at)


def _try_outcome(join_set: JoinSet) -> e.TryOutcome:
    if join_set.arrived:
        return e.TryOutcome.FOUND
    return e.TryOutcome.PENDING if join_set.open else e.TryOutcome.ALL_PROCESSED
