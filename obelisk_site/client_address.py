"""The address of who asks, where proxies stand between.

A proxy connects in the place of its clients and says for whom in ``X-Forwarded-For``, which anybody else can write just
as well. So it is believed only of the proxies that the operator names, from the nearest one on; whatever reads the
address afterwards (logs, records of refused requests) reads what is found here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

Network = IPv4Network | IPv6Network
Application = Callable[..., Awaitable[None]]

_FORWARDED_FOR: Final = b"x-forwarded-for"
_MOST_HOPS: Final = 20
"""Proxies that may stand in a row; what is named behind so many is not looked at."""


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return addresses and networks as ``OBELISK_TRUSTED_PROXIES`` names them: ``127.0.0.1, 10.0.0.0/8``.

    Raises:
        ValueError: If a part is neither.
    """
    networks: list[Network] = []
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            networks.append(ip_network(part))
        except ValueError as error:
            raise ValueError(f"expected addresses or networks such as 10.0.0.0/8, got {part[:100]!r}") from error
    return tuple(networks)


class TrustedProxies:
    """Has the application see, as the client's, the address that trusted proxies name.

    Args:
        application: Serves requests and sockets.
        trusted: Addresses of proxies.
    """

    def __init__(self, application: Application, trusted: Sequence[Network]) -> None:
        self._application = application
        self._trusted = trusted

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request or socket."""
        peer = scope.get("client")
        if self._trusted and peer:
            forwarded = [value for name, value in scope.get("headers", ()) if name == _FORWARDED_FOR]
            address = client_address(peer[0], b",".join(forwarded).decode("latin-1"), self._trusted)
            if address != peer[0]:
                # The port is that of the connection to the proxy, and says nothing of the client.
                scope = {**scope, "client": [address, 0]}
        await self._application(scope, receive, send)


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Return the address of the nearest one that is no trusted proxy.

    Args:
        peer: Who connected.
        forwarded: ``X-Forwarded-For``: each proxy has added the address that connected to it at the end.
        trusted: Addresses of proxies.
    """
    nearest = peer
    for named in reversed(forwarded.split(",")[-_MOST_HOPS:]):
        if not _is_among(nearest, trusted):
            break
        address = _parsed(named.strip())
        if address is None:
            break  # that proxy did not say for whom
        nearest = str(address)
    return nearest


def _is_among(address: str, trusted: Sequence[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A socket for both kinds writes 10.0.0.1 as ::ffff:10.0.0.1.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
