"""Executors that are killed where it hurts most, with another one beside them."""

from __future__ import annotations

import pytest

from tests.apps.saboteur.points import RUNNING, Point
from tests.chaos.chaos_site import ChaosSite
from tests.chaos.invariants import check_statistics
from tests.harness.eventually import eventually

#: Starting a site takes its time on a busy machine.
pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("point", RUNNING)
def test_what_a_killed_executor_held_goes_on_and_nothing_is_lost(site: ChaosSite, point: Point) -> None:
    site.submit(4, effects=3)

    site.arm(point)
    death = site.wait_for_death(point)
    site.wait_for_rest()

    site.check()
    recovered = site.recoveries(death)
    assert recovered or point is Point.AFTER_COMMIT, "it held nothing"


def test_statistics_count_each_event_once_when_who_counts_is_killed(site: ChaosSite) -> None:
    site.arm(Point.DURING_STATISTICS)
    site.submit(2)

    site.wait_for_death(Point.DURING_STATISTICS)
    site.wait_for_rest()

    site.check()
    eventually(lambda: check_statistics(site.topology))
