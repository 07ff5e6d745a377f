"""Who asks, where proxies stand between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from obelisk_site.client_address import TrustedProxies, client_address, parse_networks

TRUSTED = parse_networks("10.0.0.0/8, 127.0.0.1, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "192.0.2.1", "203.0.113.7"),  # nobody's proxy
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.9, 192.0.2.1", "192.0.2.1"),  # the first was written by the client itself
        ("10.0.0.1", "192.0.2.1, 10.0.0.2,127.0.0.1", "192.0.2.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),  # somebody within
        ("10.0.0.1", "192.0.2.1, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("", "192.0.2.1", ""),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == address


def test_a_header_of_any_length_is_looked_at_only_so_far() -> None:
    assert client_address("10.0.0.1", "192.0.2.1," + ",".join(["10.0.0.2"] * 50_000), TRUSTED) == "10.0.0.2"


def test_what_is_no_network_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"such as 10\.0\.0\.0/8, got 'proxy\.local'"):
        parse_networks("10.0.0.1, proxy.local")


def _seen(client: list[Any] | None, trusted: str, *forwarded: bytes) -> Any:
    seen: list[Any] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["client"])

    headers = [(b"host", b"here"), *((b"x-forwarded-for", each) for each in forwarded)]
    scope = {"type": "http", "client": client, "headers": headers}
    asyncio.run(TrustedProxies(application, parse_networks(trusted))(scope, None, None))
    return seen[0]


def test_the_application_sees_the_clients_address() -> None:
    assert _seen(["10.0.0.1", 4711], "10.0.0.1", b"192.0.2.1") == ["192.0.2.1", 0]
    assert _seen(["10.0.0.1", 4711], "10.0.0.0/8", b"192.0.2.1", b"10.0.0.9") == ["192.0.2.1", 0]


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert _seen(["10.0.0.1", 4711], "", b"192.0.2.1") == ["10.0.0.1", 4711]
    assert _seen(None, "10.0.0.1", b"192.0.2.1") is None
