"""Bytes that no client library sends, at the port of a whole site: none is taken for a request that it is not."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.acceptance.api_client import PATIENCE_S
from tests.acceptance.workshops import Workshop, workshop
from tests.harness.components import ADD


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("hostile")) as served:
        yield served


@pytest.fixture(autouse=True)
def unchanged(shop: Workshop) -> Iterator[None]:
    """No test here changes anything."""
    before = shop.contents()
    yield
    assert shop.contents() == before


def exchange(shop: Workshop, content: bytes) -> bytes:
    """Send bytes to the site's port and return all that comes back until it closes the connection."""
    received = b""
    with closing(socket.create_connection(("127.0.0.1", shop.site.port), timeout=PATIENCE_S)) as connection:
        try:
            connection.sendall(content)
            while data := connection.recv(65536):
                received += data
        except ConnectionError:
            pass  # it closed before it had read everything
    return received


def head(shop: Workshop, *lines: bytes, method: bytes = b"POST", path: bytes = b"/v1/executions") -> bytes:
    """Return the head of a request that would be all right without these lines."""
    known = (
        method + b" " + path + b" HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Authorization: Bearer " + shop.client.token.encode(),
        b"Accept: application/json",
        b"Content-Type: application/json",
        b"Connection: close",
    )
    return b"\r\n".join((*known, *lines, b"", b""))


CALL = json.dumps({"ffqn": ADD, "params": [1, 2]}).encode()
LENGTH = b"Content-Length: %d" % len(CALL)
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(CALL), CALL)


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ([LENGTH, CHUNKED], CHUNKS),
        ([LENGTH, b"Content-Length: 5"], CALL),
        ([b"Content-Length: -1"], CALL),
        ([b"Content-Length: +%d" % len(CALL)], CALL),
        ([b"Content-Length: 1_0"], CALL),
        ([b"Transfer-Encoding: xchunked"], CHUNKS),
        ([b"Transfer-Encoding: chunked, identity"], CHUNKS),
        ([CHUNKED], b"zz\r\n" + CALL),
        ([CHUNKED], b"-5\r\n" + CALL),
        ([LENGTH, b"X-A\0: b"], CALL),
        ([LENGTH, b"X-A: b\0c"], CALL),
        ([LENGTH, b"X-A : b"], CALL),
        ([LENGTH, b" folded: yes\0"], CALL),
        ([LENGTH, b"no colon"], CALL),
        ([LENGTH, *(b"X-%d: a" % number for number in range(2000))], CALL),
        ([LENGTH, b"X-A: " + b"a" * 100_000], CALL),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_request_that_could_be_read_in_two_ways_is_not_read(shop: Workshop, lines: list[bytes], body: bytes) -> None:
    answer = exchange(shop, head(shop, *lines) + body)

    # Of a line that is too long the server takes no notice: it closes the connection.
    assert answer[:12] in (b"HTTP/1.1 400", b"")
    assert answer.count(b"HTTP/1.1 ") <= 1


def test_no_second_request_is_smuggled_in_a_body(shop: Workshop) -> None:
    inner = head(shop, LENGTH) + CALL
    smuggled = b"0\r\n\r\n" + inner

    for lines in ([b"Content-Length: %d" % len(smuggled), CHUNKED], [CHUNKED, b"Content-Length: 5"]):
        answer = exchange(shop, head(shop, *lines) + smuggled)
        assert (answer[:12], answer.count(b"HTTP/1.1 ")) == (b"HTTP/1.1 400", 1)
    hidden = exchange(shop, head(shop, b"Content-Length: %d" % len(inner)) + inner)
    assert (hidden[:12], hidden.count(b"HTTP/1.1 ")) == (b"HTTP/1.1 400", 1)
    assert b'"code": "malformed_json"' in hidden


@pytest.mark.parametrize(
    ("content", "answers"),
    [
        (b"nonsense\r\n\r\n", (b"HTTP/1.1 400",)),
        (b"GET /v1/executions HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n", (b"HTTP/1.1 400",)),
        (b"GET /v1/exec utions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", (b"HTTP/1.1 400",)),
        (b"GET /v1/executions\0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", (b"HTTP/1.1 400",)),
        (b"GET /v1/\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", (b"HTTP/1.1 400",)),
        (b"G\xc3\x89T /v1/executions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", (b"HTTP/1.1 400",)),
        (b"GET /v1/" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", (b"",)),
        (b"GET /v1/executions HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n", (b"HTTP/1.1 400",)),
        (b"GET /v1/executions HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", (b"HTTP/1.1 400",)),
        (b"GET /v1/executions HTTP/1.1\r\nConnection: close\r\n\r\n", (b"HTTP/1.1 401", b"HTTP/1.1 400")),
        (
            b"GET http://elsewhere.example/v1/executions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            (b"HTTP/1.1 4",),
        ),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_is_no_request_is_refused(shop: Workshop, content: bytes, answers: tuple[bytes, ...]) -> None:
    assert exchange(shop, content).startswith(answers) if answers != (b"",) else exchange(shop, content) == b""


def test_a_body_that_breaks_off_starts_nothing(shop: Workshop) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shop.site.port, timeout=PATIENCE_S)
    with closing(connection):
        connection.putrequest("POST", "/v1/executions")
        connection.putheader("Authorization", f"Bearer {shop.client.token}")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(CALL) + 5))
        connection.endheaders(CALL)

    assert shop.client.send("GET", "execution-id")[0] == 200
