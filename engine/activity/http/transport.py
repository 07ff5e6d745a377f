"""What the runs of one process share to speak HTTP: idle connections, trusted certificates, the resolver."""

from __future__ import annotations

import ssl
import threading

from engine.activity.http.connection import IdleConnections
from engine.activity.http.name_lookup import Resolver, resolve


class HttpTransport:
    """Shared by all threads; to be made after a fork.

    Args:
        resolver: Finds the endpoints of a host.
        tls: Whom to trust; by default what the system trusts, or ``SSL_CERT_FILE`` names.
    """

    def __init__(self, *, resolver: Resolver = resolve, tls: ssl.SSLContext | None = None) -> None:
        self.resolver = resolver
        self.idle = IdleConnections()
        self._tls = tls
        self._mutex = threading.Lock()

    def tls(self) -> ssl.SSLContext:
        """Return the settings of TLS; reading the certificates takes a while, so that waits for the first use."""
        with self._mutex:
            if self._tls is None:
                self._tls = ssl.create_default_context()
                self._tls.set_alpn_protocols(["http/1.1"])
            return self._tls

    def close(self) -> None:
        """Close the idle connections."""
        self.idle.close()
