"""Exchanges whose responses are wanted whole; whoever waits for one of several moves all of them on."""

from __future__ import annotations

import time

from engine.activity.http.exchange import Exchange
from engine.activity.http.messages import HttpResponse
from engine.errors import OutboundError, OutboundProtocolError, OutboundTimeout

MAX_WHOLE_BYTES = 16 << 20


class WholeExchange:
    """One request and its response, collected while somebody waits.

    Args:
        exchange: Has begun.
        until: When it has to be over, on `time.monotonic`; ``None`` leaves it to the run's own deadline.
    """

    def __init__(self, exchange: Exchange, *, until: float | None) -> None:
        self.until = until
        self._exchange = exchange
        self._received = bytearray()

    def has_ended(self) -> bool:
        """Take what has arrived, and tell whether the outcome is known."""
        exchange = self._exchange
        while exchange.available():
            self._received += exchange.take(exchange.available())
            if len(self._received) > MAX_WHOLE_BYTES:
                exchange.fail(_too_large())
                return True
        if not exchange.has_ended and self.until is not None and time.monotonic() >= self.until:
            authority = exchange.request.authority
            exchange.fail(OutboundTimeout("HTTP-response-timeout", f"no whole response of {authority} in time"))
        return exchange.has_ended

    def outcome(self) -> HttpResponse | OutboundError:
        """Return what came of it; to be asked once it has ended."""
        exchange = self._exchange
        if exchange.error is not None:
            return exchange.error
        if len(self._received) > MAX_WHOLE_BYTES:
            # It was whole already when it was found to be too large.
            return _too_large()
        assert exchange.response is not None
        return HttpResponse(
            status=exchange.response.status,
            headers=exchange.response.headers,
            body=bytes(self._received),
            trailers=exchange.trailers,
        )

    def release(self) -> None:
        """Give it up, if it is still going on."""
        self._exchange.release()


def _too_large() -> OutboundError:
    return OutboundProtocolError("HTTP-response-body-size", f"the response is larger than {MAX_WHOLE_BYTES >> 20} MiB")
