"""Signs of life of executors: who is there, for people and health checks."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from executions.models import Execution, ExecutorHeartbeat
from executions.process_load import Load
from executions.program_version import program_version

HEARTBEAT_EVERY = timedelta(seconds=4)
"""How often an executor gives a sign of life."""

CONSIDERED_DEAD_AFTER = timedelta(seconds=18)
"""How long after its last sign of life an executor counts as alive."""

FORGOTTEN_AFTER = timedelta(days=1)
"""How long a silent executor stays in the list, for people who wonder where it went."""


def alive_executors(now: datetime) -> int:
    """Return how many executors gave a sign of life lately."""
    return ExecutorHeartbeat.objects.seen_since(now - CONSIDERED_DEAD_AFTER).count()


def able_executors(now: datetime) -> int:
    """Return how many of these can work, as far as they say."""
    return ExecutorHeartbeat.objects.seen_since(now - CONSIDERED_DEAD_AFTER).filter(note="").count()


def beat(
    executor_id: str,
    *,
    now: datetime,
    started_at: datetime,
    deployment_id: str | None,
    slots: int,
    running: int,
    load: Load | None = None,
    note: str = "",
) -> None:
    """Store a sign of life.

    Args:
        executor_id: Whose it is.
        now: The present instant.
        started_at: When the executor started.
        deployment_id: The deployment it runs, if any.
        slots: Executions it can run at a time.
        running: Executions it runs now.
        load: What its process takes of the machine, if that is known.
        note: Why it cannot work; empty if it can.
    """
    values = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started_at": started_at,
        "seen_at": now,
        "deployment_id": deployment_id,
        "slots": slots,
        "running": running,
        "version": program_version(),
        "cpu_percent": None if load is None else load.cpu_percent,
        "rss_bytes": None if load is None else load.rss_bytes,
        "threads": None if load is None else load.threads,
        "note": note,
    }
    # Nobody else writes this row, so one statement does where Django's own way takes four.
    if not ExecutorHeartbeat.objects.filter(executor_id=executor_id).update(**values):
        ExecutorHeartbeat.objects.create(executor_id=executor_id, **values)


def say_goodbye(executor_id: str) -> None:
    """Take an executor that stopped on purpose off the list."""
    ExecutorHeartbeat.objects.filter(executor_id=executor_id).delete()


def forget(executor_id: str, now: datetime) -> ExecutorHeartbeat | None:
    """Drop an executor that is silent and holds nothing; one that lives is back with its next sign of life.

    Args:
        executor_id: Which one.
        now: The present instant.

    Returns:
        What was known of it; ``None`` if it is not known, not silent, or holds something that others will take over.
    """
    silent = ExecutorHeartbeat.objects.filter(pk=executor_id, seen_at__lt=now - CONSIDERED_DEAD_AFTER)
    known = silent.first()
    if known is None or Execution.objects.locked().filter(executor_id=executor_id).exists():
        return None
    return known if silent.delete()[0] else None


def forget_silent(now: datetime) -> int:
    """Drop executors that were silent for long; return how many."""
    deleted, _ = ExecutorHeartbeat.objects.filter(seen_at__lt=now - FORGOTTEN_AFTER).delete()
    return deleted
