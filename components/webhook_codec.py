"""The stored form of where a webhook endpoint is mounted; a part of `components.config_codec`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from engine.deployment.webhooks import (
    SITE_LIMITS,
    HmacAlgorithm,
    HmacEncoding,
    HmacScheme,
    Provider,
    RequestLimits,
    Route,
    Verification,
    WebhookMount,
)

_MILLISECOND = timedelta(milliseconds=1)


def encode_webhook(mount: WebhookMount) -> dict[str, Any]:
    """Return the JSON form."""
    stored: dict[str, Any] = {
        "http_server": mount.http_server,
        "routes": [{"methods": list(route.methods), "path": route.path} for route in mount.routes],
    }
    # Those stored before there were limits and signatures have none of these.
    if mount.limits != SITE_LIMITS:
        stored["limits"] = _encode_limits(mount.limits)
    if mount.verify is not None:
        stored["verify"] = _encode_verification(mount.verify)
    if mount.keeps_backtraces:
        stored["backtrace_persist"] = True
    return stored


def decode_webhook(stored: dict[str, Any] | None) -> WebhookMount | None:
    """Read the JSON form back; raises ``KeyError``, ``TypeError`` or ``ValueError`` if it is none."""
    if stored is None:
        return None
    routes = (Route(methods=tuple(route["methods"]), path=route["path"]) for route in stored["routes"])
    return WebhookMount(
        http_server=stored["http_server"],
        routes=tuple(routes),
        limits=_decode_limits(stored["limits"]) if "limits" in stored else SITE_LIMITS,
        verify=_decode_verification(stored["verify"]) if "verify" in stored else None,
        keeps_backtraces=stored.get("backtrace_persist", False),
    )


def _encode_limits(limits: RequestLimits) -> dict[str, Any]:
    return {
        "body_bytes": limits.body_bytes,
        "timeout_ms": None if limits.timeout is None else limits.timeout // _MILLISECOND,
        "concurrency": limits.concurrency,
    }


def _decode_limits(stored: dict[str, Any]) -> RequestLimits:
    timeout = stored["timeout_ms"]
    return RequestLimits(
        body_bytes=stored["body_bytes"],
        timeout=None if timeout is None else timedelta(milliseconds=timeout),
        concurrency=stored["concurrency"],
    )


def _encode_verification(verify: Verification) -> dict[str, Any]:
    scheme = verify.hmac
    return {
        "provider": verify.provider.value,
        "secrets": list(verify.secrets),
        "tolerance_ms": verify.tolerance // _MILLISECOND,
        "hmac": None
        if scheme is None
        else {
            "header": scheme.header,
            "prefix": scheme.prefix,
            "algorithm": scheme.algorithm.value,
            "encoding": scheme.encoding.value,
            "delivery_header": scheme.delivery_header,
        },
    }


def _decode_verification(stored: dict[str, Any]) -> Verification:
    scheme = stored["hmac"]
    return Verification(
        provider=Provider(stored["provider"]),
        secrets=tuple(stored["secrets"]),
        tolerance=timedelta(milliseconds=stored["tolerance_ms"]),
        hmac=None
        if scheme is None
        else HmacScheme(
            header=scheme["header"],
            prefix=scheme["prefix"],
            algorithm=HmacAlgorithm(scheme["algorithm"]),
            encoding=HmacEncoding(scheme["encoding"]),
            delivery_header=scheme["delivery_header"],
        ),
    )
