from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.log.ids import make_execution_id, parse_execution_id
from obelisk.client import ids


def test_ids_are_the_engine_s_and_of_now() -> None:
    execution_id = ids.make_execution_id()

    assert parse_execution_id(execution_id) == execution_id
    now = datetime.now(UTC)
    assert make_execution_id(now - timedelta(minutes=1), bytes(10)) < execution_id
    assert execution_id < make_execution_id(now + timedelta(minutes=1), bytes(10))


def test_no_two_are_alike() -> None:
    assert len({ids.make_deployment_id() for _ in range(1000)}) == 1000
