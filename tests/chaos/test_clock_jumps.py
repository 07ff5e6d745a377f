"""One of two executors whose clock is put forward by hours and back by minutes while it works."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.chaos.chaos_site import ChaosSite

#: Starting a site takes its time on a busy machine.
pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("offset", [timedelta(hours=2), timedelta(minutes=-5)], ids=["forward", "back"])
def test_work_is_done_and_none_twice_while_one_clock_is_wrong(site: ChaosSite, offset: timedelta) -> None:
    site.submit(4, effects=3)

    site.put_clock(offset)
    site.submit(4)
    site.wait_for_rest()
    site.check()

    # What it does from now on is done in time again.
    site.put_clock(timedelta())
    site.submit(4)
    site.wait_for_rest()
    site.check()
