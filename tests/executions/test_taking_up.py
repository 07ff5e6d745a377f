from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from executions.liveness import CONSIDERED_DEAD_AFTER, beat
from executions.taking_up import wait_until_taken_up

pytestmark = pytest.mark.django_db

NOT_LONG = timedelta(milliseconds=1)


def seen(executor_id: str, deployment_id: str | None, *, at: datetime | None = None) -> None:
    now = timezone.now() if at is None else at
    beat(executor_id, now=now, started_at=now, deployment_id=deployment_id, slots=4, running=0)


def test_nobody_is_waited_for_where_there_is_none() -> None:
    assert wait_until_taken_up("Dep_2", patience=NOT_LONG)


def test_every_living_executor_is_waited_for() -> None:
    seen("Exr_1", "Dep_2")
    seen("Exr_2", "Dep_1")

    assert not wait_until_taken_up("Dep_2", patience=NOT_LONG)

    seen("Exr_2", "Dep_2")
    assert wait_until_taken_up("Dep_2", patience=NOT_LONG)


def test_the_dead_and_those_that_have_just_begun_are_not_waited_for() -> None:
    seen("Exr_1", "Dep_1", at=timezone.now() - 2 * CONSIDERED_DEAD_AFTER)
    seen("Exr_2", None)

    assert wait_until_taken_up("Dep_2", patience=NOT_LONG)
