from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import Empty

import pytest

from engine.executor import flusher, group_commit, wakeups
from engine.simulation.seeded.tasks import Group, Scheduler
from engine.simulation.seeded.threads import (
    Condition,
    Event,
    Lock,
    Log,
    Semaphore,
    SimpleQueue,
    Thread,
    ThreadPoolExecutor,
    substituted,
)


class Stage:
    """A scheduler, and what its tasks say."""

    def __init__(self, seed: int = 0) -> None:
        self.chance = random.Random(seed)
        self.scheduler = Scheduler(random.Random(seed), most_steps=1000)
        self.said: list[object] = []

    def lock(self) -> Lock:
        return Lock(self.scheduler, self.chance)

    def play(self, *bodies: Callable[[], None], group: Group | None = None) -> list[object]:
        for body in bodies:
            self.scheduler.start(body, name="body", group=group)
        self.scheduler.run(until=lambda: False, until_s=100.0)
        assert not self.scheduler.crashes
        return self.said


@pytest.mark.parametrize("seed", range(10))
def test_a_lock_has_one_holder_at_a_time(seed: int) -> None:
    stage = Stage(seed)
    lock, inside = stage.lock(), []

    def work() -> None:
        for _ in range(3):
            with lock:
                inside.append(1)
                stage.scheduler.pause()
                stage.said.append(len(inside))
                inside.pop()

    assert stage.play(work, work, work) == [1] * 9


def test_whoever_waits_for_a_lock_gives_up_in_time() -> None:
    stage = Stage()
    lock = stage.lock()

    def hold() -> None:
        with lock:
            stage.scheduler.sleep(5.0)

    def try_it() -> None:
        stage.scheduler.sleep(1.0)
        stage.said += [lock.acquire(timeout=2.0), stage.scheduler.now_s, lock.acquire(blocking=False)]

    assert stage.play(hold, try_it) == [False, 3.0, False]


def test_a_lock_of_a_killed_process_is_free_for_others() -> None:
    stage, group = Stage(), Group("process")
    lock = stage.lock()

    def hold() -> None:
        with lock:
            stage.scheduler.sleep(50.0)

    def kill() -> None:
        stage.scheduler.sleep(1.0)
        stage.scheduler.kill(group)
        with lock:
            stage.said.append(stage.scheduler.now_s)

    stage.scheduler.start(hold, name="hold", group=group)
    assert stage.play(kill) == [1.0]


def test_events_conditions_semaphores_and_queues_wake_whoever_waits() -> None:
    stage = Stage()
    scheduler = stage.scheduler
    event, condition = Event(scheduler), Condition(scheduler, stage.chance)
    semaphore, queue = Semaphore(scheduler, 0), SimpleQueue(scheduler)

    def wait() -> None:
        stage.said.append(event.wait())
        with condition:
            stage.said.append(condition.wait_for(lambda: scheduler.now_s >= 2.0, 10.0))
        stage.said.append(semaphore.acquire())
        stage.said.append(queue.get())

    def wake() -> None:
        for act in (event.set, condition.notify_all, semaphore.release, partial(queue.put, "item")):
            scheduler.sleep(1.0)
            act()

    assert stage.play(wait, wake) == [True, True, True, "item"]
    assert scheduler.now_s == 4.0


def test_waiting_in_vain_ends_in_time() -> None:
    stage = Stage()
    scheduler = stage.scheduler

    def wait() -> None:
        stage.said.append(Event(scheduler).wait(1.0))
        stage.said.append(Condition(scheduler, stage.chance).wait_for(lambda: False, 1.0))
        with pytest.raises(Empty):
            SimpleQueue(scheduler).get(timeout=1.0)
        stage.said.append(scheduler.now_s)

    assert stage.play(wait) == [False, False, 3.0]


def test_a_pool_has_so_many_threads_and_waits_for_all() -> None:
    stage = Stage()
    scheduler = stage.scheduler

    def work() -> None:
        pool = ThreadPoolExecutor(scheduler, 2)
        for _ in range(4):
            pool.submit(scheduler.sleep, 1.0)
        pool.shutdown()
        stage.said.append(scheduler.now_s)

    assert stage.play(work) == [2.0]


def test_a_thread_is_alive_until_it_ends() -> None:
    stage = Stage()

    def work() -> None:
        thread = Thread(stage.scheduler, target=stage.scheduler.sleep, args=(1.0,))
        stage.said.append(thread.is_alive())
        thread.start()
        stage.said.append(thread.is_alive())
        thread.join()
        stage.said.append(thread.is_alive())

    assert stage.play(work) == [False, True, False]


def test_the_executors_modules_get_the_stand_ins_for_as_long_as_it_lasts() -> None:
    stage = Stage()

    with substituted(stage.scheduler, stage.chance, Log(lambda level, event, data: None)):
        assert isinstance(vars(wakeups)["threading"].Lock(), Lock)
        assert isinstance(vars(group_commit)["SimpleQueue"](), SimpleQueue)
        assert vars(flusher)["time"].monotonic() == 0.0

    assert vars(wakeups)["threading"] is threading
    assert vars(flusher)["time"] is time
