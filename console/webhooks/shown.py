"""Deliveries as pages show them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from console.states import ERROR, OK, RUNNING, ShownState
from console.webhooks.masking import masked_target
from engine.log.state import Status
from executions.models import Execution
from webhooks.models import Delivery, DeliveryState

ANSWERED: Final = ShownState(OK.key, "Answered", OK.icon)
FAILED: Final = ShownState(ERROR.key, "Failed", ERROR.icon)
BEING_ANSWERED: Final = ShownState(RUNNING.key, "Running", RUNNING.icon)

UNSHOWN: Final = ("headers", "body", "response_headers", "response_body")
"""Columns that lists do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDelivery:
    """A delivery in a list.

    Args:
        row: The delivery.
        state: As its badge shows it.
        target: Path and query, without what may be a secret.
        length: How long its answer took; ``None`` if that is not known any more, or not yet.
        fingerprint: Differs when what is shown of it does.
    """

    row: Delivery
    state: ShownState
    target: str
    length: timedelta | None
    fingerprint: int


def shown_deliveries(rows: list[Delivery]) -> list[ShownDelivery]:
    """Return deliveries as lists show them, in the same order."""
    executions = Execution.objects.in_bulk([row.execution_id for row in rows])
    return [shown_delivery(row, executions.get(row.execution_id)) for row in rows]


def shown_delivery(row: Delivery, execution: Execution | None) -> ShownDelivery:
    """Return a delivery as lists show it.

    Args:
        row: The delivery.
        execution: The one that answered it, if that is kept.
    """
    is_over = execution is not None and execution.status == Status.FINISHED.value
    length = execution.due_at - row.started_at if execution is not None and is_over else None
    return ShownDelivery(
        row=row,
        state=state_of(row.state),
        target=masked_target(row.target),
        length=length,
        fingerprint=fingerprint_of(row),
    )


def state_of(state: str) -> ShownState:
    """Return the badge of a delivery's state."""
    match state:
        case DeliveryState.ANSWERED:
            return ANSWERED
        case DeliveryState.FAILED:
            return FAILED
        case _:
            return BEING_ANSWERED


def fingerprint_of(row: Delivery) -> int:
    """Return a number that differs when something about a delivery does."""
    return zlib.crc32(f"{row.state} {row.status} {row.attempts} {row.execution_id}".encode())
