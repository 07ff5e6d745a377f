"""A response that is read as it comes in; what nobody reads is not taken from the connection."""

from __future__ import annotations

from engine.activity.http.exchange import Exchange
from engine.activity.http.messages import Header
from engine.activity.run_loop import RunLoop


class ResponseStream:
    """A response whose body is read piece by piece; little of it is held in memory.

    Args:
        exchange: The request, begun.
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
        """Wait for more of the body, and return up to ``most`` bytes of it; nothing at its end.

        Raises:
            OutboundError: If it broke off, or nothing came in time.
            Trap: Of kind ``interrupted``: the run is out of time or is being stopped. Let it pass through.
        """
        exchange = self._exchange
        # What came in while the guest was busy is not late.
        exchange.advance()
        self._loop.wait_until(lambda: bool(exchange.available()) or exchange.has_ended)
        piece = exchange.take(most)
        if not piece and exchange.error is not None:
            raise exchange.error
        return piece

    def close(self) -> None:
        """Give up what was not read; the second time does nothing."""
        self._exchange.release()
