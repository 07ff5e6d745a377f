"""Executors with a commit window of 0, which prepare the next commit while the disk has one, killed between the two."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.apps.saboteur.points import AHEAD, Point
from tests.chaos.chaos_site import ChaosSite
from tests.chaos.conftest import site_on
from tests.harness.databases import DATABASES

#: Starting a site takes its time on a busy machine.
pytestmark = pytest.mark.timeout(300)

_STEPS_BEFORE = 10


@pytest.fixture(scope="module", params=DATABASES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosSite]:
    with site_on(request.param, tmp_path_factory.mktemp("chaos"), {"OBELISK_COMMIT_WINDOW": "0"}) as site:
        yield site


@pytest.mark.parametrize("point", [*AHEAD, Point.BEFORE_COMMIT, Point.AFTER_COMMIT])
def test_what_a_killed_executor_held_goes_on_and_nothing_is_lost(site: ChaosSite, point: Point) -> None:
    site.arm(point, after=_STEPS_BEFORE)
    site.submit(4)
    death = site.wait_for_death(point)
    site.wait_for_rest()

    site.check()
    site.recoveries(death)
