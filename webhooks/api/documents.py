"""Deliveries and refused requests as clients see them."""

from __future__ import annotations

import base64
from datetime import datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType

from webhooks.models import Delivery, RefusedRequest
from webhooks.refusals import Refusal


class DeliverySummary(Struct, frozen=True, kw_only=True):
    """What lists say of a delivery."""

    id: int
    endpoint: str
    provider: str
    delivery_id: str | None
    replay_of: int | None
    received_at: datetime
    method: str
    target: str
    state: str
    attempts: int
    execution_id: str | None
    status: int | None
    failure: str | None


class BodyDocument(Struct, frozen=True, kw_only=True):
    """A body as far as it was kept: as text, or as base64 where it is none."""

    text: str | UnsetType = UNSET
    base64: str | UnsetType = UNSET
    size: int
    is_whole: bool


class AnswerDocument(Struct, frozen=True, kw_only=True):
    """What the sender was answered."""

    status: int
    headers: list[list[str]]
    body: BodyDocument


class DeliveryDocument(DeliverySummary, frozen=True, kw_only=True):
    """All of a delivery."""

    headers: list[list[str]]
    body: BodyDocument
    response: AnswerDocument | None


class RefusedDocument(Refusal, frozen=True, kw_only=True):
    """Requests that were refused before any component ran, as many as are alike."""

    id: int
    count: int
    first_at: datetime
    last_at: datetime


def refused_document(row: RefusedRequest) -> RefusedDocument:
    """Return what is known of refused requests."""
    return msgspec.convert(row, RefusedDocument, from_attributes=True)


def summary(delivery: Delivery) -> DeliverySummary:
    """Return what lists say of a delivery."""
    return DeliverySummary(
        id=delivery.pk,
        endpoint=delivery.endpoint,
        provider=delivery.provider,
        delivery_id=delivery.delivery_id,
        replay_of=delivery.replay_of_id,
        received_at=delivery.received_at,
        method=delivery.method,
        target=delivery.target,
        state=delivery.state,
        attempts=delivery.attempts,
        execution_id=delivery.execution_id,
        status=delivery.status,
        failure=delivery.failure,
    )


def document(delivery: Delivery) -> DeliveryDocument:
    """Return all of a delivery."""
    shown = summary(delivery)
    return DeliveryDocument(
        **{name: getattr(shown, name) for name in shown.__struct_fields__},
        headers=delivery.headers,
        body=_body(bytes(delivery.body), delivery.body_size),
        response=None
        if delivery.status is None
        else AnswerDocument(
            status=delivery.status,
            headers=delivery.response_headers,
            body=_body(bytes(delivery.response_body), delivery.response_size),
        ),
    )


def _body(kept: bytes, size: int) -> BodyDocument:
    try:
        return BodyDocument(text=kept.decode(), size=size, is_whole=len(kept) == size)
    except UnicodeDecodeError:
        return BodyDocument(base64=base64.b64encode(kept).decode(), size=size, is_whole=len(kept) == size)
