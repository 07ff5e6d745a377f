from __future__ import annotations

import pytest

from executions.statistics.settled import SettledLog
from tests.executions.statistics.ended import run_once


@pytest.mark.django_db
def test_where_there_is_one_writer_all_that_is_in_sight_is_settled() -> None:
    settled = SettledLog()
    assert settled.until() == 0

    run_once(1)

    assert settled.until() == 3


def test_a_row_is_settled_once_all_are_over_that_were_under_way_when_it_was_seen() -> None:
    settled = SettledLog()

    # Transactions 7 and 8 are under way; 7 has numbers below 10 that nobody sees.
    assert settled.settle(10, 7, 9) == 0
    assert settled.settle(12, 7, 11) == 0
    # 7 is over, 8 is not.
    assert settled.settle(15, 8, 12) == 0
    # Both are; of what came since only what was seen then is told.
    assert settled.settle(20, 9, 14) == 10
    # What was seen meanwhile has to wait in turn.
    assert settled.settle(20, 12, 14) == 10
    assert settled.settle(25, 14, 15) == 20
