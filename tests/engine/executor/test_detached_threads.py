from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine.executor.detached_threads import DetachedThreads
from tests.harness.eventually import PATIENCE_S, eventually


class Ends:
    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self) -> None:
        self.names.append(threading.current_thread().name)


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.fixture
def threads(ends: Ends) -> Iterator[DetachedThreads]:
    threads = DetachedThreads(ends)
    yield threads
    threads.close()


def run(threads: DetachedThreads) -> int:
    """Run a task to its end and return which thread it had."""
    done = threading.Event()
    idents: list[int] = []

    def task() -> None:
        idents.append(threading.get_ident())
        done.set()

    threads.start(task)
    assert done.wait(PATIENCE_S)
    return idents[0]


def block(threads: DetachedThreads) -> threading.Event:
    """Begin a task that ends when the returned event is set."""
    gate, begun = threading.Event(), threading.Event()

    def task() -> None:
        begun.set()
        gate.wait(PATIENCE_S)

    threads.start(task)
    assert begun.wait(PATIENCE_S)
    return gate


def test_a_thread_serves_one_task_after_another(threads: DetachedThreads) -> None:
    first = run(threads)
    eventually(lambda: threads._idle)

    assert run(threads) == first


def test_a_task_does_not_wait_for_another(threads: DetachedThreads) -> None:
    gate = block(threads)

    run(threads)
    gate.set()


def test_closing_ends_idle_threads_at_once_and_others_after_their_task(threads: DetachedThreads, ends: Ends) -> None:
    gate = block(threads)
    run(threads)
    eventually(lambda: threads._idle)

    threads.close()

    eventually(lambda: len(ends.names) == 1)
    gate.set()
    eventually(lambda: len(ends.names) == 2)


def test_its_threads_do_not_keep_the_process_alive(threads: DetachedThreads) -> None:
    is_daemon: list[bool] = []
    done = threading.Event()

    def look() -> None:
        is_daemon.append(threading.current_thread().daemon)
        done.set()

    threads.start(look)

    assert done.wait(PATIENCE_S)
    assert is_daemon == [True]
