"""An approval in one file: a workflow that waits for a person, and how the person's word gets there.

A stub is an activity without a body: the engine keeps the request open until somebody answers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from obelisk import activity, answer, execution_id, stub, timeout, workflow

PACKAGE = "example:approval"
PETTY_CASH = 50


@dataclass
class Expense:
    """What somebody wants back."""

    who: str
    what: str
    euros: int


@dataclass
class Decision:
    """Somebody's word."""

    approved: bool
    by: str


@stub(title="Approve an expense")
def approve(expense: Expense) -> Decision:
    """Say whether the expense is paid; open until it is answered."""


@activity
def pay(expense: Expense, approved_by: str) -> str:
    """Pay; here this is a receipt whose number is the same in every attempt."""
    return f"{expense.euros} euros for {expense.what} to {expense.who}, approved by {approved_by} ({execution_id()})"


@workflow
def reimburse(expense: Expense, patience_s: float) -> str:
    """Pay small sums at once, and others when somebody has approved them in time."""
    if expense.euros <= PETTY_CASH:
        return pay(expense, "the petty cash")
    try:
        with timeout(timedelta(seconds=patience_s)):
            decision = approve(expense)
    except TimeoutError:
        return "nobody answered in time"
    return pay(expense, decision.by) if decision.approved else f"refused by {decision.by}"


@workflow
def decide(request: str, decision: Decision) -> None:
    """Answer an open request; its id is that of the ``approve`` execution."""
    answer(approve, request, decision)
