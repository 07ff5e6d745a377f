"""The ASGI application that hands requests below one prefix to webhook endpoints, and all others to Django.

Beside Django, not as one of its views: Django reads the whole body of a request before any view sees it
(docs/decisions/0012).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import structlog
from django.conf import settings

from components.problems import DeploymentRefused
from engine.activity.http_messages import Header
from engine.deployment.routes import WrongMethod
from engine.executor.webhook_run import Failure, RequestFailed, WebhookRun
from engine.host.wasi.incoming_handler import ReceivedRequest
from webhooks.exchange import BodyFeed, Exchange, Receive, Send
from webhooks.host import Endpoint, WebhookHost, webhook_host
from webhooks.problems import BUSY, NOT_FOUND, Problem, body_too_large, method_not_allowed

log = structlog.get_logger(__name__)

Scope = Mapping[str, Any]
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
        path = _raw_path(scope)
        if not path.startswith(prefix):
            await self._others(scope, receive, send)
            return
        try:
            host = await asyncio.to_thread(webhook_host)
        except DeploymentRefused as error:
            log.error("webhooks.unusable", error=str(error))
            await _send_problem(Exchange(send), scope, _UNUSABLE)
            return
        await _serve(host, scope, receive, send, path="/" + path.removeprefix(prefix))


async def _serve(host: WebhookHost, scope: Scope, receive: Receive, send: Send, *, path: str) -> None:
    exchange = Exchange(send)
    found = host.find(scope["method"], path)
    if found is None:
        await _send_problem(exchange, scope, NOT_FOUND)
    elif isinstance(found, WrongMethod):
        await _send_problem(exchange, scope, method_not_allowed(found.allowed))
    elif _declared_length(scope) > found.endpoint.body_bytes:
        await _send_problem(exchange, scope, body_too_large(found.endpoint.body_bytes))
    elif not host.admit(found.endpoint):
        await _send_problem(exchange, scope, BUSY)
    else:
        try:
            await _hand_over(host, found.endpoint, found.params, scope, receive, exchange, path=path)
        finally:
            host.dismiss(found.endpoint)


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
        authority=_authority(headers),
        target=_target(path, scope),
        headers=headers,
        body=feed.body,
    )
    run = host.make_run(endpoint, request, exchange, params=params)
    running = host.pool.submit(_run, host, run)
    feeding = asyncio.create_task(feed.run(run.give_up))
    try:
        failed = await exchange.send_all(running)
    finally:
        run.give_up()
        feeding.cancel()
    if failed is not None and not exchange.has_begun:
        problem = body_too_large(endpoint.body_bytes) if feed.is_too_large else problem_of(failed)
        await _send_problem(exchange, scope, problem)


def _run(host: WebhookHost, run: WebhookRun) -> RequestFailed | None:
    with host.looking_after(run):
        return run.execute()


def problem_of(failed: RequestFailed) -> Problem:
    """Return what a client is told of a request that has no response."""
    match failed.failure:
        case Failure.UNUSABLE | Failure.GIVEN_UP:
            return Problem(status=503, code=f"webhook_{failed.failure}", detail=failed.message)
        case Failure.TIMED_OUT:
            return Problem(status=504, code="webhook_timed_out", detail=failed.message)
        case Failure.BROKEN | Failure.ERROR_CODE:
            return Problem(status=500, code=f"webhook_{failed.failure}", detail=failed.message)


async def _send_problem(exchange: Exchange, scope: Scope, problem: Problem) -> None:
    headers, body = problem.render(headers_of(scope))
    await exchange.send_whole(problem.status, headers, b"" if scope["method"] == "HEAD" else body)


def headers_of(scope: Scope) -> tuple[Header, ...]:
    """Return a request's headers."""
    return tuple((name.decode("latin-1"), value) for name, value in scope["headers"])


def _raw_path(scope: Scope) -> str:
    if scope["type"] != "http":
        return ""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


def _target(path: str, scope: Scope) -> str:
    query: bytes = scope.get("query_string", b"")
    return f"{path}?{query.decode('latin-1')}" if query else path


def _authority(headers: tuple[Header, ...]) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name == "host"), None)


def _declared_length(scope: Scope) -> int:
    """Return what a request says about the length of its body; 0 if it says nothing, or nonsense."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 19:
            return int(value)
    return 0
