"""Where a webhook endpoint is mounted, and what its requests may take.

Source:
    Obelisk reference, sections 1.2 and 8; ``request`` and ``verify`` are ours.
"""

from __future__ import annotations

import re

from components.manifest.signatures import read_verification
from components.manifest.table_reader import TableReader
from engine.deployment.webhooks import SITE_LIMITS, RequestLimits, Route, WebhookMount

DEFAULT_SERVER = "external"
_MAX_BODY_BYTES = 1 << 30
_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def read_webhook(reader: TableReader) -> WebhookMount:
    """Read ``http_server``, ``routes``, ``request``, ``verify`` and ``backtrace_persist``."""
    server = reader.string("http_server") or DEFAULT_SERVER
    if server != DEFAULT_SERVER:
        reader.warn(
            "http_server",
            f'is "{server}"; the routes of all servers stand under one address here, OBELISK_WEBHOOK_PREFIX',
        )
    return WebhookMount(
        http_server=server,
        routes=_read_routes(reader),
        limits=_read_limits(reader),
        verify=read_verification(reader),
        keeps_backtraces=reader.boolean("backtrace_persist", default=False),
    )


def _read_limits(reader: TableReader) -> RequestLimits:
    table = reader.table("request")
    if table is None:
        return SITE_LIMITS
    limits = RequestLimits(
        body_bytes=table.integer("body_bytes", default=0, maximum=_MAX_BODY_BYTES) if table.has("body_bytes") else None,
        timeout=table.optional_duration("timeout"),
        concurrency=table.integer("concurrency", default=1, minimum=1) if table.has("concurrency") else None,
    )
    if limits.timeout is not None and not limits.timeout:
        table.refuse("timeout", "must be longer than zero")
    table.refuse_unknown_keys()
    return limits


def _read_routes(reader: TableReader) -> tuple[Route, ...]:
    value = reader.value("routes")
    if not isinstance(value, list) or not value:
        reader.refuse(
            "routes", 'must be a list of routes, such as ["/hook"] or [{ methods = ["POST"], route = "/hook" }]'
        )
        return ()
    return tuple(_read_route(reader, f"routes[{number}]", item) for number, item in enumerate(value, start=1))


def _read_route(reader: TableReader, place: str, item: object) -> Route:
    match item:
        case str(route):
            methods: tuple[str, ...] = ()
        case {"route": str(route), **rest} if not set(rest) - {"methods"}:
            methods = _read_methods(reader, place, rest.get("methods", []))
        case _:
            reader.refuse(place, 'must be a path, or a table such as { methods = ["POST"], route = "/hook" }')
            return Route(methods=(), path="")
    if problem := route_problem(route):
        reader.refuse(place, problem)
    return Route(methods=methods, path=route)


def _read_methods(reader: TableReader, place: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        reader.refuse(place, "has methods that are no list of strings")
        return ()
    if wrong := next((method for method in value if not _METHOD.fullmatch(method)), None):
        reader.refuse(place, f'holds "{wrong}", which is no HTTP method')
    return tuple(value)


def route_problem(route: str) -> str | None:
    """Return what is wrong with a route, or ``None``."""
    if route == "":
        return None
    if not route.startswith("/"):
        return f'is "{route}"; a route begins with "/", or is empty to match everything'
    segments = route.split("/")[1:]
    if any(segment.startswith("*") for segment in segments[:-1]):
        return f'is "{route}"; a * stands at the end of a route only'
    captured = [segment[1:] for segment in segments if segment[:1] in (":", "*") and segment[1:]]
    if any("=" in name or "\0" in name for name in captured):
        return f'is "{route}", where a parameter has a name that no environment variable can have'
    if any(segment == ":" for segment in segments):
        return f'is "{route}", where a parameter has no name'
    if len(captured) != len(set(captured)):
        return f'is "{route}", where two parameters have the same name'
    return None
