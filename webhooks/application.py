"""The ASGI application that hands requests below one prefix to webhook endpoints, and all others to Django.

Beside Django, not as one of its views: Django reads the whole body of a request before any view sees it
(docs/decisions/0014).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from django.conf import settings

from components.problems import DeploymentRefused
from engine.deployment.routes import WrongMethod
from engine.executor.webhook_run import RequestFailed, WebhookRun
from engine.host.wasi.incoming_handler import ReceivedRequest
from webhooks.exchange import BodyFeed, Exchange, Receive, Send
from webhooks.host import Endpoint, WebhookHost, webhook_host
from webhooks.problems import BUSY, NOT_FOUND, Problem, body_too_large, method_not_allowed, problem_of
from webhooks.scopes import Scope, authority_of, declared_length, headers_of, raw_path, target_of
from webhooks.signed_requests import deliver_signed, refuse

log = structlog.get_logger(__name__)

Application = Callable[..., Awaitable[None]]

_UNUSABLE = Problem(status=503, code="webhooks_unusable", detail="Webhooks cannot be served; the log says why")


class WebhookApplication:
    """Serves webhook endpoints; the prefix is the setting ``OBELISK_WEBHOOK_PREFIX``.

    Args:
        others: Serves every other request.
    """

    def __init__(self, others: Application) -> None:
        self._others = others

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request."""
        prefix: str = settings.OBELISK_WEBHOOK_PREFIX
        path = raw_path(scope)
        if not path.startswith(prefix):
            await self._others(scope, receive, send)
            return
        try:
            host = await asyncio.to_thread(webhook_host)
        except DeploymentRefused as error:
            log.error("webhooks.unusable", error=str(error))
            await Exchange(scope, send).send_problem(_UNUSABLE)
            return
        await _serve(host, scope, receive, send, path="/" + path.removeprefix(prefix))


async def _serve(host: WebhookHost, scope: Scope, receive: Receive, send: Send, *, path: str) -> None:
    exchange = Exchange(scope, send)
    found = host.find(scope["method"], path)
    if found is None:
        await exchange.send_problem(NOT_FOUND)
    elif isinstance(found, WrongMethod):
        await exchange.send_problem(method_not_allowed(found.allowed))
    elif declared_length(scope) > found.endpoint.body_bytes:
        problem = body_too_large(found.endpoint.body_bytes)
        await refuse(host, found.endpoint, scope, exchange, problem, path=path)
    elif not host.admit(found.endpoint):
        await refuse(host, found.endpoint, scope, exchange, BUSY, path=path)
    else:
        try:
            if found.endpoint.mount.verify is None:
                await _hand_over(host, found.endpoint, found.params, scope, receive, exchange, path=path)
            else:
                await deliver_signed(host, found.endpoint, found.params, scope, receive, exchange, path=path)
        finally:
            # Not before the thread is free: clients that go away at once would have ever more threads started.
            endpoint = found.endpoint
            exchange.when_over(lambda: host.dismiss(endpoint))


async def _hand_over(
    host: WebhookHost,
    endpoint: Endpoint,
    params: Mapping[str, str],
    scope: Scope,
    receive: Receive,
    exchange: Exchange,
    *,
    path: str,
) -> None:
    feed = BodyFeed(receive, most=endpoint.body_bytes)
    headers = headers_of(scope)
    request = ReceivedRequest(
        method=scope["method"],
        authority=authority_of(headers),
        target=target_of(path, scope),
        headers=headers,
        body=feed.body,
    )
    run = host.make_run(endpoint, request, exchange, params=params)
    running = host.submit(_run, host, run)

    def refuse_the_body() -> None:
        exchange.refuse()
        run.give_up()

    feeding = asyncio.create_task(feed.run(on_gone=run.give_up, on_too_large=refuse_the_body))
    try:
        failed = await exchange.send_all(running)
    finally:
        run.give_up()
        exchange.detach()
        feeding.cancel()
    if exchange.is_refused:
        await refuse(host, endpoint, scope, exchange, body_too_large(endpoint.body_bytes), path=path)
    elif failed is not None and not exchange.has_begun:
        await exchange.send_problem(problem_of(failed))


def _run(host: WebhookHost, run: WebhookRun) -> RequestFailed | None:
    with host.looking_after(run):
        return run.execute()
