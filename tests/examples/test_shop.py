"""The example of a Django app, through the executor that the site runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from components.services import deploy
from examples.shop.activities import Order, write_receipt
from examples.shop.models import Receipt
from executions.hosting import ExecutorHost
from executions.models import Execution
from executions.shortcuts import result, submit
from obelisk import ChildError
from tests.harness.eventually import PATIENCE_S
from tests.harness.hosts import running_host

pytestmark = pytest.mark.django_db(transaction=True)

SHOP = Path(__file__).parents[2] / "examples" / "shop" / "deployment.toml"
CHECKOUT = "example:shop/workflows.checkout"
PATIENCE = timedelta(seconds=PATIENCE_S)


@pytest.fixture(autouse=True)
def host() -> Iterator[ExecutorHost]:
    deploy(SHOP)
    with running_host() as host:
        yield host


def order(number: str, cents: int) -> dict[str, object]:
    return {"number": number, "customer": "ada@example.com", "cents": cents}


def number_of(order: str) -> int:
    return Receipt.objects.get(order=order).pk


def test_a_workflow_in_the_sandbox_has_django_write_a_receipt() -> None:
    first = submit(CHECKOUT, order("A1", 1250))
    first_result = result(first.id, timeout=PATIENCE)
    assert first_result == f"receipt {number_of('A1')}; ada@example.com has spent 12.50"

    second = submit(CHECKOUT, order("A2", 750))
    second_result = result(second.id, timeout=PATIENCE)
    assert second_result == f"receipt {number_of('A2')}; ada@example.com has spent 20.00"

    receipt = Receipt.objects.get(order="A1")
    assert (receipt.customer, receipt.cents) == ("ada@example.com", 1250)
    assert Execution.objects.get(pk=receipt.execution_id).parent_id == first.id


def test_an_order_has_one_receipt() -> None:
    first = submit(write_receipt, Order("A1", "ada@example.com", 1250))
    number = result(first.id, timeout=PATIENCE)

    second = submit(write_receipt, Order("A1", "ada@example.com", 1250))

    with pytest.raises(ChildError) as caught:
        result(second.id, timeout=PATIENCE)
    assert caught.value.value == {"permanent_already_paid": {"receipt": number}}
    assert Receipt.objects.count() == 1
