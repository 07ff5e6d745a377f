"""Which network addresses lie inside: on this machine, beside it, or where only the operator's own network goes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_SITE_LOCAL = IPv6Network("fec0::/10")


def parse_address(text: str) -> Address:
    """Read an address as the resolver writes it, with or without a scope.

    Raises:
        ValueError: If it is none.
    """
    return ip_address(text.partition("%")[0])


def inside(address: Address) -> str | None:
    """Return what kind of inside address this is, in a word or two, or ``None`` for one of the public internet.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64, Teredo) is what the address in it is.
    """
    if (carried := _carried(address)) is not None:
        return inside(carried)
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if is_never_a_host(address):
        return "reserved"
    if address.is_private or not address.is_global or (isinstance(address, IPv6Address) and address in _SITE_LOCAL):
        return "private"
    return None


def is_never_a_host(address: Address) -> bool:
    """Tell whether no host can have the address, so that no pattern makes it right."""
    if (carried := _carried(address)) is not None:
        return is_never_a_host(carried)
    return address.is_unspecified or address.is_multicast or (address.is_reserved and not address.is_loopback)


def _carried(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None
