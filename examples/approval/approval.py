"""A payment that waits for a person: a stub is a function whose result is brought from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from obelisk import activity, stub, timeout, workflow

PACKAGE = "example:approval"

PATIENCE = timedelta(days=2)


@dataclass
class Payment:
    """What is to be paid to whom."""

    to: str
    cents: int


@stub(title="May this be paid?", group="finance")
def approve(payment: Payment) -> bool:
    """Wait for a person's word."""


@activity
def transfer(payment: Payment) -> str:
    """Pay."""
    return f"paid {payment.cents / 100:.2f} to {payment.to}"


@workflow
def pay(payment: Payment) -> str:
    """Pay small sums at once, and others if somebody approves within two days."""
    if payment.cents <= 10_000:
        return transfer(payment)
    try:
        with timeout(PATIENCE):
            is_approved = approve(payment)
    except TimeoutError:
        return "nobody answered"
    return transfer(payment) if is_approved else "declined"
