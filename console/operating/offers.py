"""Which operations an execution's page offers."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from console.access import may
from console.operating.actions import ACTIONS, Action
from executions.models import Execution


@dataclass(frozen=True, slots=True)
class Offer:
    """An operation, and why it is not possible as things stand."""

    action: Action
    obstacle: str | None


def offered_actions(request: HttpRequest, row: Execution) -> list[Offer]:
    """Return the operations that whoever asks has the right to, the possible ones first."""
    offers = [Offer(action, action.obstacle(row)) for action in ACTIONS.values() if may(request.user, action.scope)]
    return sorted(offers, key=lambda offer: offer.obstacle is not None)
