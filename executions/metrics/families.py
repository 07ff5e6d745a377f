"""What collectors of metrics have in common: labels of functions, and histograms in Prometheus' form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prometheus_client.core import HistogramMetricFamily

from engine.deployment.registry import Registry

OTHER: Final = "other"
"""Stands for all functions that are not deployed now, so that names of old deployments do not pile up."""


def function_label(registry: Registry, ffqn: str) -> str:
    """Return the label of a function: its full name if it is deployed now, else `OTHER`."""
    return ffqn if registry.find(ffqn) is not None else OTHER


def add_histogram(
    family: HistogramMetricFamily, labels: Sequence[str], bounds: Sequence[float], counts: Sequence[int], total: float
) -> None:
    """Add a histogram to a family.

    Args:
        family: The family.
        labels: Values of its labels.
        bounds: Upper bounds of the buckets, inclusive, ascending.
        counts: How many values were in each, one more than there are bounds: the last holds what is larger.
        total: Sum of all values.
    """
    buckets, seen = [], 0
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        seen += count
        buckets.append((bound, seen))
    family.add_metric(labels, buckets, total)
