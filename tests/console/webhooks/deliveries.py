"""Deliveries and refused requests as they stand in the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.builders import make_execution_id
from webhooks.models import Delivery, DeliveryState, RefusedRequest


def make_delivery(number: int = 1, *, ago: timedelta = timedelta(), **columns: Any) -> Delivery:
    """A delivery that was answered, unless ``columns`` say otherwise."""
    at = timezone.now() - ago
    values = {
        "endpoint": "doorman",
        "provider": "github",
        "delivery_id": f"d-{number}",
        "received_at": at,
        "started_at": at,
        "method": "POST",
        "target": "/do/length",
        "headers": [["host", "obelisk.test"], ["x-shown", "yes"]],
        "body": b"hello",
        "body_size": 5,
        "state": DeliveryState.ANSWERED,
        "status": 200,
        "execution_id": make_execution_id(number),
    }
    return Delivery.objects.create(**{**values, **columns})


def make_refused(*, ago: timedelta = timedelta(), **columns: Any) -> RefusedRequest:
    """A request whose signature was wrong, unless ``columns`` say otherwise."""
    at = timezone.now() - ago
    values = {
        "first_at": at,
        "last_at": at,
        "count": 1,
        "endpoint": "doorman",
        "provider": "github",
        "method": "POST",
        "path": "/do/length",
        "client": "192.0.2.7",
        "status": 401,
        "code": "signature_refused",
        "reason": "The signature is refused: it is not that of this body",
    }
    return RefusedRequest.objects.create(**{**values, **columns})
