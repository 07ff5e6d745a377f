"""A response that is read as it comes in; what nobody reads is not taken from the connection."""

from __future__ import annotations

from engine.activity.http.exchange import Exchange
from engine.activity.http.messages import Header
from engine.activity.run_loop import RunLoop


class ResponseStream:
    """`engine.activity.http.messages.HttpStream` over an exchange that has begun.

    Args:
        exchange: The request.
        loop: Waits.

    Raises:
        OutboundError: If there is no response.
    """

    def __init__(self, exchange: Exchange, loop: RunLoop) -> None:
        self._exchange = exchange
        self._loop = loop
        try:
            loop.wait_until(lambda: exchange.response is not None or exchange.has_ended)
        except BaseException:
            exchange.release()
            raise
        if exchange.response is None:
            assert exchange.error is not None
            raise exchange.error
        self.status: int = exchange.response.status
        self.headers: tuple[Header, ...] = exchange.response.headers

    def read(self, most: int) -> bytes:
        """See `HttpStream`."""
        exchange = self._exchange
        # What came in while the guest was busy is not late.
        exchange.advance()
        self._loop.wait_until(lambda: bool(exchange.available()) or exchange.has_ended)
        piece = exchange.take(most)
        if not piece and exchange.error is not None:
            raise exchange.error
        return piece

    def close(self) -> None:
        """See `HttpStream`."""
        self._exchange.release()
