"""The way out of one run: every HTTP request of its guest passes here, whatever interface the guest asks through."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.activity.http.addresses import Address
from engine.activity.http.connection import Connection, Origin
from engine.activity.http.dialling import Dialled, Dialling
from engine.activity.http.exchange import Exchange, Wiring
from engine.activity.http.exchange_parts import RequestHead, Timeouts
from engine.activity.http.messages import Header, HttpRequest, HttpResponse
from engine.activity.http.outgoing_body import OutgoingBody
from engine.activity.http.policy import Allowed, Denied, OutboundPolicy, Target, address_problem
from engine.activity.http.request_target import read_target, split_url
from engine.activity.http.response_stream import ResponseStream
from engine.activity.http.transport import HttpTransport
from engine.activity.http.whole_exchange import WholeExchange
from engine.activity.run_loop import RunLoop
from engine.activity.run_secrets import RunSecrets, takes_secrets
from engine.clock import Clock
from engine.deployment.spec import SecretLocation
from engine.errors import OutboundDenied, OutboundError, OutboundInvalid

CONNECTION_HEADERS = frozenset(
    {
        "connection",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that are about the connection, which is the host's."""

MAX_HEADERS_BYTES = 64 << 10
_TRACEPARENT = "traceparent"
MAX_OPEN = 64
MAX_HELD_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTrace:
    """What is remembered of a request; without bodies, headers and secrets.

    Args:
        started_at: When the guest sent it off.
        duration: Until the response was read, given up, or failed.
        method: The method.
        url: As the guest wrote it, with placeholders where secrets go.
        status: The response's, if there was one.
        error: Why there was none, or it broke off: an error code of ``wasi:http`` and a sentence.
        request_bytes: Size of its body, as far as that was sent.
        response_bytes: Size of the response's body, as far as that arrived.
    """

    started_at: datetime
    duration: timedelta
    method: str
    url: str
    status: int | None
    error: str | None
    request_bytes: int
    response_bytes: int


class OutboundHttp:
    """Policy, secrets, connections and records of one run; of its thread.

    Args:
        transport: Shared connections.
        policy: What is allowed.
        secrets: Placeholders and their values.
        loop: Waits.
        clock: Tells when a request began.
        warn: Takes a line for the execution's log.
        record: Takes what is remembered of each request.
        traceparent: Returns the header that tells which trace a request belongs to that begins at an instant, if any.
    """

    def __init__(
        self,
        *,
        transport: HttpTransport,
        policy: OutboundPolicy,
        secrets: RunSecrets,
        loop: RunLoop,
        clock: Clock,
        warn: Callable[[str], None],
        record: Callable[[RequestTrace], None],
        traceparent: Callable[[datetime], str | None] = lambda _: None,
    ) -> None:
        self._transport = transport
        self._policy = policy
        self._secrets = secrets
        self._loop = loop
        self._clock = clock
        self._warn = warn
        self._record = record
        self._traceparent = traceparent
        self._open: set[Exchange] = set()

    def begin(self, request: HttpRequest) -> WholeExchange:
        """Send a request off whose response is wanted whole.

        Raises:
            OutboundDenied: The policy does not let it out; the execution's log tells what would.
            OutboundInvalid: It is no HTTP request, or larger than the limits.
        """
        until = None if request.timeout is None else time.monotonic() + request.timeout.total_seconds()
        return WholeExchange(self._open_whole(request, Timeouts()), until=until)

    def wait(self, begun: Sequence[WholeExchange], *, until: float | None = None) -> None:
        """Return once one of these has ended, or at an instant of `time.monotonic`; all of them move on meanwhile.

        Raises:
            Trap: Of kind ``interrupted``: the run is out of time or is being stopped. Let it pass through.
        """
        ends = [each.until for each in begun if each.until is not None]
        end = min([*ends, *([] if until is None else [until])], default=None)
        self._loop.wait_until(lambda: any(each.has_ended() for each in begun), until=end)

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and wait for the whole response, on this thread.

        Raises:
            OutboundError: There is none; the class tells why, see `begin` for two of them.
            Trap: Of kind ``interrupted``: the run is out of time or is being stopped. Let it pass through.
        """
        exchange = self.begin(request)
        try:
            while not exchange.has_ended():
                self.wait([exchange])
        finally:
            exchange.release()
        outcome = exchange.outcome()
        if isinstance(outcome, OutboundError):
            raise outcome
        return outcome

    def stream(self, request: HttpRequest) -> ResponseStream:
        """Send a request and wait for the head of the response.

        ``timeout`` is for the connection, for the head, and for each wait for more of the body. To be closed.

        Raises:
            OutboundError: There is none; as `send`.
            Trap: As `send`.
        """
        each = None if request.timeout is None else request.timeout.total_seconds()
        return ResponseStream(
            self._open_whole(request, Timeouts(connect=each, first_byte=each, between_bytes=each)), self._loop
        )

    def _open_whole(self, request: HttpRequest, timeouts: Timeouts) -> Exchange:
        """Send off a request whose body is at hand."""
        body = None
        if request.body:
            body = OutgoingBody(len(request.body))
            body.write(request.body)
            body.finish()
        scheme, authority, path = split_url(request.url)
        headers = tuple(
            (name, value)
            for name, value in request.headers
            if name.lower() not in CONNECTION_HEADERS and name.lower() != "content-length"
        )
        return self.open(
            method=request.method,
            scheme=scheme,
            authority=authority,
            path=path,
            headers=headers,
            body=body,
            timeouts=timeouts,
        )

    def open(
        self,
        *,
        method: str,
        scheme: str,
        authority: str,
        path: str,
        headers: tuple[Header, ...],
        body: OutgoingBody | None,
        timeouts: Timeouts | None = None,
    ) -> Exchange:
        """Send a request off; its response is waited for with the run's loop.

        Args:
            method: The method.
            scheme: ``http`` or ``https``.
            authority: Host, and port if need be.
            path: Path and query.
            headers: In order, without those about the connection.
            body: Its body, to be written before or after; ``None`` for none.
            timeouts: How long things may take.

        Raises:
            OutboundDenied: The policy does not let it out.
            OutboundInvalid: It is no HTTP request, or larger than the limits.
        """
        started_at, started = self._clock.now(), time.monotonic()
        url = f"{scheme}://{authority}{path}"

        def remember(exchange: Exchange | None, error: OutboundError | None) -> None:
            response = None if exchange is None else exchange.response
            self._record(
                RequestTrace(
                    started_at=started_at,
                    duration=timedelta(seconds=time.monotonic() - started),
                    method=method,
                    url=self._secrets.redact(url),
                    status=None if response is None else response.status,
                    error=None if error is None else self._secrets.redact(f"{error.code}: {error.message}"),
                    request_bytes=0 if exchange is None else exchange.sent_bytes,
                    response_bytes=0 if exchange is None else exchange.received_bytes,
                )
            )

        def ended(exchange: Exchange) -> None:
            self._open.discard(exchange)
            remember(exchange, exchange.error)

        headers = self._traced(headers, started_at)
        try:
            exchange = self._make(method, scheme, authority, path, headers, body, timeouts or Timeouts(), ended)
        except OutboundError as error:
            remember(None, error)
            raise
        self._open.add(exchange)
        exchange.start()
        return exchange

    def close(self) -> None:
        """Give up what is still going on: the run has ended."""
        for exchange in list(self._open):
            exchange.release()

    def _traced(self, headers: tuple[Header, ...], started_at: datetime) -> tuple[Header, ...]:
        """Return the headers with the one that tells the trace, unless the guest has set it."""
        if any(name.lower() == _TRACEPARENT for name, _ in headers):
            return headers
        value = self._traceparent(started_at)
        return headers if value is None else (*headers, (_TRACEPARENT, value.encode()))

    def _make(
        self,
        method: str,
        scheme: str,
        authority: str,
        path: str,
        headers: tuple[Header, ...],
        body: OutgoingBody | None,
        timeouts: Timeouts,
        ended: Callable[[Exchange], None],
    ) -> Exchange:
        target, query = read_target(method, scheme, authority, path)
        size = sum(len(name) + len(value) for name, value in headers)
        if size > MAX_HEADERS_BYTES:
            raise OutboundInvalid(
                "HTTP-request-header-section-size", f"the headers take {size} bytes; at most {MAX_HEADERS_BYTES} may"
            )
        if len(self._open) >= MAX_OPEN:
            raise OutboundInvalid("connection-limit-reached", f"{MAX_OPEN} requests of this run are open already")
        allowed = self._policy.check(target)
        if isinstance(allowed, Denied):
            reason = self._secrets.redact(allowed.reason)
            self._warn(f"HTTP request denied: {reason}\n{self._secrets.redact(allowed.remedy)}")
            raise OutboundDenied("HTTP-request-denied", reason)
        head = RequestHead(
            method=method,
            origin=Origin(scheme, target.host, target.port),
            target=target.path + self._secrets.in_query(query, allowed.secrets),
            headers=self._secrets.in_headers(headers, allowed.secrets),
            authority=authority,
        )
        return Exchange(
            head,
            body,
            timeouts=timeouts,
            wiring=self._wiring(target, allowed, ended),
            rewrite=self._rewrite(headers, body, allowed),
        )

    def _rewrite(
        self, headers: tuple[Header, ...], body: OutgoingBody | None, allowed: Allowed
    ) -> Callable[[bytes], bytes] | None:
        content_type = next((value.decode("latin-1") for name, value in headers if name.lower() == "content-type"), "")
        if body is None or not self._secrets.has_any(allowed.secrets, SecretLocation.BODY):
            return None
        if not takes_secrets(content_type):
            return None
        body.held_bytes = MAX_HELD_BYTES
        return lambda whole: self._secrets.in_body(whole, content_type, allowed.secrets)

    def _wiring(self, target: Target, allowed: Allowed, ended: Callable[[Exchange], None]) -> Wiring:
        def problem(address: Address) -> str | None:
            found = address_problem(address, allowed, target.host)
            if found is not None:
                self._warn(f"HTTP request denied: {found}")
            return found

        def take_idle(origin: Origin) -> Connection | None:
            return self._transport.idle.take(
                origin, lambda address: address_problem(address, allowed, target.host) is None
            )

        def dial(origin: Origin, done: Callable[[Dialled], None]) -> Dialling:
            return Dialling(
                loop=self._loop,
                origin=origin,
                resolver=self._transport.resolver,
                tls=self._transport.tls,
                problem=problem,
                done=done,
            )

        return Wiring(
            loop=self._loop,
            take_idle=take_idle,
            give_idle=self._transport.idle.give,
            dial=dial,
            on_end=ended,
        )
