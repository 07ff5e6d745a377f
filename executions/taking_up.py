"""Waiting until executors run what was switched to."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Final

from django.db import connections, transaction
from django.utils import timezone

from executions.journal.dialect import dialect_of
from executions.liveness import CONSIDERED_DEAD_AFTER
from executions.models import ExecutorHeartbeat

PATIENCE: Final = timedelta(seconds=3)
"""For how long a switch waits for executors; each looks four times a second (`executions.hosting.LOOK_EVERY`)."""
_LOOK_EVERY_S: Final = 0.02


def wait_until_taken_up(deployment_id: str, *, patience: timedelta = PATIENCE) -> bool:
    """Wait until every executor runs a deployment, so that what is submitted next meets its components.

    An executor that died lately is not told from one that is slow: the wait ends after a while.

    Args:
        deployment_id: The deployment that is active now.
        patience: For how long to wait at most.

    Returns:
        Whether they all do; also if there is no executor.
    """
    until = time.monotonic() + patience.total_seconds()
    while _is_run_otherwise(deployment_id):
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def announce_switch(*, using: str, **_signal: Any) -> None:
    """Have executors hear of a decision for a deployment once it is committed; connected to its being saved."""
    transaction.on_commit(lambda: dialect_of(connections[using]).announce(using, None), using=using)


def _is_run_otherwise(deployment_id: str) -> bool:
    alive = ExecutorHeartbeat.objects.seen_since(timezone.now() - CONSIDERED_DEAD_AFTER)
    # One that has said nothing of a deployment yet has just begun, and reads the active one.
    return alive.exclude(deployment_id=None).exclude(deployment_id=deployment_id).exists()
