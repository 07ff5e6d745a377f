"""Metrics of one executor's process, read from its counters when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from engine.executor.executor import Executor
from engine.executor.metrics import Histogram
from executions.metrics.families import add_histogram, function_label
from executions.program_version import program_version


class ExecutorCollector(Collector):
    """Tells what an executor counted since it started.

    Args:
        executor: The executor.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def collect(self) -> Iterator[Metric]:
        """Return the metrics of this moment."""
        executor, counted = self._executor, self._executor.metrics
        yield InfoMetricFamily(
            "obelisk_executor",
            "Which executor this is.",
            value={
                "executor_id": executor.executor_id,
                "deployment_id": executor.registry.deployment.id,
                "version": program_version(),
            },
        )
        yield GaugeMetricFamily("obelisk_executor_slots", "Executions it can run at a time.", value=executor.slots)
        yield GaugeMetricFamily("obelisk_executor_slots_used", "Executions it runs now.", value=executor.running_count)
        yield GaugeMetricFamily(
            "obelisk_executor_runs_waiting",
            "Runs of workflows that wait in memory now, each in a slot.",
            value=counted.waiting_runs,
        )
        yield self._steps()
        yield _histogram("obelisk_commit_duration_seconds", "Length of transactions of the journal.", counted.commits)
        yield _histogram("obelisk_commit_writes", "Writes in one transaction of the journal.", counted.commit_writes)
        refused = CounterMetricFamily(
            "obelisk_writes_refused",
            "Writes that the journal refused, by why; LockLost: a run lost its lock.",
            labels=["error"],
        )
        for error, count in list(counted.refusals.items()):
            refused.add_metric([error], count)
        yield refused
        yield CounterMetricFamily(
            "obelisk_locks_renewed", "Locks that runs of workflows extended.", value=counted.renewals
        )
        yield _histogram(
            "obelisk_replay_duration_seconds",
            "Length of replays, from lock to end of history.",
            counted.replays,
        )
        yield CounterMetricFamily("obelisk_replayed_events", "Events that replays read.", value=counted.replayed_events)
        yield self._wake_ups()
        yield CounterMetricFamily(
            "obelisk_host_calls", "Calls of workflows to the host, those of replays included.", value=counted.host_calls
        )

    def _steps(self) -> Metric:
        # Several functions that are not deployed any more become one.
        added: dict[str, Histogram] = {}
        for ffqn, histogram in list(self._executor.metrics.steps.items()):
            label = function_label(self._executor.registry, ffqn)
            into = added.setdefault(label, Histogram(histogram.bounds))
            into.counts = [one + other for one, other in zip(into.counts, histogram.counts, strict=True)]
            into.total += histogram.total
        family = HistogramMetricFamily(
            "obelisk_step_duration_seconds", "Length of attempts at activities, by function.", labels=["function"]
        )
        for label, histogram in added.items():
            add_histogram(family, [label], histogram.bounds, histogram.counts, histogram.total)
        return family

    def _wake_ups(self) -> Metric:
        family = HistogramMetricFamily(
            "obelisk_wake_up_duration_seconds",
            "From a response to the going on of the workflow that waits for it, in memory or by replay.",
            labels=["run"],
        )
        counted = self._executor.metrics
        for run, histogram in (("in_memory", counted.hot_wake_ups), ("replayed", counted.cold_wake_ups)):
            add_histogram(family, [run], histogram.bounds, histogram.counts, histogram.total)
        return family


def _histogram(name: str, documentation: str, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(name, documentation)
    add_histogram(family, [], histogram.bounds, histogram.counts, histogram.total)
    return family
