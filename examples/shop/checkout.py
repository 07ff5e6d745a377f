"""The workflow that calls the shop's activities. It runs in the sandbox, where there is no Django and no database."""

from __future__ import annotations

from dataclasses import dataclass

from obelisk import imported, u32, workflow

PACKAGE = "example:shop"


@dataclass
class Order:
    """What a customer ordered."""

    number: str
    customer: str
    cents: u32


@imported("django:shop/activities.write-receipt")
def write_receipt(order: Order) -> int:
    """Call the Django activity."""


@imported("django:shop/activities.spent-by")
def spent_by(customer: str) -> int:
    """Call the Django activity."""


@workflow
def checkout(order: Order) -> str:
    """Write a receipt and thank the customer."""
    number = write_receipt(order)
    total = spent_by(order.customer)
    return f"receipt {number}; {order.customer} has spent {total / 100:.2f}"
