from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from executions.models import DatabaseSize, RollUp, RollUpCursor
from executions.statistics import keeping
from executions.statistics.keeping import StatisticsKeeper, forget_old
from executions.statistics.reading import read_stretches
from executions.statistics.rolling_up import roll_up
from executions.statistics.tiers import MINUTES, TIERS
from tests.builders import NOW
from tests.executions.statistics.ended import newest, run_once
from tests.harness.eventually import eventually

pytestmark = pytest.mark.usefixtures("either_database")


@pytest.mark.django_db
def test_each_tier_is_forgotten_in_its_time() -> None:
    run_once(1)
    roll_up(NOW, until=newest())
    left = []
    for tier in TIERS:
        forget_old(NOW + tier.kept_for)
        left.append(RollUp.objects.count())
        forget_old(NOW + tier.length + tier.kept_for)
        left.append(RollUp.objects.count())

    assert left == [4, 3, 3, 2, 2, 1, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_an_executor_counts_what_ends_and_looks_at_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LOOK_EVERY", timedelta(milliseconds=10))
    keeper = StatisticsKeeper(lambda: True)
    keeper.start()
    now = timezone.now()
    try:
        run_once(1, due_at=now)
        (stretch,) = eventually(lambda: read_stretches(MINUTES, now - timedelta(minutes=2)))
        eventually(DatabaseSize.objects.exists)
    finally:
        keeper.stop()

    assert stretch.tally.count == 1


@pytest.mark.django_db(transaction=True)
def test_a_process_whose_clock_was_ahead_stops_nobody_from_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LOOK_EVERY", timedelta(milliseconds=10))
    now = timezone.now()
    ahead = now + timedelta(hours=2)
    RollUpCursor.objects.create(moved_at=ahead)
    DatabaseSize.objects.create(at=ahead, size=1)
    keeper = StatisticsKeeper(lambda: True)
    keeper.start()
    try:
        run_once(1, due_at=now)
        eventually(lambda: read_stretches(MINUTES, now - timedelta(minutes=2)))
        eventually(DatabaseSize.objects.exclude(at=ahead).exists)
    finally:
        keeper.stop()
