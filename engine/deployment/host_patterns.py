"""Patterns that say which hosts a request may go to: ``[scheme://]host[:port]``.

Source:
    Obelisk reference, section 7.1. Hosts are compared in lower case, and a pattern such as ``192.168.1.*`` means
    addresses, not names that begin like one; both are stricter than Obelisk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from engine.errors import DeploymentError

DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEMES = ("http", "https", "*")
_NUMERIC_PREFIX = re.compile(r"[0-9.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPattern:
    """One pattern, taken apart.

    Args:
        scheme: ``http`` or ``https``; ``None`` for both.
        host: The host in lower case, without the ``*`` at an end; an IPv6 address without brackets.
        any_before: Whether the host may begin with anything, as for ``*.example.com`` and ``*``.
        any_after: Whether it may end with anything, as for ``192.168.1.*``.
        port: The port; 0 for the scheme's default, ``None`` for any.
    """

    scheme: str | None
    host: str
    any_before: bool
    any_after: bool
    port: int | None

    @property
    def names_host(self) -> bool:
        """Whether it means one host, or a range of addresses written as such: its author knew what is there."""
        return not self.any_before and (not self.any_after or _NUMERIC_PREFIX.fullmatch(self.host) is not None)

    def matches(self, scheme: str, host: str, port: int) -> bool:
        """Tell whether a request goes where the pattern allows.

        Args:
            scheme: ``http`` or ``https``.
            host: As `normal_host` gives it.
            port: The port it is sent to.
        """
        if self.scheme is not None and self.scheme != scheme:
            return False
        if self.port is not None and port != (self.port or DEFAULT_PORTS[scheme]):
            return False
        return self._matches_host(host)

    def overlaps(self, other: HostPattern) -> bool:
        """Tell whether some request goes where both patterns allow; never wrong where it says no."""
        return self._overlaps_host(other) and any(
            self.scheme in (None, scheme)
            and other.scheme in (None, scheme)
            and (
                self.port is None
                or other.port is None
                or (self.port or DEFAULT_PORTS[scheme]) == (other.port or DEFAULT_PORTS[scheme])
            )
            for scheme in DEFAULT_PORTS
        )

    def _overlaps_host(self, other: HostPattern) -> bool:
        if not (self.any_before or self.any_after):
            return other._matches_host(self.host)
        if not (other.any_before or other.any_after):
            return self._matches_host(other.host)
        if self.any_before and other.any_before:
            return self.host.endswith(other.host) or other.host.endswith(self.host)
        if self.any_after and other.any_after:
            return self.host.startswith(other.host) or other.host.startswith(self.host)
        return True

    def _matches_host(self, host: str) -> bool:
        if self.any_before:
            return len(host) > len(self.host) and host.endswith(self.host) if self.host else True
        if self.any_after:
            return host.startswith(self.host) and (not self.names_host or is_address(host))
        return host == self.host


@lru_cache(maxsize=4096)
def parse_pattern(pattern: str) -> HostPattern:
    """Read a pattern.

    Raises:
        DeploymentError: If it is none; the message goes on from its name: ``is "a/b"; ...``.
    """
    scheme, separator, rest = pattern.rpartition("://")
    if separator and scheme not in _SCHEMES:
        raise DeploymentError(f'has the scheme "{scheme}"; expected http, https or *')
    if "/" in rest:
        raise DeploymentError(f'is "{pattern}"; a pattern is [scheme://]host[:port] without a path')
    host, colon, port = rest.rpartition(":") if not rest.endswith("]") else (rest, "", "")
    if not colon:
        host = rest
    elif port != "*" and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise DeploymentError(f'has the port "{port}"; expected 1 to 65535 or *')
    if not host or any(character.isspace() or character == "@" for character in host):
        raise DeploymentError(f'is "{pattern}", which names no host')
    if "*" in host[1:-1] or host.count("*") > 1:
        raise DeploymentError(f'is "{pattern}"; a host has one * at most, as its first or last character')
    text = host.strip("*")
    return HostPattern(
        scheme={"": "https", "*": None}.get(scheme, scheme),
        host=text.lower() if host != text else normal_host(host),
        any_before=host.startswith("*"),
        any_after=host.endswith("*") and host != "*",
        port=0 if not colon else None if port == "*" else int(port),
    )


def normal_host(host: str) -> str:
    """Return a host in the form in which hosts are compared: lower case, no brackets, no dot at the end."""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    host = host.lower().removesuffix(".")
    return str(ip_address(host)) if is_address(host) else host


def is_address(host: str) -> bool:
    """Tell whether a host is written as an address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
