from __future__ import annotations

import random
from itertools import count

import pytest

from engine.simulation.connection import ProcessKilled
from engine.simulation.seeded.tasks import Group, Livelock, Scheduler


def make_scheduler(seed: int = 0, *, most_steps: int = 1000) -> Scheduler:
    return Scheduler(random.Random(seed), most_steps=most_steps)


def run_to_rest(scheduler: Scheduler, *, until_s: float = 100.0) -> None:
    scheduler.run(until=lambda: False, until_s=until_s)


def order_of(seed: int) -> list[int]:
    """Which of five tasks go first, when each lets the others go first twice."""
    scheduler, order = make_scheduler(seed), []

    def work(number: int) -> None:
        for _ in range(2):
            scheduler.pause()
            order.append(number)

    for number in range(5):
        scheduler.start(lambda number=number: work(number), name="work")  # type: ignore[misc]  # bound in time
    run_to_rest(scheduler)
    return order


def test_a_seed_decides_the_order() -> None:
    assert order_of(1) == order_of(1)
    assert len({tuple(order_of(seed)) for seed in range(20)}) > 10


def test_time_passes_only_when_nobody_can_go_on() -> None:
    scheduler, seen = make_scheduler(), []

    def work(seconds: float) -> None:
        scheduler.sleep(seconds)
        seen.append((seconds, scheduler.now_s))

    for seconds in (5.0, 1.0, 3.0):
        scheduler.start(lambda seconds=seconds: work(seconds), name="work")  # type: ignore[misc]  # bound in time
    run_to_rest(scheduler, until_s=4.0)

    assert seen == [(1.0, 1.0), (3.0, 3.0)]


def test_whoever_is_woken_hears_of_it_and_whoever_is_not_sees_the_time() -> None:
    scheduler, woken = make_scheduler(), []
    sleeper = scheduler.start(lambda: woken.append(scheduler.block(2.0)), name="sleeper")
    scheduler.start(lambda: woken.append(scheduler.block(3.0)), name="other")

    def wake() -> None:
        scheduler.sleep(1.0)
        scheduler.wake(sleeper)

    scheduler.start(wake, name="waker")
    run_to_rest(scheduler)

    assert woken == [True, False]


def test_what_belongs_to_a_killed_process_unwinds_and_is_replaced_when_all_of_it_did() -> None:
    scheduler, steps = make_scheduler(), []
    group = Group("process", lambda: steps.append("dead"))

    def work() -> None:
        try:
            scheduler.sleep(10.0)
        except ProcessKilled:
            steps.append("unwound")
            raise

    def kill() -> None:
        scheduler.sleep(1.0)
        scheduler.kill(group)

    for _ in range(2):
        scheduler.start(work, name="work", group=group)
    scheduler.start(kill, name="kill")
    run_to_rest(scheduler)

    assert steps == ["unwound", "unwound", "dead"]
    assert not scheduler.crashes
    assert scheduler.waiting(group) == []


def test_a_frozen_process_goes_on_later_as_if_nothing_had_been() -> None:
    scheduler, instants = make_scheduler(), []
    group = Group("process")

    def work() -> None:
        scheduler.sleep(2.0)
        instants.append(scheduler.now_s)

    def freeze() -> None:
        scheduler.sleep(1.0)
        group.frozen_until_s = 5.0

    scheduler.start(work, name="work", group=group)
    scheduler.start(freeze, name="freeze")
    run_to_rest(scheduler)

    assert instants == [5.0]


def test_what_a_task_dies_of_is_told() -> None:
    scheduler = make_scheduler()

    def break_down() -> None:
        int("broken")

    scheduler.start(break_down, name="broken")

    run_to_rest(scheduler)

    ((task, error),) = scheduler.crashes
    assert (task.name, type(error)) == ("broken", ValueError)


def test_going_round_in_circles_is_found() -> None:
    scheduler = make_scheduler(most_steps=50)

    def work() -> None:
        for _ in count():
            scheduler.pause()

    scheduler.start(work, name="work")
    with pytest.raises(Livelock, match="51 steps"):
        run_to_rest(scheduler)
    scheduler.close()
