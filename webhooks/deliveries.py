"""Deliveries: signed requests that are answered once, kept, and answered again when somebody asks for that.

A provider that hears no answer, or that a person asks to, sends a delivery again. One that a component has answered is
answered with that; one that is being answered is waited for a little; one that failed is tried again.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from engine.activity.http.messages import Header
from engine.deployment.webhooks import Provider
from engine.executor.webhook_response import ResponseSink
from engine.executor.webhook_run import RequestFailed
from engine.host.wasi.incoming_body import FedBody
from engine.host.wasi.incoming_handler import ReceivedRequest
from engine.log.ids import ExecutionId, make_execution_id
from executions.models import OperationRecord
from executions.operations.recording import Operation
from webhooks.host import Endpoint, WebhookHost
from webhooks.models import Delivery, DeliveryState
from webhooks.problems import Problem, problem_of
from webhooks.providers import signature_headers
from webhooks.recording import RecordingSink

PATIENCE_S = 5.0
"""How long a delivery that came twice at the same time waits for the other one's answer."""

_LOOK_EVERY_S = 0.1
_MAY_BE_SECRET = re.compile(r"authorization|cookie|token|secret|signature|password|api[-_]?key", re.IGNORECASE)
_SERVER_FAILED = 500

BEING_ANSWERED = Problem(
    status=409,
    code="delivery_being_answered",
    detail="This delivery came before, and is still being answered",
    headers=(("retry-after", b"5"),),
)


def may_be_secret(name: str) -> bool:
    """Tell whether what bears this name, a header or a parameter, may be a secret, which nobody is to see."""
    return _MAY_BE_SECRET.search(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who wants a delivery answered once more.

    Args:
        actor: Who (`OperationRecord.actor`).
        reason: Why, in their words.
    """

    actor: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A request whose signature was checked.

    Args:
        provider: Whose it is.
        delivery_id: By what the provider tells its deliveries apart, if it does.
        method: Of the request.
        authority: Host and port.
        target: Path and query.
        headers: All of them.
        body: All of it.
    """

    provider: Provider
    delivery_id: str | None
    method: str
    authority: str | None
    target: str
    headers: tuple[Header, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The delivery was answered before, by this."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


def deliver(
    host: WebhookHost, endpoint: Endpoint, params: Mapping[str, str], signed: Signed, sink: ResponseSink
) -> Answered | Problem | None:
    """Answer a delivery, on this thread, whether the client waits for it or not.

    Args:
        host: This process's.
        endpoint: Who answers.
        params: What its route captured.
        signed: The request.
        sink: Where the response goes.

    Returns:
        What it was answered with before; why it is not answered; ``None`` if the sink has the response.
    """
    try:
        until = time.monotonic() + PATIENCE_S
        while True:
            delivery = _claim(endpoint, signed, timezone.now())
            if delivery is not None:
                break
            earlier = Delivery.objects.filter(endpoint=endpoint.name, delivery_id=signed.delivery_id).first()
            if earlier is not None and earlier.state == DeliveryState.ANSWERED:
                return _answer_of(earlier)
            if time.monotonic() > until or host.wait_for_end(_LOOK_EVERY_S):
                return BEING_ANSWERED
        return _run(host, endpoint, params, delivery, signed, sink)
    finally:
        connection.close()


def run_again(
    host: WebhookHost, endpoint: Endpoint, params: Mapping[str, str], original: Delivery, asked: Asked
) -> Delivery:
    """Have a delivery answered once more, on this thread, and return the new one.

    Args:
        host: This process's.
        endpoint: Who answers.
        params: What its route captured.
        original: The delivery, whose body is whole.
        asked: Who wants it; kept with the execution that answers, before that begins.
    """
    signed = Signed(
        provider=Provider(original.provider),
        delivery_id=None,
        method=original.method,
        authority=dict(original.headers).get("host"),
        target=original.target,
        headers=tuple((name, value.encode("latin-1")) for name, value in original.headers),
        body=bytes(original.body),
    )
    with transaction.atomic():
        delivery = _insert(endpoint, signed, timezone.now(), replay_of=original)
        OperationRecord.objects.create(
            execution_id=delivery.execution_id,
            operation=Operation.REPLAY_DELIVERY.value,
            detail=f"delivery {original.pk}",
            actor=asked.actor,
            reason=asked.reason,
            at=delivery.received_at,
        )
    _run(host, endpoint, params, delivery, signed, None)
    delivery.refresh_from_db()
    return delivery


def _claim(endpoint: Endpoint, signed: Signed, now: datetime) -> Delivery | None:
    """Return the delivery if this thread is to answer it: it is new, or failed before."""
    if signed.delivery_id is None:
        return _insert(endpoint, signed, now)
    try:
        with transaction.atomic():
            return _insert(endpoint, signed, now)
    except IntegrityError:
        failed = Delivery.objects.filter(
            endpoint=endpoint.name, delivery_id=signed.delivery_id, state=DeliveryState.FAILED
        )
        claimed = failed.update(
            state=DeliveryState.RUNNING,
            started_at=now,
            attempts=F("attempts") + 1,
            execution_id=make_execution_id(now, os.urandom(10)),
            failure=None,
        )
        return Delivery.objects.get(endpoint=endpoint.name, delivery_id=signed.delivery_id) if claimed else None


def _insert(endpoint: Endpoint, signed: Signed, now: datetime, *, replay_of: Delivery | None = None) -> Delivery:
    verify = endpoint.mount.verify
    # The signature is left out by its header's name, which may be any: whoever reads it could send the request.
    signatures = frozenset[str]() if verify is None else signature_headers(verify)
    kept = [
        (name, value.decode("latin-1"))
        for name, value in signed.headers
        if name.lower() not in signatures and not may_be_secret(name)
    ]
    return Delivery.objects.create(
        endpoint=endpoint.name,
        provider=signed.provider.value,
        delivery_id=signed.delivery_id,
        replay_of=replay_of,
        received_at=now,
        method=signed.method,
        target=signed.target,
        headers=kept,
        body=signed.body[: settings.OBELISK_DELIVERY_BYTES],
        body_size=len(signed.body),
        state=DeliveryState.RUNNING,
        started_at=now,
        execution_id=make_execution_id(now, os.urandom(10)),
    )


def _run(
    host: WebhookHost,
    endpoint: Endpoint,
    params: Mapping[str, str],
    delivery: Delivery,
    signed: Signed,
    sink: ResponseSink | None,
) -> Problem | None:
    recorded = RecordingSink(sink, most=settings.OBELISK_DELIVERY_BYTES)
    request = ReceivedRequest(
        method=signed.method,
        authority=signed.authority,
        target=signed.target,
        headers=signed.headers,
        body=FedBody.whole(signed.body),
    )
    run = host.make_run(endpoint, request, recorded, params=params, execution_id=ExecutionId(delivery.execution_id))
    # Its thread is busy with the guest for as long as that takes: others may have the connection meanwhile.
    connection.close()
    with host.looking_after(run):
        failed = run.execute()
    problem = problem_of(failed) if failed is not None and recorded.status is None else None
    _store(delivery, recorded, failed, problem)
    return problem


def _store(delivery: Delivery, recorded: RecordingSink, failed: RequestFailed | None, problem: Problem | None) -> None:
    status = problem.status if problem is not None else recorded.status
    has_failed = failed is not None or status is None or status >= _SERVER_FAILED
    Delivery.objects.filter(pk=delivery.pk, execution_id=delivery.execution_id).update(
        state=DeliveryState.FAILED if has_failed else DeliveryState.ANSWERED,
        status=status,
        response_headers=[(name, value.decode("latin-1")) for name, value in recorded.headers],
        response_body=bytes(recorded.body),
        response_size=recorded.size,
        failure=(failed.reason or failed.message) if failed is not None else None,
    )


def _answer_of(delivery: Delivery) -> Answered:
    """Return the answer that a delivery had; its body only if all of it was kept."""
    assert delivery.status is not None
    headers = tuple((name, value.encode("latin-1")) for name, value in delivery.response_headers)
    if delivery.is_response_whole:
        return Answered(delivery.status, headers, bytes(delivery.response_body))
    return Answered(delivery.status, tuple(item for item in headers if item[0].lower() != "content-length"), b"")
