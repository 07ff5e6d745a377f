"""How long deliveries and refused requests are kept: by the rules of the executions that answer requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from engine.deployment.webhooks import HANDLER
from executions.retention.records import also_expires
from executions.retention.rules import Outcome, RetentionRule, keep_for
from webhooks.models import Delivery, DeliveryQuerySet, RefusedRequest, RefusedRequestQuerySet

_ENDS: Final = (Outcome.OK, Outcome.FAILURE)
"""How the execution of a request may end."""


def expired_deliveries(rules: Sequence[RetentionRule], now: datetime) -> DeliveryQuerySet:
    """Return the deliveries that are kept no longer: an execution that answered one is kept no longer either.

    Args:
        rules: Those of executions.
        now: The present instant.
    """
    ages = [keep_for(rules, ffqn=HANDLER, result_kind=end) for end in _ENDS]
    longest = max((age for age in ages if age is not None), default=None)
    if longest is None or None in ages:
        return Delivery.objects.none()
    return Delivery.objects.prune(now - longest)


def expired_refusals(rules: Sequence[RetentionRule], now: datetime) -> RefusedRequestQuerySet:
    """Return the refused requests that are kept no longer: as long as executions of requests that failed.

    Args:
        rules: Those of executions.
        now: The present instant.
    """
    age = keep_for(rules, ffqn=HANDLER, result_kind=Outcome.FAILURE)
    return RefusedRequest.objects.none() if age is None else RefusedRequest.objects.prune(now - age)


def take_part() -> None:
    """Have them deleted with executions."""
    also_expires("deliveries", expired_deliveries)
    also_expires("refused requests", expired_refusals)
