"""Finding the addresses of a host without making its run deaf to its deadline."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from engine.activity.http.addresses import Address, parse_address
from engine.activity.run_loop import RunLoop
from engine.deployment.host_patterns import is_address
from engine.errors import OutboundConnectError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect to.

    Args:
        family: ``AF_INET`` or ``AF_INET6``.
        where: What ``connect`` takes.
        address: The address in it.
    """

    family: int
    where: tuple[object, ...]
    address: Address


Found: TypeAlias = "list[Endpoint] | OutboundConnectError"
Resolver: TypeAlias = Callable[[str, int], list[Endpoint]]
"""``(host, port) -> endpoints``, best first; blocks, and raises ``OutboundConnectError``."""


def resolve(host: str, port: int) -> list[Endpoint]:
    """Ask the system for a host's endpoints."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except socket.gaierror as error:
        raise OutboundConnectError("DNS-error", f"no address of {host} can be found: {error.strerror}") from error
    except (UnicodeError, OSError) as error:
        raise OutboundConnectError("DNS-error", f"no address of {host} can be found: it is no host's name") from error
    endpoints = [Endpoint(family, where, parse_address(str(where[0]))) for family, _, _, _, where in found]
    if not endpoints:
        raise OutboundConnectError("destination-not-found", f"{host} has no address")
    return endpoints


def look_up(loop: RunLoop, resolver: Resolver, host: str, port: int, done: Callable[[Found], None]) -> None:
    """Resolve a host for a run: at once if it is an address, else on another thread, which nobody waits for at exit.

    Args:
        loop: The run's; ``done`` is called on its thread.
        resolver: Finds the endpoints.
        host: The host.
        port: The port.
        done: Called with the endpoints, or the error.
    """

    def found() -> Found:
        try:
            return resolver(host, port)
        except OutboundConnectError as error:
            return error

    if is_address(host):
        done(found())
        return

    def work() -> None:
        result = found()
        loop.call_soon(lambda: done(result))

    threading.Thread(target=work, name="name-lookup", daemon=True).start()
