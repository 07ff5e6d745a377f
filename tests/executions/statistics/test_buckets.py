from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from executions.statistics.buckets import BOUNDS_US, bucket_of, percentile

SECOND_US = 1_000_000


@pytest.mark.django_db
def test_a_length_is_in_the_first_bucket_whose_bound_it_does_not_exceed() -> None:
    lengths = [0, 1, *(bound + step for bound in BOUNDS_US for step in (0, 1))]

    with connection.cursor() as cursor:
        found = []
        for length in lengths:
            cursor.execute(f"SELECT {bucket_of('length')} FROM (SELECT {length} AS length) AS given")
            found.append(cursor.fetchone()[0])

    assert found == [sum(bound < length for bound in BOUNDS_US) for length in lengths]


def test_bounds_grow_by_half_or_two_thirds() -> None:
    assert (BOUNDS_US[0], BOUNDS_US[-1]) == (1000, 70_000 * SECOND_US)
    assert all(1.3 < above / below < 1.7 for below, above in pairwise(BOUNDS_US))


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({3: 0}, 0.5) is None


def test_lengths_are_spread_evenly_within_their_bucket() -> None:
    assert percentile({0: 100}, 0.5) == timedelta(microseconds=500)
    assert percentile({0: 90, 1: 10}, 0.95) == timedelta(microseconds=1250)


def test_what_is_longer_than_all_bounds_counts_as_the_last_of_them() -> None:
    assert percentile({len(BOUNDS_US): 5}, 0.95) == timedelta(hours=70_000 / 3600)


@given(st.lists(st.integers(1000, 70_000 * SECOND_US), min_size=1), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_in_the_bucket_of_the_length_that_it_stands_for(lengths: list[int], fraction: float) -> None:
    buckets = [sum(bound < length for bound in BOUNDS_US) for length in lengths]
    exact = sorted(buckets)[math.ceil(fraction * len(buckets)) - 1]

    told = percentile({bucket: buckets.count(bucket) for bucket in buckets}, fraction)

    assert told is not None
    told_us = told / timedelta(microseconds=1)
    assert told_us <= BOUNDS_US[exact]
    assert exact == 0 or told_us >= BOUNDS_US[exact - 1]
