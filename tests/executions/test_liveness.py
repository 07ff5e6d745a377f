from __future__ import annotations

import os
from datetime import datetime

import pytest

from executions.liveness import (
    CONSIDERED_DEAD_AFTER,
    FORGOTTEN_AFTER,
    HEARTBEAT_EVERY,
    alive_executors,
    beat,
    forget_silent,
    say_goodbye,
)
from executions.models import ExecutorHeartbeat
from tests.builders import NOW, after

pytestmark = pytest.mark.django_db

_INSTANT = after(milliseconds=0.001) - NOW


def seen(executor_id: str, now: datetime, *, running: int = 0) -> None:
    beat(executor_id, now=now, started_at=NOW, deployment_id=None, slots=4, running=running)


def test_an_executor_is_alive_until_it_was_silent_for_too_long() -> None:
    seen("Exr_1", NOW)
    seen("Exr_2", after(1))

    assert alive_executors(NOW + CONSIDERED_DEAD_AFTER) == 2
    assert alive_executors(NOW + CONSIDERED_DEAD_AFTER + _INSTANT) == 1
    assert alive_executors(after(1) + CONSIDERED_DEAD_AFTER + _INSTANT) == 0


def test_one_that_misses_a_few_beats_is_not_dead_yet() -> None:
    assert HEARTBEAT_EVERY * 4 < CONSIDERED_DEAD_AFTER


def test_the_latest_sign_of_life_takes_the_place_of_the_others() -> None:
    seen("Exr_1", NOW)
    seen("Exr_1", after(2), running=3)

    row = ExecutorHeartbeat.objects.get()
    assert (row.started_at, row.seen_at, row.slots, row.running) == (NOW, after(2), 4, 3)
    assert row.pid == os.getpid()
    assert row.host


def test_one_that_says_goodbye_is_off_the_list_at_once() -> None:
    seen("Exr_1", NOW)
    seen("Exr_2", NOW)

    say_goodbye("Exr_1")

    assert [row.executor_id for row in ExecutorHeartbeat.objects.all()] == ["Exr_2"]


def test_goodbye_may_be_said_twice() -> None:
    say_goodbye("Exr_1")
    say_goodbye("Exr_1")

    assert alive_executors(NOW) == 0


def test_the_silent_stay_on_the_list_for_a_while() -> None:
    seen("Exr_1", NOW)

    assert forget_silent(NOW + FORGOTTEN_AFTER) == 0
    assert forget_silent(NOW + FORGOTTEN_AFTER + _INSTANT) == 1
    assert not ExecutorHeartbeat.objects.exists()
