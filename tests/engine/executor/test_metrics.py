"""What an executor counts of itself: nothing is lost between threads, and each number comes from where it says."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.clock import SimulatedClock
from engine.errors import LockLost
from engine.executor.group_commit import GroupCommit
from engine.executor.metrics import ExecutorMetrics, Histogram
from engine.journal.memory import MemoryJournal
from tests.builders import make_append, make_created, make_execution_id, make_holder, make_locked, make_submit
from tests.harness import steps as s
from tests.harness.components import ADD, deploy, probe, stepper
from tests.harness.simulation import Simulation

E1 = make_execution_id(1)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_a_value_is_counted_in_the_first_range_that_reaches_it() -> None:
    histogram = Histogram((1.0, 2.0))

    for value in (0.5, 1.0, 1.5, 99.0):
        histogram.observe(value)
    histogram.observe_length(timedelta(seconds=-1))

    assert (histogram.counts, histogram.total) == ([3, 1, 1], 102.0)


@pytest.mark.usefixtures("hasty_threads")
def test_no_value_is_lost_between_threads() -> None:
    metrics, each = ExecutorMetrics(), 20_000
    start = threading.Barrier(4)

    def count() -> None:
        start.wait()
        for _ in range(each):
            metrics.step("a", 0.001)
            metrics.replayed(0.001, 3)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(metrics.steps["a"].counts) == 4 * each
    assert metrics.replayed_events == 12 * each


def test_a_transaction_is_counted_with_its_writes_and_those_that_were_refused() -> None:
    metrics = ExecutorMetrics()
    commits = GroupCommit(MemoryJournal(), SimulatedClock(), lambda _: None, metrics=metrics)
    commits.commit(make_submit(E1, make_created(), make_locked()))
    stranger = make_holder(2)
    theirs = make_append(E1, make_locked(stranger), expected=2, holder=stranger)

    outcomes = commits.commit_all([theirs, make_submit(make_execution_id(2))])

    assert isinstance(outcomes[0], LockLost)
    assert metrics.refusals == {"LockLost": 1}
    assert (sum(metrics.commits.counts), metrics.commit_writes.total) == (2, 3)


def test_a_workflow_that_is_unloaded_counts_its_replay_its_wake_up_and_the_steps_of_its_children() -> None:
    world = Simulation(registry=deploy(probe(), stepper()), clock=SimulatedClock())
    executor = world.start_executor().executor
    target = world.submit_steps(s.typed_call(1, 2), s.sleep(s.after_ms(10_000)), s.typed_call(3, 4))

    world.run(target)

    metrics = executor.metrics
    assert world.result_of(target)["ok"][::2] == ["ok 3", "ok 7"]
    assert sum(metrics.steps[ADD].counts) == 2
    assert sum(metrics.replays.counts) == 1
    # The first call and the sleep: a join set, a request and an await for each.
    assert metrics.replayed_events == 6
    assert sum(metrics.cold_wake_ups.counts) == 1
    assert metrics.host_calls > 0
    assert metrics.waiting_runs == 0
