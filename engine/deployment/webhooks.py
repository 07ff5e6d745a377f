"""What a deployment says of a webhook endpoint: its routes, what a request may take, and who signs its requests.

Source:
    Obelisk reference, sections 1.2 and 8; ``request`` and ``verify`` are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

HANDLER = "wasi:http/incoming-handler.handle"
"""The function that every execution of a webhook endpoint is a call of, in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of a webhook endpoint.

    Args:
        methods: HTTP methods that it takes; empty takes all that no other route takes by name.
        path: ``/path``, ``/path/*``, ``/path/:name``; empty for everything.
    """

    methods: tuple[str, ...]
    path: str


class Provider(StrEnum):
    """Who sends signed requests, each by its own rules."""

    GITHUB = "github"
    STRIPE = "stripe"
    SLACK = "slack"
    STANDARD_WEBHOOKS = "standard-webhooks"
    HMAC = "hmac"
    """Anybody who sends the HMAC of the body in a header; `HmacScheme` says how."""


class HmacAlgorithm(StrEnum):
    """The hash function of a generic signature."""

    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"


class HmacEncoding(StrEnum):
    """How a generic signature is written."""

    HEX = "hex"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacScheme:
    """How a generic signature is sent.

    Args:
        header: The header that carries it.
        prefix: What stands before it there, such as ``sha256=``.
        algorithm: Its hash function.
        encoding: How it is written.
        delivery_header: The header that names the delivery; ``None`` if there is none, and then nothing is told apart.
    """

    header: str
    prefix: str = ""
    algorithm: HmacAlgorithm = HmacAlgorithm.SHA256
    encoding: HmacEncoding = HmacEncoding.HEX
    delivery_header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Who must have signed a request.

    Args:
        provider: By whose rules.
        secrets: Names of the operator's secrets, any of which may be the key: in a rotation the new and the old one.
        tolerance: How old, or how far ahead, the time of a signature may be, where the provider signs one.
        hmac: Set for `Provider.HMAC` only.
    """

    provider: Provider
    secrets: tuple[str, ...]
    tolerance: timedelta = timedelta(minutes=5)
    hmac: HmacScheme | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """What one endpoint's requests may take, where that is less than the site gives; ``None`` takes the site's.

    Args:
        body_bytes: Size of a request's body.
        timeout: How long a request may take, its response included.
        concurrency: Requests of the endpoint at a time in one web process.
    """

    body_bytes: int | None = None
    timeout: timedelta | None = None
    concurrency: int | None = None


SITE_LIMITS = RequestLimits()
"""An endpoint that asks for nothing special."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookMount:
    """Where a webhook endpoint is mounted.

    Args:
        http_server: The name of a server in Obelisk's ``server.toml``; there is one server here.
        routes: What it answers, at least one.
        limits: What its requests may take.
        verify: Who must have signed them; ``None`` takes requests from anybody.
        keeps_backtraces: Whether it is remembered where in the source calls are made.
    """

    http_server: str
    routes: tuple[Route, ...]
    limits: RequestLimits = SITE_LIMITS
    verify: Verification | None = None
    keeps_backtraces: bool = False
