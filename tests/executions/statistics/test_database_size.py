from __future__ import annotations

from datetime import timedelta

import pytest

from executions.models import DatabaseSize
from executions.statistics.database_size import KEPT_FOR, SAMPLE_EVERY, database_size, growth, keep_sample
from tests.builders import NOW, after

pytestmark = pytest.mark.django_db

MB = 1_000_000


def test_the_size_is_that_of_all_pages() -> None:
    assert database_size() > 100_000


def test_sizes_are_kept_now_and_then_and_not_for_ever() -> None:
    for seconds in range(0, 3600, 60):
        keep_sample(after(seconds))
    assert DatabaseSize.objects.count() == timedelta(hours=1) / SAMPLE_EVERY

    keep_sample(NOW + KEPT_FOR + timedelta(hours=2))

    assert DatabaseSize.objects.count() == 1


def test_there_is_no_forecast_before_the_database_was_looked_at_for_an_hour() -> None:
    assert growth(MB, NOW) is None
    DatabaseSize.objects.create(at=NOW, size=MB)
    assert growth(2 * MB, after(3599)) is None
    assert growth(2 * MB, after(3600)) is not None


def test_a_forecast_goes_on_as_the_last_week_went() -> None:
    DatabaseSize.objects.create(at=NOW - timedelta(days=30), size=900 * MB)
    DatabaseSize.objects.create(at=NOW - timedelta(days=5), size=100 * MB)

    grown = growth(150 * MB, NOW)

    assert grown is not None
    assert (grown.per_day, grown.ahead) == (10 * MB, 450 * MB)


def test_a_database_that_shrinks_is_never_expected_to_be_less_than_nothing() -> None:
    DatabaseSize.objects.create(at=NOW - timedelta(days=1), size=100 * MB)

    grown = growth(50 * MB, NOW)

    assert grown is not None
    assert (grown.per_day, grown.ahead) == (-50 * MB, 0)
