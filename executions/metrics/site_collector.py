"""Metrics of the whole site, from its database: executions by state and function, how long they took, what waits.

Every web process tells the same, up to a second. No query grows with the number of finished executions.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Sum
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from engine.deployment.registry import Registry
from engine.errors import DeploymentError
from engine.log.state import Lifecycle, Status
from executions.deployed import NOTHING, deployed_registry
from executions.liveness import CONSIDERED_DEAD_AFTER
from executions.metrics.ended import EndedCounter
from executions.metrics.families import add_histogram, function_label
from executions.models import Delay, ExecutorHeartbeat
from executions.operations.listing import STUCK_AFTER
from executions.program_version import program_version
from executions.statistics.buckets import BOUNDS_US
from executions.statistics.database_size import database_size
from executions.statistics.reading import Tallies, together
from executions.statistics.standing import COUNTED, Standing, longest_due, standings, stuck_by_cause
from executions.statistics.tallies import ENDS, Outcome, Tally

_KEPT_S: Final = 1.0
"""How long an answer is given again: however many ask, the database is asked once a second."""

_BOUNDS: Final = tuple(bound for bound in BOUNDS_US if str(bound).strip("0") in {"1", "3"})
"""Every third bound of the roll-ups, for series are many: from 1 ms on, two in a power of ten."""


class SiteCollector(Collector):
    """Tells what the database holds."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._ended = EndedCounter()
        self._kept: tuple[Metric, ...] = ()
        self._kept_until = 0.0

    def collect(self) -> Iterable[Metric]:
        """Return the metrics, at most a second old.

        Raises:
            DatabaseError: If the database does not answer.
        """
        with self._mutex:
            if time.monotonic() >= self._kept_until:
                self._kept = tuple(self._look(timezone.now()))
                self._kept_until = time.monotonic() + _KEPT_S
            return self._kept

    def _look(self, now: datetime) -> Iterator[Metric]:
        registry = _registry()
        yield InfoMetricFamily("obelisk", "Version of the web process.", value={"version": program_version()})
        yield from _standing(registry, now)
        yield from _waiting(now)
        yield from _endings(registry, self._ended.read(now))
        yield from _executors(now)
        yield GaugeMetricFamily(
            "obelisk_database_size_bytes", "Size of the database, with what is free within it.", value=database_size()
        )


def _registry() -> Registry:
    try:
        return deployed_registry()
    except DeploymentError:
        # Probes of readiness and the doctor say so; numbers are wanted all the more then.
        return NOTHING


def _standing(registry: Registry, now: datetime) -> Iterator[Metric]:
    found = standings(now)
    counts: Counter[tuple[str, str]] = Counter()
    for row in found.rows:
        counts[function_label(registry, row.ffqn), _state_label(row)] += row.count
    family = GaugeMetricFamily(
        "obelisk_executions",
        f"Executions that have not ended, by function and state; of more than {COUNTED} the newest.",
        labels=["function", "state"],
    )
    for labels, count in counts.items():
        family.add_metric(labels, count)
    yield family
    yield GaugeMetricFamily(
        "obelisk_executions_capped",
        f"Whether there are more than {COUNTED} executions that have not ended, so that not all are counted.",
        value=found.is_capped,
    )


def _state_label(row: Standing) -> str:
    if row.lifecycle is not Lifecycle.ACTIVE:
        return row.lifecycle.value
    match row.status:
        case Status.PENDING_AT if row.is_task:
            return "task"
        case Status.PENDING_AT if row.has_failed:
            return "retrying"
        case Status.PENDING_AT:
            return "pending" if row.is_due else "scheduled"
        case Status.LOCKED:
            return "lock_expired" if row.is_due else "locked"
        case _:
            return "blocked"


def _waiting(now: datetime) -> Iterator[Metric]:
    due = longest_due(now)
    yield GaugeMetricFamily(
        "obelisk_oldest_pending_seconds",
        "How long the execution is due that is due for longest and an executor could run; 0 if none is.",
        value=0 if due is None else (now - due.due_at).total_seconds(),
    )
    stuck = GaugeMetricFamily(
        "obelisk_stuck_executions",
        f"Executions that do not move, though they should, for {STUCK_AFTER.total_seconds():.0f} s and more.",
        labels=["cause"],
    )
    for cause, count in stuck_by_cause(now - STUCK_AFTER, now=now).items():
        stuck.add_metric([cause.value], count)
    yield stuck
    yield GaugeMetricFamily(
        "obelisk_delays_overdue",
        f"Delays that should have fired {CONSIDERED_DEAD_AFTER.total_seconds():.0f} s ago and earlier.",
        value=Delay.objects.due(now - CONSIDERED_DEAD_AFTER)[:COUNTED].count(),
    )


def _endings(registry: Registry, ended: Mapping[str, Tallies]) -> Iterator[Metric]:
    labelled: dict[str, list[Tallies]] = {}
    for ffqn, tallies in ended.items():
        labelled.setdefault(function_label(registry, ffqn), []).append(tallies)
    counted = CounterMetricFamily(
        "obelisk_executions_ended",
        "Executions that ended since this process started, by function and how.",
        labels=["function", "outcome"],
    )
    retried = CounterMetricFamily(
        "obelisk_attempts_failed", "Attempts that failed and are made again, likewise.", labels=["function"]
    )
    runs = HistogramMetricFamily(
        "obelisk_execution_duration_seconds",
        "From the first start of executions to their end, by function; of those that ended since this process started.",
        labels=["function"],
    )
    starts = HistogramMetricFamily(
        "obelisk_execution_start_delay_seconds",
        "From when executions were due to their first start, likewise.",
        labels=["function"],
    )
    for label, several in labelled.items():
        for outcome in ENDS:
            counted.add_metric([label, outcome.value], _all_together(several, [outcome]).count)
        retried.add_metric([label], _all_together(several, [Outcome.RETRIED]).count)
        ends = _all_together(several, ENDS)
        _add(runs, label, ends.runs, ends.run_us)
        _add(starts, label, ends.starts, ends.start_us)
    yield from (counted, retried, runs, starts)


def _all_together(several: Sequence[Tallies], outcomes: Sequence[Outcome]) -> Tally:
    total = Tally()
    for tallies in several:
        total.add(together(tallies, outcomes))
    return total


def _add(family: HistogramMetricFamily, label: str, histogram: Mapping[int, int], total_us: int) -> None:
    counts = [0] * (len(_BOUNDS) + 1)
    for bucket, count in histogram.items():
        bound = BOUNDS_US[bucket] if bucket < len(BOUNDS_US) else None
        place = len(_BOUNDS) if bound is None else sum(coarse < bound for coarse in _BOUNDS)
        counts[place] += count
    second = timedelta(seconds=1) / timedelta(microseconds=1)
    add_histogram(family, [label], [bound / second for bound in _BOUNDS], counts, total_us / second)


def _executors(now: datetime) -> Iterator[Metric]:
    alive = ExecutorHeartbeat.objects.seen_since(now - CONSIDERED_DEAD_AFTER)
    versions = Counter(alive.values_list("version", flat=True))
    family = GaugeMetricFamily("obelisk_executors", "Executors that are alive, by version.", labels=["version"])
    for version, count in versions.items():
        family.add_metric([version], count)
    if not versions:
        # An alert on none must have something to compare.
        family.add_metric([program_version()], 0)
    yield family
    sums = alive.aggregate(slots=Sum("slots"), running=Sum("running"))
    yield GaugeMetricFamily("obelisk_slots", "Executions that living executors can run.", value=sums["slots"] or 0)
    yield GaugeMetricFamily("obelisk_slots_used", "Executions that they run now.", value=sums["running"] or 0)
