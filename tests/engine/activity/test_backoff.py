from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.activity.backoff import MAX_BACKOFF, backoff_delay

INITIAL = timedelta(milliseconds=100)


@pytest.mark.parametrize(("failures", "delay_ms"), [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1600)])
def test_the_delay_doubles_with_every_failure(failures: int, delay_ms: int) -> None:
    assert backoff_delay(failures, initial=INITIAL) == timedelta(milliseconds=delay_ms)


@pytest.mark.parametrize("failures", [21, 64, 65, 66, 10**6])
def test_the_delay_is_capped_however_many_failures_there_were(failures: int) -> None:
    assert backoff_delay(failures, initial=INITIAL) == MAX_BACKOFF
    assert backoff_delay(failures, initial=INITIAL, maximum=timedelta(seconds=7)) == timedelta(seconds=7)


def test_without_a_backoff_the_next_attempt_follows_at_once() -> None:
    assert backoff_delay(40, initial=timedelta()) == timedelta()


@pytest.mark.parametrize("failures", [0, -1])
def test_a_backoff_follows_a_failure(failures: int) -> None:
    with pytest.raises(ValueError, match="follows a failure"):
        backoff_delay(failures, initial=INITIAL)


@given(
    failures=st.integers(1, 200),
    initial=st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=400)),
)
def test_the_delay_never_shrinks_and_never_exceeds_the_cap(failures: int, initial: timedelta) -> None:
    delay, next_delay = (backoff_delay(number, initial=initial) for number in (failures, failures + 1))

    assert delay <= next_delay <= MAX_BACKOFF
