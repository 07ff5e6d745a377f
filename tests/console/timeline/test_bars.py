from __future__ import annotations

from console.timeline.axis import Axis
from console.timeline.bars import MOST_BARS, bars_of, crowd_bars, density_bars
from console.timeline.crowds import Crowd
from console.timeline.phases import Cap, Phase, Span

AXIS = Axis(1000, 11_000, width=1000)  # ten microseconds a pixel


def span(begin: int, end: int, *, phase: Phase = Phase.RUNNING, cap: Cap | None = None) -> Span:
    return Span(phase=phase, begin=1000 + begin, end=1000 + end, cap=cap)


def test_a_bar_has_its_place_and_its_time() -> None:
    (bar,) = bars_of([span(1000, 3000, cap=Cap.OK)], AXIS, origin=1000)

    assert (bar.look, bar.x, bar.width, bar.begin, bar.end, bar.cap) == ("running", 100, 200, 1000, 3000, "ok")


def test_what_lies_outside_the_window_is_left_out() -> None:
    assert bars_of([span(-900, -500), span(20_000, 30_000)], AXIS, origin=1000) == []


def test_an_end_outside_the_window_has_no_mark() -> None:
    (bar,) = bars_of([span(9000, 20_000, cap=Cap.ERROR)], AXIS, origin=1000)

    assert (bar.x + bar.width, bar.cap, bar.end, bar.bad) == (1000, "", 20_000, 1)


def test_bars_too_narrow_to_be_told_apart_become_one_that_says_how_many_and_how_many_were_bad() -> None:
    narrow = [span(1000 + 4 * n, 1002 + 4 * n, cap=Cap.ERROR if n == 1 else None) for n in range(4)]

    (bar,) = bars_of(narrow, AXIS, origin=1000)

    assert (bar.look, bar.count, bar.bad, bar.begin, bar.end) == ("crowd", 4, 1, 1000, 1014)


def test_a_narrow_bar_beside_a_wait_for_an_executor_is_shown_as_itself() -> None:
    (bar,) = bars_of([span(0, 2, phase=Phase.QUEUED), span(2, 9, cap=Cap.OK)], AXIS, origin=1000)

    assert (bar.look, bar.cap) == ("running", "ok")


def test_however_many_there_are_a_row_has_few_bars_and_loses_none() -> None:
    many = [span(10 * n, 10 * n + 9, cap=Cap.ERROR if n % 100 == 0 else None) for n in range(1000)]

    bars = bars_of(many, AXIS, origin=1000)

    assert len(bars) <= MOST_BARS
    assert sum(bar.count or 1 for bar in bars) == 1000
    assert sum(bar.bad for bar in bars) == 10


def test_a_crowd_is_higher_where_there_were_more() -> None:
    crowd = Crowd([span(0, 5000), span(0, 9999), span(0, 9999, cap=Cap.ERROR)])

    bars = crowd_bars(crowd, AXIS, origin=1000, now=10**9)

    assert (bars[0].count, bars[0].height) == (3, 1)
    assert (bars[-1].count, bars[-1].bad) == (2, 1)
    assert len(bars) <= MOST_BARS


def test_nothing_of_a_crowd_is_shown_behind_the_present() -> None:
    crowd = Crowd([Unending()])

    bars = crowd_bars(crowd, AXIS, origin=1000, now=6000)

    assert max(bar.begin for bar in bars) < 5000


class Unending:
    begin = 1000
    end = None
    is_bad = False


def test_a_long_log_is_higher_where_more_was_written() -> None:
    bars = density_bars([(1000, 0), (2000, 100), (6000, 140)], AXIS, origin=1000)

    assert [(bar.x, bar.width, bar.count) for bar in bars] == [(0, 100, 100), (100, 400, 40)]
    assert bars[0].height == 1 > bars[1].height
