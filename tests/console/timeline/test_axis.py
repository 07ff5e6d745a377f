from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.timeline.axis import GAP_WIDTH, Axis, offset_label

SECOND = 1_000_000


def test_time_passes_evenly_where_nothing_is_idle() -> None:
    axis = Axis(0, 100 * SECOND, width=1000)

    assert [axis.x(instant * SECOND) for instant in (0, 25, 100)] == [0, 250, 1000]


def test_what_lies_outside_is_put_on_the_edges() -> None:
    axis = Axis(10, 1010, width=100)

    assert (axis.x(-5), axis.x(9999)) == (0, 100)


def test_a_long_idle_stretch_is_drawn_short() -> None:
    axis = Axis(0, 3600 * SECOND, width=1000, idle=[(10 * SECOND, 3590 * SECOND)])

    (gap,) = (piece for piece in axis.pieces if piece.is_gap)

    assert gap.x1 - gap.x0 == GAP_WIDTH
    assert gap.t0 > 10 * SECOND, "what was done last does not touch it"
    assert axis.x(10 * SECOND) > 20


def test_a_short_idle_stretch_is_drawn_as_it_is() -> None:
    axis = Axis(0, 100 * SECOND, width=1000, idle=[(10 * SECOND, 29 * SECOND)])

    assert not any(piece.is_gap for piece in axis.pieces)


def test_stretches_that_are_long_for_what_is_left_are_drawn_short_too() -> None:
    hour, minute = 3600 * SECOND, 60 * SECOND
    idle = [(minute, minute + 100 * hour), (2 * minute + 100 * hour, 10 * minute + 100 * hour)]

    axis = Axis(0, 100 * hour + 12 * minute, width=1000, idle=idle)

    assert sum(piece.is_gap for piece in axis.pieces) >= 1


@given(
    idle=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(sorted).map(tuple), max_size=6),
    instants=st.lists(st.integers(0, 10**9), min_size=2, max_size=20),
)
def test_later_is_never_further_left(idle: list[tuple[int, int]], instants: list[int]) -> None:
    disjoint: list[tuple[int, int]] = []
    for t0, t1 in sorted(idle):
        if not disjoint or t0 > disjoint[-1][1]:
            disjoint.append((t0, t1))
    axis = Axis(0, 10**9, width=800, idle=sorted(disjoint, key=lambda each: each[0] - each[1]))

    places = [axis.x(instant) for instant in sorted(instants)]

    assert places == sorted(places)
    assert axis.pieces[-1].x1 == 800
    assert 0 <= places[0] <= places[-1] <= 800


def test_ticks_stand_at_round_distances_and_apart() -> None:
    axis = Axis(0, 95 * SECOND, width=1000)

    ticks = axis.ticks(0)

    assert [label for _, label in ticks][:3] == ["0 s", "10 s", "20 s"]
    assert all(right - left >= 40 for (left, _), (right, _) in pairwise(ticks))


@pytest.mark.parametrize(
    ("micros", "step", "label"),
    [
        (0, SECOND, "0 s"),
        (100 * SECOND, 10 * SECOND, "1 min 40 s"),
        (7500 * SECOND, 300 * SECOND, "2 h 5 min"),
        (36 * 3600 * SECOND, 43_200 * SECOND, "1.5 d"),
        (250_000, 50_000, "250 ms"),
        (1500, 500, "1.5 ms"),
        (40_000_100, 100, "40.0001 s"),
        (40, 20, "40 µs"),
    ],
)
def test_a_label_is_as_exact_as_the_step_needs(micros: int, step: int, label: str) -> None:
    assert offset_label(micros, step) == label


def test_edges_cover_the_window() -> None:
    axis = Axis(0, 1000 * SECOND, width=600, idle=[(100 * SECOND, 900 * SECOND)])

    edges = axis.edges(6)

    assert (edges[0], edges[-1]) == (0, 1000 * SECOND)
    assert edges == sorted(edges)
    assert len(edges) < 110
