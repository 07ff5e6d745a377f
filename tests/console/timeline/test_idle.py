from __future__ import annotations

from console.timeline.idle import idle_stretches


def test_what_no_work_overlaps_is_idle_the_longest_first() -> None:
    work = [(50, 60), (0, 10), (5, 20), (95, 95)]

    assert idle_stretches(work, begin=0, end=100) == [(60, 95), (20, 50), (95, 100)]


def test_without_work_all_is_idle() -> None:
    assert idle_stretches([], begin=3, end=8) == [(3, 8)]


def test_work_throughout_leaves_nothing() -> None:
    assert idle_stretches([(0, 200)], begin=0, end=100) == []


def test_what_lies_behind_the_end_does_not_count() -> None:
    assert idle_stretches([(0, 10), (150, 160)], begin=0, end=100) == [(10, 100)]
