"""Two executors and some clients on one family of logs: every journal says and stores the same, and it folds.

Each writer knows the log as it stood when it last looked, so many of its writes come too late; that is the point.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.deployment.spec import LockingStrategy
from engine.errors import ExecutionNotFound
from engine.journal.memory import MemoryJournal
from engine.journal.protocol import CommitReport, OpenCommit
from engine.journal.records import Committed, LockedExecution, NewExecution, Write
from engine.log import events as e
from engine.log.ids import ExecutionId, JoinSetId, Version, child_id, delay_id, named_join_set, one_off_join_set
from engine.log.state import ExecutionState, Holder, fold_log
from executions.journal.journal import SqlJournal
from executions.models import Delay, Event, Execution, JoinSetResponse
from tests.builders import (
    NOW,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_component_id,
    make_created,
    make_delay_end,
    make_delay_request,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_lock_request,
    make_lockable,
    make_locked,
    make_retval,
    make_submit,
)
from tests.engine.journal.commits import lock_pending

pytestmark = pytest.mark.usefixtures("either_database")

ROOT = make_execution_id(1)
JOIN_SETS = (named_join_set("a"), named_join_set("b"))
NUMBERS = (1, 2, 3)
LOCK = timedelta(seconds=10)


@dataclass
class Writer:
    """An executor, and what it knows of the root execution."""

    holder: Holder
    log: list[e.LogEntry] = field(default_factory=list)
    responses: list[e.Response] = field(default_factory=list)
    is_asleep: bool = False

    @property
    def version(self) -> int:
        return len(self.log)

    def unread(self, join_set: JoinSetId) -> int:
        """Known responses of a join set that no await has taken."""
        taken = sum(
            1
            for entry in self.log
            if (isinstance(entry.event, e.JoinNext) and entry.event.join_set_id == join_set)
            or (
                isinstance(entry.event, e.JoinNextTry)
                and entry.event.join_set_id == join_set
                and entry.event.outcome is e.TryOutcome.FOUND
            )
        )
        return sum(1 for response in self.responses if response.join_set_id == join_set) - taken

    def has_requested(self, wanted: ExecutionId | str) -> bool:
        return any(
            wanted in (getattr(entry.event, "child_execution_id", None), getattr(entry.event, "delay_id", None))
            for entry in self.log
        )

    def count_one_off(self) -> int:
        return sum(
            1
            for entry in self.log
            if isinstance(entry.event, e.JoinSetCreated) and entry.event.join_set_id.startswith("o:")
        )


class TwoWriters(RuleBasedStateMachine):
    """Drives a journal in memory and one in the database with the same writes."""

    writers = Bundle("writers")

    def __init__(self) -> None:
        super().__init__()
        for model in (Delay, JoinSetResponse, Event, Execution):
            model._default_manager.all()._raw_delete("default")
        self.memory = MemoryJournal()
        self.sql = SqlJournal.dedicated()
        self.now = NOW
        self.held_back: list[Write] = []

    def teardown(self) -> None:
        self.sql.close()

    # --- What writers do ---

    @initialize(target=writers, number=st.just(1))
    def first_writer(self, number: int) -> Writer:
        self.commit(make_submit(ROOT))
        return self.look(Writer(make_holder(number)))

    @initialize(target=writers, number=st.just(2))
    def second_writer(self, number: int) -> Writer:
        return Writer(make_holder(number))

    @rule(writer=writers)
    def fall_asleep(self, writer: Writer) -> None:
        """The writer's next write rests on what it knows now."""
        self.look(writer)
        writer.is_asleep = True

    @rule(writer=writers, strategy=st.sampled_from(LockingStrategy), limit=st.sampled_from([1, 100]))
    def lock_something(self, writer: Writer, strategy: LockingStrategy, limit: int) -> None:
        self.lock(writer, strategy, limit)

    def lock(self, writer: Writer, strategy: LockingStrategy, limit: int) -> None:
        choices = [
            make_lockable(component_id=make_component_id(version=version), strategy=strategy) for version in "ab"
        ]
        request = make_lock_request(*choices, now=self.now, until=self.now + LOCK, holder=writer.holder, limit=limit)

        def plain(found: list[LockedExecution]) -> list[tuple[ExecutionState, e.Created]]:
            return [(locked.state, locked.created) for locked in found]

        assert plain(lock_pending(self.sql, request)) == plain(lock_pending(self.memory, request))
        self.look(writer)

    @rule(writer=writers)
    def extend(self, writer: Writer) -> None:
        self.ready(writer)
        self.write(writer, make_locked(writer.holder, until=self.now + LOCK))

    @rule(writer=writers, seconds=st.sampled_from([0, 3]))
    def unlock(self, writer: Writer, seconds: int) -> None:
        self.ready(writer)
        self.write(writer, e.Unlocked(backoff_expires_at=self.now + timedelta(seconds=seconds), reason=""))

    @rule(writer=writers)
    def fail(self, writer: Writer) -> None:
        self.ready(writer)
        self.write(
            writer, e.TemporarilyFailed(backoff_expires_at=self.now + timedelta(seconds=1), reason="no", detail="é\n")
        )

    @rule(writer=writers)
    def note(self, writer: Writer) -> None:
        self.ready(writer)
        self.write(writer, e.Persist(value=b"\x00\xff", kind=e.RandomU64(0, 2**64 - 1)))

    @rule(writer=writers, join_set=st.sampled_from(JOIN_SETS), number=st.sampled_from(NUMBERS))
    def request_child(self, writer: Writer, join_set: JoinSetId, number: int) -> None:
        self.ready(writer)
        child = make_child(ROOT, number, join_set=join_set, at=self.now)
        self.write(writer, make_child_request(ROOT, number, join_set=join_set), created=[child])

    @rule(
        writer=writers,
        join_set=st.sampled_from(JOIN_SETS),
        number=st.sampled_from(NUMBERS),
        seconds=st.sampled_from([0, 5]),
        paused=st.booleans(),
    )
    def request_delay(self, writer: Writer, join_set: JoinSetId, number: int, seconds: int, *, paused: bool) -> None:
        self.ready(writer)
        expires_at = self.now + timedelta(seconds=seconds)
        self.write(writer, make_delay_request(ROOT, number, join_set=join_set, expires_at=expires_at, paused=paused))

    @rule(writer=writers, join_set=st.sampled_from(JOIN_SETS), closing=st.booleans())
    def await_next(self, writer: Writer, join_set: JoinSetId, *, closing: bool) -> None:
        self.ready(writer)
        if any(writer.unread(waiting) < 0 for waiting in JOIN_SETS):
            return  # the run still waits for the answer to an earlier await
        event = make_join_next(join_set=join_set, run_expires_at=self.now + LOCK, closing=closing)
        self.write(writer, event, awaits=writer.unread(join_set) == 0)

    @rule(writer=writers, join_set=st.sampled_from(JOIN_SETS))
    def look_for_next(self, writer: Writer, join_set: JoinSetId) -> None:
        self.ready(writer)
        outcome = e.TryOutcome.FOUND if writer.unread(join_set) else e.TryOutcome.PENDING
        self.write(writer, e.JoinNextTry(join_set_id=join_set, outcome=outcome))

    @rule(writer=writers, count=st.sampled_from([1, 2, 20]))
    def call_inline(self, writer: Writer, count: int) -> None:
        """Pure activities that ran on the run's own thread, born finished."""
        self.ready(writer)
        events: list[e.ExecutionEvent] = []
        created: list[NewExecution] = []
        responses: list[e.Response] = []
        for number in range(writer.count_one_off() + 1, writer.count_one_off() + count + 1):
            join_set = one_off_join_set(number, "call")
            events += [
                e.JoinSetCreated(join_set_id=join_set),
                make_child_request(ROOT, join_set=join_set),
                make_join_next(join_set=join_set, run_expires_at=self.now + LOCK),
            ]
            ran = (make_locked(writer.holder, until=self.now + LOCK), make_finished(number))
            created.append(make_child(ROOT, 1, *ran, join_set=join_set, at=self.now))
            responses.append(
                e.Response(
                    execution_id=ROOT,
                    at_version=writer.version + len(events) - 1,
                    join_set_id=join_set,
                    created_at=self.now,
                    event=e.ChildFinished(
                        child_execution_id=child_id(ROOT, join_set, 1),
                        finished_version=Version(2),
                        retval=make_retval(number),
                    ),
                )
            )
        self.write(writer, *events, created=created, responses=responses)

    @rule(writer=writers)
    def finish(self, writer: Writer) -> None:
        self.ready(writer)
        if writer.version > 12:
            self.write(writer, make_finished())

    # --- What others do ---

    @rule(writer=writers, kind=st.sampled_from([e.Paused(), e.Unpaused(), e.CancellationRequested()]))
    def wish(self, writer: Writer, kind: e.ExecutionEvent) -> None:
        self.ready(writer)
        self.commit(make_append(ROOT, kind, expected=writer.version, at=self.now))

    @rule(writer=writers, failed=st.booleans())
    def upgrade(self, writer: Writer, *, failed: bool) -> None:
        self.ready(writer)
        event = e.ComponentUpgradeFinished(
            component_digest=make_component_id(version="b").digest,
            deployment_id=make_created().deployment_id,
            failure="differs" if failed else None,
        )
        self.commit(make_append(ROOT, event, expected=writer.version, at=self.now))

    @rule(join_set=st.sampled_from(JOIN_SETS), number=st.sampled_from(NUMBERS))
    def end_child(self, join_set: JoinSetId, number: int) -> None:
        """End a child that may not exist, or have ended."""
        version = len(self.memory.load_log(child_id(ROOT, join_set, number)))
        self.commit(make_child_end(ROOT, number, join_set=join_set, expected=max(1, version), at=self.now))

    @rule(pick=st.integers(0, 5), value=st.integers(0, 99))
    def end_some_child(self, pick: int, value: int) -> None:
        for join_set, number in self.some_running_child(pick):
            self.commit(make_child_end(ROOT, number, join_set=join_set, at=self.now, value=value))

    @rule(writer=writers, pick=st.integers(0, 5), ends_first=st.booleans())
    def end_a_child_while_it_is_awaited(self, writer: Writer, pick: int, *, ends_first: bool) -> None:
        for join_set, number in self.some_running_child(pick):
            end = partial(self.end_child, join_set, number)
            wait = partial(self.await_next, writer, join_set, closing=False)
            if not self.held_back:
                self.gather()
            for act in (end, wait) if ends_first else (wait, end):
                act()
            self.flush()

    @rule(join_set=st.sampled_from(JOIN_SETS), number=st.sampled_from(NUMBERS), cancelled=st.booleans())
    def end_delay(self, join_set: JoinSetId, number: int, *, cancelled: bool) -> None:
        """End a delay that may not exist, or be over."""
        self.commit(make_delay_end(delay_id(ROOT, join_set, number), at=self.now, cancelled=cancelled))

    @rule(limit=st.sampled_from([1, 3]))
    def fire_what_is_due(self, limit: int) -> None:
        for delay in self.memory.due_delays(self.now, limit=limit):
            self.commit(make_delay_end(delay.delay_id, at=self.now))

    @rule(params=st.sampled_from(["[]", "[1]"]))
    def submit_again(self, params: str) -> None:
        self.commit(make_submit(ROOT, make_created(params=params), at=self.now))

    @rule(seconds=st.sampled_from([0.000001, 1, 4, 11]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    @precondition(lambda self: not self.held_back)
    def gather(self) -> None:
        """Hold the next writes back, to commit them together with the one that follows."""
        self.is_gathering = True

    @rule()
    @precondition(lambda self: not self.held_back)
    def prepare(self) -> None:
        """Hold the next writes back, to commit them one after the other, all prepared before the first is finished."""
        self.is_gathering = self.is_ahead = True

    is_gathering = is_ahead = False

    # --- How it is done ---

    def ready(self, writer: Writer) -> None:
        """Unless it sleeps, see to it that the writer knows the log, and holds the lock if it can."""
        if writer.is_asleep:
            writer.is_asleep = False
            return
        self.look(writer)
        if not self.memory.state_of(ROOT).is_held_by(writer.holder, self.now):
            self.lock(writer, LockingStrategy.BY_FFQNS, 100)

    def look(self, writer: Writer) -> Writer:
        writer.log = self.memory.load_log(ROOT)
        writer.responses = self.memory.load_responses(ROOT)
        return writer

    def write(
        self,
        writer: Writer,
        *events: e.ExecutionEvent,
        awaits: bool = False,
        created: list[NewExecution] | None = None,
        responses: list[e.Response] | None = None,
    ) -> None:
        self.commit(
            make_append(
                ROOT,
                *events,
                expected=writer.version,
                at=self.now,
                holder=writer.holder,
                awaits=awaits,
                seen=len(writer.responses),
                created=created or (),
                responses=responses or (),
            )
        )

    def some_running_child(self, pick: int) -> list[tuple[JoinSetId, int]]:
        """One of the children that have not ended, if there is one."""
        running = [
            (join_set, number)
            for join_set in JOIN_SETS
            for number in NUMBERS
            if len(self.memory.load_log(child_id(ROOT, join_set, number))) == 1
        ]
        return [running[pick % len(running)]] if running else []

    def commit(self, write: Write) -> None:
        self.held_back.append(write)
        if not self.is_gathering or len(self.held_back) == 3:
            self.flush()

    def flush(self) -> None:
        writes, self.held_back = self.held_back, []
        batches = [[write] for write in writes] if self.is_ahead else [writes]
        self.is_gathering = self.is_ahead = False
        for batch, in_sql in zip(batches, self.commit_in_sql(batches), strict=True):
            in_memory = self.memory.commit(batch, now=self.now)
            assert [said(outcome) for outcome in in_sql.outcomes] == [said(outcome) for outcome in in_memory.outcomes]
            assert in_sql.hints == in_memory.hints

    def commit_in_sql(self, batches: list[list[Write]]) -> list[CommitReport]:
        """Commit what can be prepared so, and else begin it when its turn has come."""
        reports: list[CommitReport] = []
        prepared: list[OpenCommit] = []
        for batch in batches:
            commit = self.sql.prepare_commit(batch, now=self.now)
            if commit is not None:
                prepared.append(commit)
                continue
            reports += [each.finish() for each in prepared]
            prepared.clear()
            reports.append(self.sql.commit(batch, now=self.now))
        return reports + [each.finish() for each in prepared]

    # --- What always holds ---

    @invariant()
    def both_journals_hold_the_same_and_it_folds(self) -> None:
        for execution_id in self.known_executions():
            try:
                state = self.memory.state_of(execution_id)
            except ExecutionNotFound:
                assert self.sql.load_log(execution_id) == []
                continue
            log, responses = self.sql.load_log(execution_id), self.sql.load_responses(execution_id)
            assert self.sql.state_of(execution_id) == state
            assert log == self.memory.load_log(execution_id)
            assert responses == self.memory.load_responses(execution_id)
            assert fold_log(execution_id, log, responses) == state
            assert [entry.version for entry in log] == list(range(state.next_version))
            assert [response.cursor for response in responses] == list(range(1, state.response_count + 1))

    @invariant()
    def both_journals_answer_alike(self) -> None:
        soon = self.now + timedelta(seconds=3)
        assert self.sql.due_delays(soon, limit=4) == self.memory.due_delays(soon, limit=4)
        assert self.sql.expired_locks(soon, limit=4) == self.memory.expired_locks(soon, limit=4)
        assert self.sql.cancelling(limit=4) == self.memory.cancelling(limit=4)
        for leeway in (timedelta(), timedelta(seconds=1)):
            assert self.sql.outlook(self.now, leeway=leeway) == self.memory.outlook(self.now, leeway=leeway)

    def known_executions(self) -> list[ExecutionId]:
        children = [child_id(ROOT, join_set, number) for join_set in JOIN_SETS for number in NUMBERS]
        inline = [
            entry.event.child_execution_id
            for entry in self.memory.load_log(ROOT)
            if isinstance(entry.event, e.ChildRequested) and entry.event.join_set_id.startswith("o:")
        ]
        return [ROOT, *children, *inline[-2:]]


def said(outcome: object) -> object:
    """What an outcome says, comparable."""
    if isinstance(outcome, Committed):
        return outcome
    return (type(outcome), str(outcome))


@pytest.mark.django_db(transaction=True)
def test_two_writers_leave_the_same_in_every_journal(either_database: str) -> None:
    # Each look is a round trip to a server, and there are twenty after every step.
    examples = 80 if either_database == "sqlite" else 25
    run_state_machine_as_test(
        TwoWriters, settings=hypothesis.settings(max_examples=examples, stateful_step_count=50, deadline=None)
    )
