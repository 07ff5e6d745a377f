"""Requests to endpoints that want them signed: checked before any component runs, then delivered once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from django.db import Error as DatabaseError
from django.utils import timezone

from engine.activity.http.messages import Header
from engine.deployment.webhooks import Verification
from webhooks.deliveries import Answered, Signed, deliver
from webhooks.exchange import BodyTooLarge, ClientGone, Exchange, Receive, read_whole
from webhooks.host import Endpoint, WebhookHost
from webhooks.problems import Problem, body_too_large, signature_refused
from webhooks.providers import SignatureRefused, SignedMessage, verify_signature
from webhooks.scopes import Scope, authority_of, headers_of, target_of

log = structlog.get_logger(__name__)

_NO_SECRET = Problem(
    status=503, code="secret_missing", detail="The endpoint's secret is not there; the log of the site says which"
)

_UNRECORDED = Problem(status=503, code="webhook_unusable", detail="the request cannot be recorded now")


async def deliver_signed(
    host: WebhookHost,
    endpoint: Endpoint,
    params: Mapping[str, str],
    scope: Scope,
    receive: Receive,
    exchange: Exchange,
    *,
    path: str,
) -> None:
    """Check a request's signature and have its endpoint answer it.

    It is answered and its outcome kept even if the client does not wait for it.

    Args:
        host: This process's.
        endpoint: Whose request it is.
        params: What its route captured.
        scope: What the server says of the request.
        receive: The server's.
        exchange: Where the response goes.
        path: The path as the component sees it.
    """
    verify = endpoint.mount.verify
    assert verify is not None
    try:
        body = await read_whole(receive, most=endpoint.body_bytes)
    except BodyTooLarge:
        await refuse(host, endpoint, scope, exchange, body_too_large(endpoint.body_bytes), path=path)
        return
    except ClientGone:
        return
    headers = headers_of(scope)
    checked = _check(host, endpoint, verify, headers, body)
    if isinstance(checked, Problem):
        await refuse(host, endpoint, scope, exchange, checked, path=path)
        return
    signed = Signed(
        provider=verify.provider,
        delivery_id=checked.delivery_id,
        method=scope["method"],
        authority=authority_of(headers),
        target=target_of(path, scope),
        headers=headers,
        body=body,
    )
    try:
        outcome = await exchange.send_all(host.submit(deliver, host, endpoint, params, signed, exchange))
    except DatabaseError as error:
        log.error("webhook.delivery_unrecorded", endpoint=endpoint.name, error=str(error))
        outcome = _UNRECORDED
    finally:
        exchange.detach()
    match outcome:
        case Answered(status=status, headers=given, body=content):
            await exchange.send_whole(status, given, content)
        case Problem() if not exchange.has_begun:
            await exchange.send_problem(outcome)
        case _:
            pass


async def refuse(
    host: WebhookHost, endpoint: Endpoint, scope: Scope, exchange: Exchange, problem: Problem, *, path: str
) -> None:
    """Tell a client why no component sees its request, and have that kept for people.

    Args:
        host: This process's.
        endpoint: Whose request it would have been.
        scope: What the server says of the request.
        exchange: Where the problem goes.
        problem: Why.
        path: The path as the component would have seen it.
    """
    verify = endpoint.mount.verify
    host.refusals.add(endpoint.name, "" if verify is None else verify.provider.value, scope, path, problem)
    await exchange.send_problem(problem)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A signature that is right."""

    delivery_id: str | None


def _check(
    host: WebhookHost, endpoint: Endpoint, verify: Verification, headers: tuple[Header, ...], body: bytes
) -> _Checked | Problem:
    keys = host.keys(verify.secrets)
    if not keys:
        log.error("webhook.secret_missing", endpoint=endpoint.name, secrets=list(verify.secrets))
        return _NO_SECRET
    message = SignedMessage({name.lower(): value.decode("latin-1") for name, value in headers}, body)
    try:
        return _Checked(verify_signature(verify, message, keys, now=timezone.now()))
    except SignatureRefused as error:
        log.warning("webhook.signature_refused", endpoint=endpoint.name, reason=str(error))
        return signature_refused(str(error))
