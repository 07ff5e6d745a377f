"""``wasi:http`` as a real component uses it, against real servers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.deployment.spec import AllowedHost, SecretLocation
from engine.errors import Trap, TrapKind
from tests.harness.eventually import PATIENCE_S
from tests.harness.http_servers import Answer, Received, Upstream, converse, read_head, serve
from tests.harness.wasi_guest import Guest, make_message


def echo(received: Received) -> Answer:
    if received.path == "/big":
        return Answer(body=b"b" * 700_000)
    return Answer(body=received.body or received.path.encode(), headers=(("x-echo", "yes"),))


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serve(echo) as upstream:
        yield upstream


@pytest.fixture
def guest() -> Iterator[Guest]:
    guest = Guest()
    yield guest
    guest.close()


def ok(result: Any) -> Any:
    assert "ok" in result, result
    return result["ok"]


def test_a_response_arrives_with_status_headers_and_body(guest: Guest, upstream: Upstream) -> None:
    reply = ok(guest.fetch(upstream.authority, "/x?y=1"))

    assert (reply["status"], reply["body"], reply["trailers"]) == (200, "/x?y=1", [])
    assert ["x-echo", "yes"] in reply["headers"]


def test_a_large_response_is_read_to_its_end(guest: Guest, upstream: Upstream) -> None:
    assert len(ok(guest.fetch(upstream.authority, "/big"))["body"]) == 700_000


@pytest.mark.parametrize("early", [True, False])
def test_a_body_may_be_written_before_the_request_is_sent_or_after(
    guest: Guest, upstream: Upstream, early: bool
) -> None:
    reply = ok(guest.fetch(upstream.authority, method="POST", chunks=["one ", "two"], early=early))

    assert reply["body"] == "one two"
    assert upstream.received[0].header("content-length") == ("7" if early else None)
    assert upstream.received[0].header("transfer-encoding") == (None if early else "chunked")


def test_a_length_that_the_guest_sets_is_what_is_sent(guest: Guest, upstream: Upstream) -> None:
    ok(guest.fetch(upstream.authority, method="PUT", chunks=["four"], headers=[["Content-Length", "4"]]))

    assert upstream.received[0].header("content-length") == "4"
    assert upstream.received[0].header("transfer-encoding") is None


@pytest.mark.parametrize("length", ["3", "5"])
def test_a_length_that_is_not_kept_is_an_error(guest: Guest, upstream: Upstream, length: str) -> None:
    result = guest.fetch(upstream.authority, method="PUT", chunks=["four"], headers=[["content-length", length]])

    assert "HttpRequestBodySize" in result["err"]


def test_trailers_go_out_and_come_in(guest: Guest) -> None:
    heads: list[bytes] = []

    def script(peer: socket.socket) -> None:
        read_head(peer)
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += peer.recv(1)
        heads.append(data)
        peer.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-in: 1\r\nx-in: 2\r\n\r\n")

    with converse(script) as authority:
        reply = ok(guest.fetch(authority, method="POST", chunks=["a"], trailers=[["x-out", "9"]]))

    assert b"0\r\nx-out: 9\r\n\r\n" in heads[0]
    assert reply["trailers"] == [["x-in", "1"], ["x-in", "2"]]


def test_several_requests_are_under_way_at_once(guest: Guest) -> None:
    together = threading.Barrier(3, timeout=10)

    def wait(received: Received) -> Answer:
        together.wait()
        return Answer(body=received.path.encode())

    with serve(wait) as upstream:
        answered = ok(guest.call("fetch-all", upstream.authority, ["/a", "/b", "/c"]))

    assert sorted(answered) == ["/a 200", "/b 200", "/c 200"]


def test_a_response_is_read_while_the_request_is_still_written(guest: Guest) -> None:
    size = 3_000_000

    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        reader = peer.makefile("rb")
        # The guest may have read all of its answer before it ends its question.
        while length := int(reader.readline() or b"0", 16):
            peer.sendall(reader.read(length))
            reader.readline()
        reader.readline()
        reader.close()

    with converse(script) as authority:
        assert guest.call("pump", authority, "/", size) == {"ok": size}


def test_one_body_is_spliced_into_another(guest: Guest, upstream: Upstream) -> None:
    assert guest.call("relay", upstream.authority, "/big", "/back") == {"ok": 700_000}


def test_a_response_that_is_not_read_is_given_up(guest: Guest, upstream: Upstream) -> None:
    assert guest.call("fetch-head", make_message(upstream.authority, "/big")) == {"ok": 200}

    assert guest.traces[0].status == 200
    assert guest.traces[0].response_bytes < 700_000


def test_a_body_that_is_dropped_half_way_is_an_error_for_both(guest: Guest) -> None:
    seen: list[bytes] = []

    def script(peer: socket.socket) -> None:
        read_head(peer)
        while data := peer.recv(1000):
            seen.append(data)

    with converse(script) as authority:
        result = guest.fetch(authority, method="POST", chunks=["half"], finish=False)

    assert "HttpProtocolError" in result["err"]
    assert not b"".join(seen).endswith(b"0\r\n\r\n")


def test_a_denied_request_is_an_error_code_and_a_line_in_the_log(upstream: Upstream) -> None:
    guest = Guest(operator=())

    assert guest.fetch(upstream.authority) == {"err": "ErrorCode::HttpRequestDenied"}
    assert len(guest.lines) == 1
    assert "OBELISK_OUTBOUND_HOSTS" in guest.lines[0]
    assert upstream.received == []


def test_an_inside_address_that_nobody_named_is_prohibited(upstream: Upstream) -> None:
    anywhere = AllowedHost(pattern="*://*:*", methods=None)
    guest = Guest(rules=(anywhere,), operator=(anywhere,))

    assert guest.fetch(upstream.authority) == {"err": "ErrorCode::DestinationIpProhibited"}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"authority": "127.0.0.1:1"}, "ConnectionRefused"),
        ({"scheme": "gopher"}, "HttpRequestUriInvalid"),
        ({"method": "CONNECT"}, "HttpRequestMethodInvalid"),
        ({"path": "/a b"}, "path refused"),
        ({"authority": "user@host"}, "authority refused"),
        ({"method": "GE T"}, "method refused"),
        ({"headers": [["connection", "close"]]}, "Forbidden"),
    ],
)
def test_what_cannot_be_sent_is_refused(guest: Guest, message: dict[str, Any], said: str) -> None:
    result = guest.call("fetch", {**make_message("127.0.0.1:1"), **message})

    assert said in result["err"]


def test_a_server_that_hangs_up_in_the_middle_breaks_the_stream(guest: Guest) -> None:
    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")

    with converse(script) as authority:
        assert guest.fetch(authority) == {"err": "ErrorCode::HttpResponseIncomplete"}


@pytest.mark.parametrize(
    ("timeout", "response", "code"),
    [
        ("first_byte_timeout_ms", b"", "ErrorCode::HttpResponseTimeout"),
        (
            "between_bytes_timeout_ms",
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na",
            "ErrorCode::ConnectionReadTimeout",
        ),
    ],
)
def test_the_guests_own_timeouts_are_kept(guest: Guest, timeout: str, response: bytes, code: str) -> None:
    done = threading.Event()

    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(response)
        done.wait(10)

    with converse(script) as authority:
        result = guest.call("fetch", {**make_message(authority), timeout: 50})
        done.set()

    assert result == {"err": code}


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na"])
def test_a_guest_that_waits_for_a_silent_server_ends_with_its_time(response: bytes) -> None:
    done = threading.Event()

    def script(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(response)
        done.wait(2 * PATIENCE_S)

    guest = Guest(deadline=0.1)
    began = time.monotonic()
    with converse(script) as authority:
        with pytest.raises(Trap) as caught:
            guest.fetch(authority)
        done.set()

    assert caught.value.kind is TrapKind.INTERRUPTED
    assert time.monotonic() - began < PATIENCE_S
    assert len(guest.traces) == 1


def test_fields_keep_their_rules(guest: Guest) -> None:
    assert ok(guest.call("fields-rules")) == [
        "Err(HeaderError::Forbidden)",
        "Err(HeaderError::InvalidSyntax)",
        "Err(HeaderError::InvalidSyntax)",
        "Ok(())",
        "[[49], [50]]",
        "Ok(())",
        'true [("a", [51])]',
        "Err(HeaderError::Immutable)",
        "Err(HeaderError::Immutable)",
        "Ok(())",
    ]


@pytest.mark.parametrize("early", [True, False])
def test_a_streamed_body_gets_its_secret_when_it_is_whole(upstream: Upstream, early: bool) -> None:
    rule = AllowedHost(pattern=upstream.origin, methods=None, secrets=("TOKEN",), replace_in=(SecretLocation.BODY,))
    guest = Guest(rules=(rule,), operator=(rule,), secrets={"TOKEN": "s3cret"})
    placeholder = guest.wasi.environment["TOKEN"]

    reply = ok(
        guest.fetch(
            upstream.authority,
            method="POST",
            headers=[["content-type", "text/plain"], ["content-length", str(len(placeholder) + 2)]],
            chunks=["<", placeholder[:20], placeholder[20:], ">"],
            early=early,
        )
    )

    assert upstream.received[0].body == b"<s3cret>"
    assert reply["body"] == "<s3cret>"
    assert upstream.received[0].header("content-length") == "8"
    guest.close()
