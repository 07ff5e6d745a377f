"""HTTP requests of a guest, of which several may be under way, and the redirects that follow them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine.activity.http.messages import HttpRequest, HttpResponse
from engine.activity.http.outbound import OutboundHttp
from engine.activity.http.whole_exchange import WholeExchange
from engine.errors import OutboundError
from engine.guests.redirects import MAX_REDIRECTS, redirected_request, too_many_redirects


@dataclass(slots=True, kw_only=True)
class _Fetch:
    """One request of a guest: the hop that it has come to."""

    request: HttpRequest
    exchange: WholeExchange
    redirects: int | None
    """How many are left to follow; ``None`` follows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """How a request ended.

    Args:
        number: Which one.
        url: Where it was answered, or failed, after redirects.
        outcome: The response, or why there is none.
    """

    number: int
    url: str
    outcome: HttpResponse | OutboundError


class Fetches:
    """The requests of one attempt; every hop passes the policy by itself."""

    def __init__(self) -> None:
        self._open: dict[int, _Fetch] = {}
        self._last = 0

    def begin(self, client: OutboundHttp, request: HttpRequest, *, follows: bool) -> int:
        """Send a request off and return its number.

        Raises:
            OutboundDenied: The policy does not let it out.
            OutboundInvalid: It is no HTTP request, or larger than the limits.
        """
        exchange = client.begin(request)
        self._last += 1
        self._open[self._last] = _Fetch(
            request=request, exchange=exchange, redirects=MAX_REDIRECTS if follows else None
        )
        return self._last

    def wait(self, client: OutboundHttp, *, until: float | None = None) -> Fetched | None:
        """Return a request that has ended, the one begun first if there are several; ``None`` at an instant.

        Args:
            client: The way out that they were begun with.
            until: The instant, on `time.monotonic`.

        Raises:
            Trap: The run is out of time or is being stopped.
        """
        while self._open:
            client.wait([fetch.exchange for fetch in self._open.values()], until=until)
            for number, fetch in self._open.items():
                if fetch.exchange.has_ended() and (outcome := _advance(client, fetch)) is not None:
                    del self._open[number]
                    return Fetched(number=number, url=fetch.request.url, outcome=outcome)
            if until is not None and time.monotonic() >= until:
                break
        return None

    def cancel(self, number: int) -> None:
        """Give a request up, if it is still going on."""
        if (fetch := self._open.pop(number, None)) is not None:
            fetch.exchange.release()


def _advance(client: OutboundHttp, fetch: _Fetch) -> HttpResponse | OutboundError | None:
    """Return how a request ended, or ``None`` if it goes on to another place."""
    outcome = fetch.exchange.outcome()
    if isinstance(outcome, OutboundError) or fetch.redirects is None:
        return outcome
    redirected = redirected_request(fetch.request, outcome.status, outcome.headers)
    if redirected is None:
        return outcome
    if not fetch.redirects:
        return too_many_redirects()
    fetch.redirects -= 1
    try:
        fetch.exchange = client.begin(redirected)
    except OutboundError as error:
        return error
    fetch.request = redirected
    return None
