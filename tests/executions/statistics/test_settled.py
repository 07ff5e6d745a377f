from __future__ import annotations

import pytest

from executions.journal.connection import own_connection
from executions.statistics.settled import SettledLog
from tests.executions.statistics.ended import newest, run_once

pytestmark = pytest.mark.usefixtures("either_database")


@pytest.mark.django_db(transaction=True)
def test_where_nobody_is_writing_all_that_is_in_sight_is_settled() -> None:
    settled = SettledLog()
    assert settled.until() == 0

    run_once(1)

    assert settled.until() == newest() > 0


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
    # Nobody is writing.
    assert settled.settle(26, 16, 16) == 26


@pytest.mark.django_db(transaction=True)
def test_what_another_may_still_fill_in_is_not_settled(either_database: str) -> None:
    if either_database == "sqlite":
        return  # it has one writer
    settled, other = SettledLog(), own_connection()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_current_xact_id()")  # as any row that is written
        run_once(1)
        assert settled.until() == 0
        assert settled.until() == 0
        cursor.execute("COMMIT")
    other.close()
    assert settled.until() == newest()
