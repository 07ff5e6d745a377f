"""What is around the executions: executors, webhooks, the database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from console.webhooks.refused import refused_lately
from executions.liveness import CONSIDERED_DEAD_AFTER
from executions.models import Execution, ExecutorHeartbeat
from executions.statistics.database_size import Growth, database_size, growth
from executions.statistics.standing import COUNTED
from webhooks.models import Delivery, DeliveryState

_MOST_EXECUTORS: Final = 20
_MOST_DELIVERIES: Final = 1000
_LATELY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorRow:
    """One executor.

    Args:
        beat: Its last sign of life.
        is_alive: Whether that was lately.
        held: How many executions it holds locked.
    """

    beat: ExecutorHeartbeat
    is_alive: bool
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Executors:
    """All executors.

    Args:
        rows: Those that are silent before others.
        alive: How many are alive.
        silent: How many are not.
        silent_since: When the last sign of life came from those.
    """

    rows: tuple[ExecutorRow, ...]
    alive: int
    silent: int
    silent_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Signed deliveries of the last hour.

    Args:
        answered: How many a component answered.
        failed: How many it did not, or with an error of the server's.
        running: How many are being answered.
        refused: How many requests were refused, and are no deliveries.
        is_capped: Whether there were more, of which only the last ones were looked at.
    """

    answered: int
    failed: int
    running: int
    refused: int
    is_capped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The database.

    Args:
        size: In bytes.
        growth: How it grows; ``None`` while that is not known.
    """

    size: int
    growth: Growth | None


def executors(now: datetime) -> Executors:
    """Return who executes, and what they hold."""
    alive_since = now - CONSIDERED_DEAD_AFTER
    beats = list(ExecutorHeartbeat.objects.order_by("seen_at"))
    held = Counter(Execution.objects.unexpired_locks(now).values_list("executor_id", flat=True)[: COUNTED + 1])
    silent = [beat for beat in beats if beat.seen_at < alive_since]
    alive = sorted((beat for beat in beats if beat.seen_at >= alive_since), key=lambda beat: (beat.host, beat.pid))
    return Executors(
        rows=tuple(
            ExecutorRow(beat=beat, is_alive=beat.seen_at >= alive_since, held=held[beat.executor_id])
            for beat in (*silent, *alive)[:_MOST_EXECUTORS]
        ),
        alive=len(alive),
        silent=len(silent),
        silent_since=silent[-1].seen_at if silent else None,
    )


def deliveries(now: datetime) -> Deliveries:
    """Return what became of the deliveries of the last hour."""
    rows = Delivery.objects.filter(received_at__gte=now - _LATELY).order_by("-received_at")
    states = Counter(rows.values_list("state", flat=True)[: _MOST_DELIVERIES + 1])
    return Deliveries(
        answered=states[DeliveryState.ANSWERED],
        failed=states[DeliveryState.FAILED],
        running=states[DeliveryState.RUNNING],
        refused=refused_lately(now).total(),
        is_capped=states.total() > _MOST_DELIVERIES,
    )


def storage(now: datetime) -> Storage:
    """Return how large the database is and how it grows."""
    size = database_size()
    return Storage(size=size, growth=growth(size, now))
