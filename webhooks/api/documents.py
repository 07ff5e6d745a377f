"""Deliveries as clients see them."""

from __future__ import annotations

import base64
from typing import Any

from webhooks.models import Delivery


def summary(delivery: Delivery) -> dict[str, Any]:
    """Return what lists say of a delivery."""
    return {
        "id": delivery.pk,
        "endpoint": delivery.endpoint,
        "provider": delivery.provider,
        "delivery_id": delivery.delivery_id,
        "replay_of": delivery.replay_of_id,
        "received_at": _instant(delivery.received_at),
        "method": delivery.method,
        "target": delivery.target,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "execution_id": delivery.execution_id,
        "status": delivery.status,
        "failure": delivery.failure,
    }


def document(delivery: Delivery) -> dict[str, Any]:
    """Return all of a delivery; bodies as text, or as base64 where they are none."""
    return {
        **summary(delivery),
        "headers": delivery.headers,
        "body": _body(bytes(delivery.body), delivery.body_size),
        "response": None
        if delivery.status is None
        else {
            "status": delivery.status,
            "headers": delivery.response_headers,
            "body": _body(bytes(delivery.response_body), delivery.response_size),
        },
    }


def _body(kept: bytes, size: int) -> dict[str, Any]:
    try:
        content: dict[str, Any] = {"text": kept.decode()}
    except UnicodeDecodeError:
        content = {"base64": base64.b64encode(kept).decode()}
    return {**content, "size": size, "is_whole": len(kept) == size}


def _instant(instant: Any) -> str:
    return str(instant.isoformat()).replace("+00:00", "Z")
