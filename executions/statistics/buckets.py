"""Histograms of lengths of time: fixed buckets whose bounds grow by a factor, six in a power of ten (pure).

A percentile of such a histogram is off by a fifth at most, however many lengths there were; histograms of several
stretches of time or functions are added up bucket by bucket, which percentiles cannot be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

_STEPS: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
_SMALLEST_US: Final = 1000
_POWERS: Final = 8

BOUNDS_US: Final = tuple(int(_SMALLEST_US * 10**power * step) for power in range(_POWERS) for step in _STEPS)
"""Upper bounds, inclusive, in microseconds: from 1 ms to 70,000 s, which is 19 hours. What is longer is in one bucket
more, the last."""

Histogram = Mapping[int, int]
"""How many lengths by number of the bucket; buckets that are left out are empty."""


def bucket_of(length_us: str) -> str:
    """Return the SQL expression of the number of the bucket of a length.

    Args:
        length_us: SQL expression of the length in microseconds. It stands in the result many times.
    """
    return _search(length_us, 0, len(BOUNDS_US))


def percentile(histogram: Histogram, fraction: float) -> timedelta | None:
    """Return the length that a fraction of all lengths does not exceed, or ``None`` if there are none.

    Within a bucket lengths count as spread evenly; those of the last one as if they had its lower bound.

    Args:
        histogram: The lengths.
        fraction: Above 0, at most 1: 0.95 for the 95th percentile.
    """
    wanted = fraction * sum(histogram.values())
    passed = 0
    for bucket, count in _filled(histogram):
        if passed + count >= wanted:
            lower, upper = _range(bucket)
            return timedelta(microseconds=round(lower + (upper - lower) * (wanted - passed) / count))
        passed += count
    return None


def _filled(histogram: Histogram) -> Iterator[tuple[int, int]]:
    return ((bucket, histogram[bucket]) for bucket in sorted(histogram) if histogram[bucket])


def _range(bucket: int) -> tuple[int, int]:
    lower = BOUNDS_US[bucket - 1] if bucket else 0
    return lower, BOUNDS_US[bucket] if bucket < len(BOUNDS_US) else lower


def _search(length_us: str, first: int, last: int) -> str:
    """Return the search by halves for a bucket from ``first`` to ``last``."""
    if first == last:
        return str(first)
    middle = (first + last) // 2
    below, above = _search(length_us, first, middle), _search(length_us, middle + 1, last)
    return f"CASE WHEN {length_us} <= {BOUNDS_US[middle]} THEN {below} ELSE {above} END"
