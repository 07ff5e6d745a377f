"""One request and its response, against servers that behave as each test says, byte by byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.activity.http.connection import MAX_HEAD_BYTES
from engine.activity.http.exchange import READ_AHEAD, Exchange
from engine.activity.http.exchange_parts import Timeouts
from engine.activity.http.messages import HttpRequest, HttpResponse
from engine.activity.http.outgoing_body import OutgoingBody
from engine.errors import OutboundConnectError, OutboundError, OutboundProtocolError, OutboundTimeout
from tests.harness.http_servers import converse, read_head
from tests.harness.wasi_guest import Guest


@pytest.fixture
def guest() -> Iterator[Guest]:
    guest = Guest()
    yield guest
    guest.close()


def get(guest: Guest, authority: str, *, method: str = "GET", body: bytes = b"", timeout_s: float = 20) -> HttpResponse:
    request = HttpRequest(method=method, url=f"http://{authority}/", body=body, timeout=timedelta(seconds=timeout_s))
    return guest.http().send(request)


def start(
    guest: Guest, authority: str, body: OutgoingBody | None = None, *, timeouts: Timeouts | None = None
) -> Exchange:
    return guest.http().open(
        method="GET" if body is None else "POST",
        scheme="http",
        authority=authority,
        path="/",
        headers=(),
        body=body,
        timeouts=timeouts,
    )


def error_of(guest: Guest, response: bytes) -> OutboundError:
    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(response)

    with converse(script) as authority, pytest.raises(OutboundError) as caught:
        get(guest, authority)
    return caught.value


def response_to(guest: Guest, response: bytes, *, method: str = "GET") -> HttpResponse:
    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(response)

    with converse(script) as authority:
        return get(guest, authority, method=method)


def test_a_chunked_body_and_its_trailers_are_put_together(guest: Guest) -> None:
    response = response_to(
        guest,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 9\r\n\r\n",
    )

    assert response.body == b"abcde"
    assert response.trailers == (("x-sum", b"9"),)


def test_a_body_without_length_ends_with_the_connection(guest: Guest) -> None:
    assert response_to(guest, b"HTTP/1.0 200 OK\r\n\r\nold style").body == b"old style"


def test_informational_responses_are_passed_over(guest: Guest) -> None:
    response = response_to(
        guest, b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok"
    )

    assert (response.status, response.body) == (201, b"ok")


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_has_none(guest: Guest, status: int) -> None:
    assert response_to(guest, f"HTTP/1.1 {status} x\r\n\r\n".encode()).body == b""


def test_the_answer_to_head_has_no_body_whatever_its_length_says(guest: Guest) -> None:
    response = response_to(guest, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", method="HEAD")

    assert response.body == b""


def test_a_redirect_is_given_to_the_guest(guest: Guest) -> None:
    response = response_to(guest, b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n")

    assert (response.status, dict(response.headers)["location"]) == (302, b"http://10.0.0.1/")


def test_a_server_that_hangs_up_at_once(guest: Guest) -> None:
    error = error_of(guest, b"")

    assert isinstance(error, OutboundConnectError)
    assert error.code == "connection-terminated"


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_a_server_that_hangs_up_in_the_middle(guest: Guest, response: bytes) -> None:
    error = error_of(guest, response)

    assert isinstance(error, OutboundProtocolError)
    assert error.code == "HTTP-response-incomplete"


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "HTTP-protocol-error"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "HTTP-protocol-error"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "HTTP-protocol-error"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * MAX_HEAD_BYTES, "HTTP-response-header-section-size"),
    ],
)
def test_what_is_no_http_is_an_error(guest: Guest, response: bytes, code: str) -> None:
    assert error_of(guest, response).code == code


def test_an_answer_that_comes_before_the_body_was_sent_counts(guest: Guest) -> None:
    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(65536):
            pass

    with converse(script) as authority:
        response = get(guest, authority, method="POST", body=b"x" * 5_000_000)

    assert (response.status, response.body) == (413, b"no")


def test_the_other_side_is_not_read_faster_than_the_guest_reads(guest: Guest) -> None:
    total = 50_000_000
    sent = threading.Event()

    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % total)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        peer.sendall(bytes(total))
        sent.set()

    with converse(script) as authority:
        exchange = start(guest, authority)
        loop = guest.wasi.loop
        loop.wait_until(lambda: exchange.available() >= READ_AHEAD)
        for _ in range(20):
            loop.pump()
        assert exchange.available() < 3 * READ_AHEAD
        assert not sent.is_set()

        received = 0
        while not (exchange.is_complete and not exchange.available()):
            loop.wait_until(lambda: bool(exchange.available()) or exchange.has_ended)
            received += len(exchange.take(1 << 20))
    assert received == total


def test_the_body_goes_out_no_faster_than_the_other_side_takes_it(guest: Guest) -> None:
    go_on = threading.Event()

    def script(peer: socket.socket) -> None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        read_head(peer)
        go_on.wait(10)
        received = 0
        while b"0\r\n\r\n" not in (data := peer.recv(1 << 20)):
            received += len(data)
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    with converse(script) as authority:
        body = OutgoingBody()
        exchange = start(guest, authority, body)
        loop = guest.wasi.loop
        written = 0
        for _ in range(200):
            room = body.room()
            body.write(bytes(room))
            written += room
            loop.pump()
        assert body.room() == 0
        assert written < 20_000_000

        go_on.set()
        loop.wait_until(lambda: body.room() > 0)
        body.finish()
        loop.wait_until(lambda: exchange.has_ended)

    assert exchange.response is not None
    assert exchange.response.status == 200


def test_a_body_given_up_half_way_never_looks_whole(guest: Guest) -> None:
    ends: list[bytes] = []

    def script(peer: socket.socket) -> None:
        read_head(peer)
        data = b""
        while piece := peer.recv(65536):
            data += piece
        ends.append(data)

    with converse(script) as authority:
        body = OutgoingBody()
        exchange = start(guest, authority, body)
        body.write(b"half")
        body.flush()
        guest.wasi.loop.wait_until(body.is_flushed)
        body.abort()

    assert exchange.error is not None
    assert not ends[0].endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("timeouts", "response", "code"),
    [
        (Timeouts(first_byte=0.05), b"", "HTTP-response-timeout"),
        (Timeouts(between_bytes=0.05), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", "connection-read-timeout"),
    ],
)
def test_what_takes_longer_than_allowed_ends_with_its_code(
    guest: Guest, timeouts: Timeouts, response: bytes, code: str
) -> None:
    done = threading.Event()

    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(response)
        done.wait(10)

    with converse(script) as authority:
        exchange = start(guest, authority, timeouts=timeouts)
        guest.wasi.loop.wait_until(lambda: exchange.has_ended)
        done.set()

    assert isinstance(exchange.error, OutboundTimeout)
    assert exchange.error.code == code


def test_a_whole_exchange_has_a_time_limit(guest: Guest) -> None:
    done = threading.Event()

    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab")
        done.wait(10)

    with converse(script) as authority:
        with pytest.raises(OutboundTimeout):
            get(guest, authority, timeout_s=0.05)
        done.set()
    assert guest.traces[0].status == 200
    assert guest.traces[0].error is not None


def _answer(peer: socket.socket) -> None:
    read_head(peer)
    peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


def test_a_connection_is_used_again(guest: Guest) -> None:
    def script(peer: socket.socket) -> None:
        for _ in range(3):
            _answer(peer)

    with converse(script) as authority:
        assert [get(guest, authority).body for _ in range(3)] == [b"ok"] * 3


def test_a_connection_that_was_closed_while_idle_is_not_used(guest: Guest) -> None:
    with converse(_answer, connections=2) as authority:
        get(guest, authority)
        # The server has hung up by now, or does so before it looks at the second connection.
        assert get(guest, authority).body == b"ok"


def test_an_idempotent_request_is_repeated_when_a_kept_connection_breaks_under_it(guest: Guest) -> None:
    calls: list[int] = []

    def script(peer: socket.socket) -> None:
        calls.append(1)
        _answer(peer)
        if len(calls) == 1:
            read_head(peer)  # and hangs up

    with converse(script, connections=2) as authority:
        get(guest, authority)
        assert get(guest, authority, method="PUT", body=b"again").body == b"ok"
    assert len(calls) == 2


def test_a_request_that_may_have_had_an_effect_is_not_repeated(guest: Guest) -> None:
    def script(peer: socket.socket) -> None:
        _answer(peer)
        read_head(peer)

    with converse(script) as authority:
        get(guest, authority)
        with pytest.raises(OutboundConnectError) as caught:
            get(guest, authority, method="POST", body=b"pay")

    assert caught.value.code == "connection-terminated"


def test_a_connection_with_unread_response_is_not_kept(guest: Guest) -> None:
    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + bytes(100))
        assert peer.recv(1) == b""

    with converse(script) as authority:
        exchange = start(guest, authority)
        guest.wasi.loop.wait_until(lambda: exchange.response is not None)
        exchange.release()
        assert guest.transport is not None
    assert guest.transport.idle.take(exchange.request.origin, lambda _address: True) is None


def test_what_the_server_says_too_much_is_not_taken_for_the_next_answer(guest: Guest) -> None:
    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        peer.recv(1)

    with converse(script, connections=2) as authority:
        assert get(guest, authority).body == b"ok"
        assert get(guest, authority).body == b"ok"
