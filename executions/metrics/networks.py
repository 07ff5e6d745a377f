"""Addresses that may read metrics without a token (pure; settings import it)."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a comma-separated list; a single address is a network of one.

    Raises:
        ValueError: If a part is neither; the message quotes it.
    """
    networks = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ip_network(part))
        except ValueError as error:
            raise ValueError(f"expected addresses or networks such as 10.0.0.0/8, got {part!r}: {error}") from error
    return tuple(networks)


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether an address is in one of the networks; what is no address is in none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
