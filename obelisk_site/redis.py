"""Redis, where the site has one: the queue of housekeeping, and a channel layer that all web processes share.

Neither carries anything that would be missed. Executions and their wake-ups pass through the database alone, so a Redis
that is away costs sweeps that come later.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

_SCHEMES: Final = ("redis", "rediss", "unix")
_EXPECTED: Final = "expected redis://HOST:PORT/DATABASE, rediss:// for TLS, or unix:// and the path of a socket"


def redis_address(url: str, *, password: str | None) -> str:
    """Return the address of the Redis to use, its password included; empty if ``url`` is.

    Args:
        url: ``redis://user:password@host:port/database``, parts percent-encoded, ``rediss://`` or ``unix://``.
        password: The password, if it does not stand in the address.

    Raises:
        ValueError: If the address cannot be used; the sentence does not repeat it, as it may hold a password.
    """
    if not url:
        return ""
    parts = _parts_of(url)
    if parts is None:
        raise ValueError(_EXPECTED)
    if password is None:
        return url
    if parts.password:
        raise ValueError("the address holds a password, and OBELISK_REDIS_PASSWORD_FILE has another; leave one")
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username or ''}:{quote(password, safe='')}@{place}").geturl()


def _parts_of(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        has_place = bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if parts.scheme in _SCHEMES and has_place else None


def channel_layers(address: str) -> dict[str, Any]:
    """Return Django's ``CHANNEL_LAYERS``: through Redis if there is an address, within the process otherwise."""
    if not address:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    # Imported here: it takes a tenth of a second, for those who have a Redis.
    from redis.asyncio.connection import parse_url

    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    # In parts, of which error pages know that "password" is to be hidden.
    return {"default": {"BACKEND": backend, "CONFIG": {"hosts": [parse_url(address)], "prefix": "obelisk"}}}


def housekeeping_broker(address: str) -> dict[str, Any]:
    """Return the part of ``Q_CLUSTER`` that says through what tasks of housekeeping pass."""
    if not address:
        return {"broker_class": "executions.database_broker.DatabaseBroker", "orm": "default"}
    from redis.connection import parse_url  # as above

    return {"broker_class": "executions.redis_broker.RedisBroker", "redis": parse_url(address)}  # type: ignore[no-untyped-call]
