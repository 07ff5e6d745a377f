"""Activities of the shop: plain Django code, run by the executor, retried and recorded."""

from __future__ import annotations

from dataclasses import dataclass

from examples.shop.models import Receipt
from obelisk import PermanentError, activity, execution_id, u32


@dataclass
class Order:
    """What a customer ordered."""

    number: str
    customer: str
    cents: u32


@dataclass
class AlreadyPaid(PermanentError):
    """The order has a receipt; another attempt cannot change that."""

    receipt: int


@activity(atomic=True, errors=[AlreadyPaid])
def write_receipt(order: Order) -> int:
    """Write the receipt of an order and return its number.

    The row and the activity's result are one transaction: whatever crashes, there is one receipt and one result.
    """
    earlier = Receipt.objects.filter(order=order.number).first()
    if earlier is not None:
        raise AlreadyPaid(earlier.pk)
    receipt = Receipt.objects.create(
        order=order.number, customer=order.customer, cents=order.cents, execution_id=execution_id()
    )
    return receipt.pk


@activity(max_retries=2)
def spent_by(customer: str) -> int:
    """Return what a customer has paid so far, in cents."""
    return sum(Receipt.objects.filter(customer=customer).values_list("cents", flat=True))
