from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from engine.clock import SimulatedClock
from engine.deployment.registry import Registry
from engine.deployment.spec import BlockingStrategy, WorkflowPolicy
from engine.executor.settings import ExecutorSettings
from engine.journal.memory import MemoryJournal
from engine.log.events import Created, Locked
from engine.log.ids import ExecutionId
from engine.log.return_values import ReturnValue
from engine.simulation.connection import Cut, Moment, ProcessKilled
from engine.simulation.stepped import simulated_settings
from engine.simulation.timeless import normalised
from tests.harness import steps as s
from tests.harness.components import ASK, NESTED, RUN, approve, deploy, probe, stepper, stub_flow
from tests.harness.simulation import SimulatedExecutor, Simulation

# Long enough to end in the restarted executor, short enough to show that nothing runs for ever.
_MOST_TRANSACTIONS = 150
_START_S = int(SimulatedClock().now().timestamp())


@dataclass(frozen=True)
class Case:
    """A workflow to kill the executor of, at every transaction that it leads to."""

    name: str
    ffqn: str
    params: list[Any]
    touches_world: bool = False

    def __str__(self) -> str:
        return self.name


SERIES = Case("series", RUN, s.params_of([s.call("add", 1, n) for n in range(4)]))
PARALLEL = Case(
    "parallel",
    RUN,
    s.params_of(
        # Equal results, as a kill may change the order in which they arrive.
        [s.create(), *[s.submit(0, "add", 1, 1)] * 5, *[s.join_next(0)] * 6]
    ),
)
EVERYTHING = Case(
    "everything",
    RUN,
    s.params_of(
        [
            s.create("a"),
            s.random_u64(0, 1000),
            s.generate_id(),
            s.submit(0, "add", 1, 2),
            s.submit(0, "add", "not a number"),
            s.create("b"),
            s.submit_delay(1, s.NOW),
            s.schedule(s.of_step(2), s.NOW, "add", 3, 4),
            s.join_next(0),
            s.join_next(0),
            s.join_next(1),
            s.join_next_try(1),
            s.sleep(s.at_s(_START_S + 2)),
            s.call("fail-variant", True),
            s.last_direct_call_id(),
            s.typed_schedule(s.after_ms(5), 1, 1),
            s.random_string(3, 9),
            s.call("no-such-function"),
        ]
    ),
)
RETRIES = Case("retries", RUN, s.params_of([s.call("fail-unit"), s.call("panic"), s.call("add", 1, 1)]))
STUBBED = Case("stubbed", ASK, ["may I?"])
NESTING = Case("nesting", NESTED, [3, 42])
CLOSING = Case(
    "closing",
    RUN,
    s.params_of(
        [
            s.create("a"),
            s.create("b"),
            s.submit_delay(0, {"in": {"days": 3}}),
            s.submit(0, "approve", "q", interface="test:stubs/human"),
            s.submit(1, "nested", 1, 5, interface="test:stepper/workflow"),
            s.submit(1, "approve", "q", interface="test:stubs/human"),
            s.close(0),
        ]
    ),
)
FATAL = Case("fatal", RUN, s.params_of([s.create(), s.submit_delay(0, {"in": {"days": 3}}), s.panic()]))
EFFECTS = Case(
    "effects",
    RUN,
    s.params_of(
        [
            s.random_u64(0, 9),
            s.call("add", 1, 2),
            s.create(),
            s.submit(0, "add", 3, 4),
            s.submit(0, "add", 3, 4),
            s.join_next(0),
            s.join_next(0),
            s.call("add", 7, 8),
            s.typed_call(9, 10),
        ]
    ),
    touches_world=True,
)
CASES = (SERIES, PARALLEL, EVERYTHING, RETRIES, STUBBED, NESTING, CLOSING, FATAL, EFFECTS)

SETTINGS = {
    "one commit for all": simulated_settings(),
    "a commit for each call": simulated_settings(commit_window=timedelta()),
    "a commit for three events": simulated_settings(buffer_events=3),
    "one slot": simulated_settings(slots=1),
}


def _deployment(case: Case, strategy: BlockingStrategy = BlockingStrategy.AWAIT) -> Registry:
    policy = WorkflowPolicy(blocking_strategy=strategy)
    return deploy(
        probe(max_retries=2, may_touch_world=case.touches_world), stepper(policy=policy), stub_flow(), approve()
    )


class Attempts:
    """Counts attempts at activities, and checks that each one's intent is durable before it begins."""

    def __init__(self, journal: MemoryJournal, *, touches_world: bool) -> None:
        self.of: Counter[ExecutionId] = Counter()
        self._journal = journal
        self._touches_world = touches_world

    def __call__(self, execution_id: ExecutionId) -> None:
        self.of[execution_id] += 1
        if self._touches_world:
            log = self._journal.load_log(execution_id)
            assert log, "the activity began before it was created"
            assert isinstance(log[0].event, Created)
            assert isinstance(log[-1].event, Locked)
            assert self.of[execution_id] <= _locks(self._journal, execution_id)


def _locks(journal: MemoryJournal, execution_id: ExecutionId) -> int:
    return sum(isinstance(entry.event, Locked) for entry in journal.load_log(execution_id))


@dataclass
class Story:
    """One life of a workflow: with a death or without."""

    world: Simulation
    target: ExecutionId
    attempts: Attempts
    was_killed: bool
    transactions: int

    @property
    def retval(self) -> ReturnValue:
        return self.world.retval_of(self.target)


def _live(case: Case, settings: ExecutorSettings, *, cut: Cut | None = None, seed: int = 0) -> Story:
    journal = MemoryJournal()
    world = Simulation(registry=_deployment(case), journal=journal, seed=seed)
    attempts = Attempts(journal, touches_world=case.touches_world)
    first = world.start_executor(settings=settings, cut=cut, on_attempt=attempts)
    target = world.submit(case.ffqn, case.params)
    was_killed = False
    try:
        world.run_to_the_end(target)
    except ProcessKilled:
        was_killed = True
        seen = {member: world.log_of(member) for member in world.family_of(target)}
        world.start_executor(settings=settings, on_attempt=attempts)
        world.run_to_the_end(target)
        for member, log in seen.items():
            assert world.log_of(member)[: len(log)] == log, "what was visible must stay"
    return Story(world, target, attempts, was_killed, first.connection.transactions)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.value)
def test_a_kill_at_any_commit_changes_nothing_that_can_be_seen(
    case: Case, settings: ExecutorSettings, moment: Moment
) -> None:
    undisturbed = _live(case, settings)
    assert not undisturbed.was_killed

    for number in range(1, _MOST_TRANSACTIONS):
        story = _live(case, settings, cut=Cut(number, moment))

        assert story.retval == undisturbed.retval, number
        assert normalised(story.world.history_of(story.target)) == normalised(
            undisturbed.world.history_of(undisturbed.target)
        ), number
        story.world.check(story.target)
        for child, attempts in story.attempts.of.items():
            if case.touches_world:
                assert 1 <= attempts <= _locks(story.world.memory, child), number
        if not story.was_killed:
            break
    else:
        pytest.fail("the executor never came to the workflow's end")


def test_a_run_that_lost_its_lock_meets_the_end_of_what_it_has_yet_to_do_and_writes_nothing() -> None:
    # What others did meanwhile answers calls that this run has not made: their children are nobody's to run.
    flow = stepper(policy=WorkflowPolicy(lock_extension=False))
    world = Simulation(registry=deploy(probe(may_touch_world=True), flow))
    late, other = world.start_executor(), world.start_executor()
    target = world.submit_steps(s.call("add", 1, 1), s.call("add", 2, 2))

    def overtake(writer: SimulatedExecutor) -> None:
        if writer is late and world.children_of(target):
            world.interleave = lambda writer: None  # type: ignore[method-assign]  # once
            world.advance(timedelta(seconds=3))
            while not world.is_finished(target):
                if not other.tasks.waiting and not other.tick(world.clock.now()):
                    world.advance(timedelta(milliseconds=100))
                while other.tasks.waiting:
                    other.tasks.waiting.popleft()()

    world.interleave = overtake  # type: ignore[method-assign]  # in the middle of a run
    late.tick(world.clock.now())
    late.tasks.waiting.popleft()()

    assert world.result_of(target) == {"ok": ["ok 2", "ok 4"]}
    world.check(target)
