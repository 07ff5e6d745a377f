from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator

import pytest
from django_q import cluster

from executions.cluster import SurvivingQueue, use_surviving_queues
from tests.harness.eventually import PATIENCE_S, eventually

_processes = multiprocessing.get_context("fork")


@pytest.fixture
def queue() -> Iterator[SurvivingQueue]:
    queue = SurvivingQueue()
    yield queue
    queue.close()
    queue.join_thread()


def take(queue: SurvivingQueue) -> None:
    sys.exit(queue.get() != "task")


def is_read(queue: SurvivingQueue) -> bool:
    """Whether another process waits at the queue, holding its lock."""
    lock = queue._rlock._file
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.lockf(lock, fcntl.LOCK_UN)
    return False


def test_what_one_process_puts_another_one_gets(queue: SurvivingQueue) -> None:
    reader = _processes.Process(target=take, args=(queue,))
    reader.start()
    queue.put("task")
    reader.join(PATIENCE_S)

    assert reader.exitcode == 0
    assert queue.empty()


def test_each_task_goes_to_one_reader(queue: SurvivingQueue) -> None:
    readers = [_processes.Process(target=take, args=(queue,)) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in readers:
        queue.put("task")
    for reader in readers:
        reader.join(PATIENCE_S)

    assert [reader.exitcode for reader in readers] == [0, 0, 0]


def test_a_reader_that_is_killed_while_it_waits_does_not_keep_others_from_reading(queue: SurvivingQueue) -> None:
    victim = _processes.Process(target=take, args=(queue,))
    victim.start()
    eventually(lambda: is_read(queue))
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    victim.join(PATIENCE_S)

    reader = _processes.Process(target=take, args=(queue,))
    reader.start()
    queue.put("task")
    reader.join(PATIENCE_S)

    assert reader.exitcode == 0


def test_clusters_make_such_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "Queue", cluster.Queue)

    use_surviving_queues()

    # By this name the cluster looks it up when it starts.
    assert cluster.Queue is SurvivingQueue
    assert "Queue" in cluster.Sentinel.__init__.__code__.co_names
