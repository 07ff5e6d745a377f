"""How long runs are expected to take."""

from __future__ import annotations

import pytest

from engine.executor.durations import Durations

WORK = "test:work/api.work"


def test_of_what_never_ran_nothing_is_expected() -> None:
    assert Durations().expected(WORK) is None


def test_after_a_cold_start_later_runs_are_expected_to_be_quick() -> None:
    durations = Durations()
    durations.note(WORK, 0.02)

    assert durations.expected(WORK) == pytest.approx(0.002)


def test_what_was_slow_several_times_is_expected_to_be_slow() -> None:
    durations = Durations()
    for _ in range(5):
        durations.note(WORK, 0.02)

    assert durations.expected(WORK) == pytest.approx(0.02)


def test_of_the_first_ones_the_shortest_tells_and_later_ones_move_the_mean() -> None:
    durations = Durations()
    for seconds in (0.03, 0.02, 0.01, 0.04, 0.05):
        durations.note(WORK, seconds)
    assert durations.expected(WORK) == pytest.approx(0.01)

    durations.note(WORK, 0.02)

    assert durations.expected(WORK) == pytest.approx(0.011)


def test_every_duration_is_counted() -> None:
    counted: list[tuple[str, float]] = []
    Durations(lambda ffqn, seconds: counted.append((ffqn, seconds))).note(WORK, 0.5)

    assert counted == [(WORK, 0.5)]
