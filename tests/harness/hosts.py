"""Executors in the tests' own process, hosted as a worker hosts them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.log.ids import ExecutionId
from engine.log.retval_json import retval_to_api
from executions.following import Follower
from executions.hosting import ExecutorHost
from executions.journal.journal import SqlJournal
from tests.harness.eventually import PATIENCE_S


@contextmanager
def kept_switch_interval() -> Iterator[None]:
    """Put back how often threads take turns: a host changes it for its process, which here is not its own."""
    interval = sys.getswitchinterval()
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


@contextmanager
def running_host() -> Iterator[ExecutorHost]:
    """Have an executor run what is deployed."""
    with kept_switch_interval():
        host = ExecutorHost()
        host.start()
        try:
            yield host
        finally:
            host.stop()


def follow(execution_id: ExecutionId) -> Any:
    """Wait for an execution and return its result as clients see it."""
    journal = SqlJournal.dedicated()
    try:
        with Follower(journal) as follower:
            retval = follower.wait(execution_id, timeout_s=PATIENCE_S)
    finally:
        journal.close()
    assert retval is not None
    return retval_to_api(retval)
