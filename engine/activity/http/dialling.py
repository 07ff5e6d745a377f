"""From a host's name to a connection: look-up, check of the addresses, connect, TLS handshake; never blocking."""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from engine.activity.http.addresses import Address
from engine.activity.http.connection import Connection, Origin
from engine.activity.http.name_lookup import Endpoint, Found, Resolver, look_up
from engine.activity.run_loop import READ, WRITE, RunLoop
from engine.errors import OutboundConnectError, OutboundDenied, OutboundError

Dialled: TypeAlias = "Connection | OutboundError"

PATIENCE_S = 3.0
"""How long an address may take while others are left to be tried."""

_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY, errno.EISCONN)
_CODES = {
    errno.ECONNREFUSED: "connection-refused",
    errno.ETIMEDOUT: "connection-timeout",
    errno.EHOSTUNREACH: "destination-IP-unroutable",
    errno.ENETUNREACH: "destination-IP-unroutable",
    errno.EADDRNOTAVAIL: "destination-IP-unroutable",
    errno.EMFILE: "connection-limit-reached",
    errno.ENFILE: "connection-limit-reached",
}


class Dialling:
    """One attempt to have a connection: the host's addresses in turn, until one answers.

    Args:
        loop: The run's.
        origin: Whom to connect to.
        resolver: Finds the host's endpoints.
        tls: For ``https``.
        problem: Why a connection to an address is refused, or ``None``.
        done: Called once, on the run's thread, with what came of it.
    """

    def __init__(
        self,
        *,
        loop: RunLoop,
        origin: Origin,
        resolver: Resolver,
        tls: Callable[[], ssl.SSLContext],
        problem: Callable[[Address], str | None],
        done: Callable[[Dialled], None],
    ) -> None:
        self._loop = loop
        self._origin = origin
        self._tls = tls
        self._problem = problem
        self._done: Callable[[Dialled], None] | None = done
        self._rest: Iterator[Endpoint] = iter(())
        self._left = 0
        self._endpoint: socket.socket | None = None
        self.due_at: float | None = None
        self._failure: OutboundError | None = None
        self.phase = f"looking up {origin.host}"
        look_up(loop, resolver, origin.host, origin.port, self._found)

    def cancel(self) -> None:
        """Give up; ``done`` is not called any more."""
        self._done = None
        self._loop.discard(self)
        self._drop()

    def _found(self, found: Found) -> None:
        if self._done is None:
            return
        if isinstance(found, OutboundError):
            self._finish(found)
            return
        problems = [self._problem(endpoint.address) for endpoint in found]
        if None not in problems:
            self._finish(OutboundDenied("destination-IP-prohibited", next(filter(None, problems))))
            return
        # What is connected to is the very address that was checked; the name is not looked up again.
        allowed = [each for each, problem in zip(found, problems, strict=True) if problem is None]
        self._rest, self._left = iter(allowed), len(allowed)
        self._loop.add(self)
        self._try_next()

    def on_due(self) -> None:
        """Hear that an address took too long: one that swallows packets must not hide those behind it."""
        self._failure = self._connect_error(errno.ETIMEDOUT)
        self._drop()
        self._try_next()

    def _try_next(self) -> None:
        for candidate in self._rest:
            self._left -= 1
            self.due_at = time.monotonic() + PATIENCE_S if self._left else None
            self.phase = f"connecting to {self._origin.host} at {candidate.address}"
            try:
                endpoint = socket.socket(candidate.family, socket.SOCK_STREAM)
                endpoint.settimeout(0)
                code = endpoint.connect_ex(candidate.where)
            except OSError as error:
                self._failure = self._connect_error(error.errno or 0)
                continue
            if code in _UNDER_WAY:
                self._endpoint = endpoint
                self._loop.watch(endpoint, WRITE, self._when_connected(candidate.address))
                return
            endpoint.close()
            self._failure = self._connect_error(code)
        self._finish(self._failure or self._connect_error(errno.EHOSTUNREACH))

    def _when_connected(self, address: Address) -> Callable[[int], None]:
        return lambda _events: self._connected(address)

    def _connected(self, address: Address) -> None:
        endpoint = self._endpoint
        assert endpoint is not None
        code = endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._failure = self._connect_error(code)
            self._drop()
            self._try_next()
            return
        self.due_at = None
        endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._origin.scheme == "http":
            self._succeed(endpoint, address)
            return
        self.phase = f"the TLS handshake with {self._origin.host}"
        self._loop.watch(endpoint, 0, _ignore)
        try:
            secured = self._tls().wrap_socket(
                endpoint, server_hostname=self._origin.host, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            self._finish(self._tls_error(error))
            return
        self._endpoint = secured
        self._shake_hands(secured, address)

    def _shake_hands(self, secured: ssl.SSLSocket, address: Address) -> None:
        try:
            secured.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.watch(secured, READ, lambda _events: self._shake_hands(secured, address))
        except ssl.SSLWantWriteError:
            self._loop.watch(secured, WRITE, lambda _events: self._shake_hands(secured, address))
        except (OSError, ValueError) as error:
            # Another address of the host has the same certificate.
            self._finish(self._tls_error(error))
        else:
            self._succeed(secured, address)

    def _succeed(self, endpoint: socket.socket, address: Address) -> None:
        self._loop.watch(endpoint, 0, _ignore)
        self._endpoint = None
        self._finish(Connection(endpoint, self._origin, address))

    def _finish(self, dialled: Dialled) -> None:
        done, self._done = self._done, None
        self._loop.discard(self)
        self._drop()
        if done is not None:
            done(dialled)
        elif isinstance(dialled, Connection):
            dialled.close()

    def _drop(self) -> None:
        self.due_at = None
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            self._loop.watch(endpoint, 0, _ignore)
            endpoint.close()

    def _connect_error(self, code: int) -> OutboundConnectError:
        text = errno.errorcode.get(code, str(code))
        return OutboundConnectError(
            _CODES.get(code, "destination-unavailable"),
            f"no connection to {self._origin.host} port {self._origin.port}: {text}",
        )

    def _tls_error(self, error: OSError | ValueError) -> OutboundConnectError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return OutboundConnectError(
                "TLS-certificate-error",
                f"the certificate of {self._origin.host} is not valid: {error.verify_message}",
            )
        reason = getattr(error, "reason", None) or type(error).__name__
        return OutboundConnectError("TLS-protocol-error", f"no TLS with {self._origin.host}: {reason}")


def _ignore(_events: int) -> None:
    return None
