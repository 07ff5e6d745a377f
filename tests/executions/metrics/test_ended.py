from __future__ import annotations

from datetime import timedelta

import pytest

from executions.metrics.ended import EndedCounter
from executions.models import Event, RollUp
from executions.statistics.rolling_up import roll_up
from executions.statistics.tallies import Outcome
from tests.builders import FFQN, NOW
from tests.executions.statistics.ended import run_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

DAY = timedelta(days=1)


def end(number: int, *, day: int) -> None:
    """Have an execution end, after a second, and be counted."""
    run_once(number, due_at=NOW + day * DAY, took=timedelta(seconds=1))
    while roll_up(NOW + day * DAY, until=Event.objects.latest("pk").pk):
        pass


def test_what_ended_before_the_first_look_is_not_counted() -> None:
    end(1, day=0)
    counter = EndedCounter()
    assert counter.read(NOW)[FFQN][Outcome.OK].count == 0

    end(2, day=0)

    tally = counter.read(NOW)[FFQN][Outcome.OK]
    assert (tally.count, tally.run_us, sum(tally.runs.values())) == (1, 1_000_000, 1)


def test_the_count_only_grows_from_day_to_day_also_when_old_days_are_deleted() -> None:
    counter = EndedCounter()
    counter.read(NOW)
    seen = []
    for day in range(6):
        end(day + 1, day=day)
        seen.append(counter.read(NOW + day * DAY)[FFQN][Outcome.OK].count)
        RollUp.objects.filter(start__lt=NOW + (day - 2) * DAY).delete()

    assert seen == [1, 2, 3, 4, 5, 6]
