"""Deliveries and refused requests go when executions of requests do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from executions.retention.records import prune_records
from executions.retention.rules import parse_rules
from tests.console.webhooks.deliveries import make_delivery, make_refused
from webhooks.models import Delivery, DeliveryState, RefusedRequest

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def prune(rules: str, *, dry_run: bool = False) -> dict[str, int]:
    return dict(prune_records(parse_rules(rules), timezone.now(), dry_run=dry_run, pause=lambda _: None))


def left() -> tuple[list[str | None], int]:
    return [row.delivery_id for row in Delivery.objects.order_by("pk")], RefusedRequest.objects.count()


def test_what_is_older_than_its_rule_goes() -> None:
    for number, days in enumerate((3, 1), start=1):
        make_delivery(number, ago=days * DAY)
        make_refused(ago=days * DAY)

    counts = prune("* any 2d")

    assert counts == {"deliveries": 1, "refused requests": 1}
    assert left() == (["d-2"], 1)


def test_a_delivery_stays_for_as_long_as_its_execution_may() -> None:
    make_delivery(1, ago=3 * DAY)
    make_refused(ago=3 * DAY)

    prune("wasi:http/* failure 2d, wasi:http/* ok 9d, * any 1d")
    assert left() == (["d-1"], 0)

    prune("wasi:http/* failure keep, * any 1d")
    assert left() == (["d-1"], 0)


@pytest.mark.parametrize("rules", ["", "shop:*/* any 1d", "wasi:http/* any keep, * any 1d"])
def test_without_a_rule_for_requests_everything_stays(rules: str) -> None:
    make_delivery(1, ago=3 * DAY)
    make_refused(ago=3 * DAY)

    prune(rules)

    assert left() == (["d-1"], 1)


def test_what_is_being_answered_stays_and_a_replay_outlives_what_it_replays() -> None:
    original = make_delivery(1, ago=3 * DAY)
    make_delivery(2, ago=3 * DAY, state=DeliveryState.RUNNING, status=None)
    make_delivery(3, replay_of=original)

    assert prune("* any 2d", dry_run=True) == {"deliveries": 1}
    prune("* any 2d")

    assert left()[0] == ["d-2", "d-3"]
    assert Delivery.objects.get(delivery_id="d-3").replay_of is None
