"""A compiled component that answers requests, with its client on another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.activity.run_loop import RunLoop
from engine.deployment.spec import ComponentType
from engine.errors import LinkError, NoResponse, Trap, TrapKind
from engine.host.wasi import request_body, response_stream
from engine.host.wasi.serving import HttpServing, ServedRequest, handler_export
from engine.host.wasi.state import WasiState
from tests.harness.eventually import PATIENCE_S, eventually
from tests.harness.wasi_guest import linked

MIB = 1 << 20


class Context:
    """A run that answers a request."""

    def __init__(self, deadline_s: float) -> None:
        self.wasi = WasiState(loop=RunLoop(expires_at=time.monotonic() + deadline_s))


class Served(HttpServing):
    """A request that is being answered on a thread of its own."""

    trap: Trap | None = None
    has_returned = False

    def start(self, export: str) -> threading.Thread:
        def run() -> None:
            try:
                self.run(export)
            except Trap as trap:
                self.trap = trap
            self.has_returned = True

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def whole(self) -> bytes:
        return b"".join(self.response.chunks(timeout_s=PATIENCE_S))


@contextmanager
def serve(
    path: str,
    *,
    method: str = "POST",
    headers: tuple[tuple[str, bytes], ...] = (),
    body: bytes | None = b"",
    deadline_s: float = PATIENCE_S,
) -> Iterator[Served]:
    """Let the component answer; a body of ``None`` is the test's to bring."""
    program = linked("answerer", ComponentType.ACTIVITY)
    context = Context(deadline_s)
    request = ServedRequest(method=method, scheme="http", authority="a.test:80", path=path, headers=headers)
    with program.instantiate(context=context, deadline=deadline_s) as instance:
        served = Served(context.wasi, instance, request)
        if body is not None:
            served.body.feed(body)
            served.body.finish()
        thread = served.start(handler_export(program.component.shape.exports))
        try:
            yield served
        finally:
            if not served.has_returned:
                served.cancel()
            thread.join(PATIENCE_S)
    context.wasi.close()
    assert served.has_returned


def test_a_request_reaches_the_guest_and_its_response_the_client() -> None:
    headers = (("x-a", b"1"), ("Connection", b"keep-alive"), ("x-a", b"2"))
    with serve("/echo?q=1", method="PURGE", headers=headers, body=b"hello") as served:
        head = served.response.head(timeout_s=PATIENCE_S)
        assert served.whole() == b"hello"

    assert head.status == 201
    assert head.headers == (
        ("x-method", b"PURGE"),
        ("x-scheme", b"http"),
        ("x-authority", b"a.test:80"),
        ("x-path", b"/echo?q=1"),
        ("x-a", b"1"),
        ("x-a", b"2"),
    )


def test_bodies_stream_both_ways_at_once_and_trailers_follow() -> None:
    with serve("/echo", body=None) as served:
        chunks = served.response.chunks(timeout_s=PATIENCE_S)
        for piece in (b"one", b"two", b"three"):
            # Each is answered before the next is sent.
            assert served.body.feed(piece)
            assert next(chunks) == piece
        served.body.finish((("x-sum", b"9"),))

        assert list(chunks) == []
        assert served.response.trailers == (("x-sum", b"9"),)


def test_more_than_fits_into_any_buffer_passes_through() -> None:
    sent, received = bytes(range(256)) * (4 * MIB // 256), bytearray()
    with serve("/echo", body=None) as served:

        def bring() -> None:
            for start in range(0, len(sent), 100_000):
                assert served.body.feed(sent[start : start + 100_000])
            served.body.finish()

        feeder = threading.Thread(target=bring)
        feeder.start()
        for chunk in served.response.chunks(timeout_s=PATIENCE_S):
            received += chunk
        feeder.join()

    assert received == sent


def test_a_guest_waits_for_a_client_that_does_not_take() -> None:
    with serve(f"/flood?{16 * MIB}") as served:
        served.response.head(timeout_s=PATIENCE_S)
        body = served.response._body
        assert body is not None
        eventually(lambda: body.room() == 0)

        assert body.written <= response_stream.CAPACITY + len(body.buffer)
        assert len(served.whole()) == 16 * MIB


def test_a_client_waits_for_a_guest_that_does_not_read() -> None:
    with serve("/wait", body=None) as served:
        for _ in range(request_body.CAPACITY // 1024):
            assert served.body.feed(bytes(1024), timeout_s=PATIENCE_S)

        assert not served.body.feed(b"more", timeout_s=0.05)


def test_nothing_more_is_wanted_of_a_body_that_nobody_will_read() -> None:
    with serve("/nowhere", body=None) as served:
        assert served.response.head(timeout_s=PATIENCE_S).status == 404
        assert served.whole() == b""
        eventually(lambda: served.has_returned)

        assert not served.body.feed(b"x" * request_body.CAPACITY)


def test_a_body_that_breaks_off_is_an_error_in_the_guest() -> None:
    with serve("/count", body=None) as served:
        served.body.feed(b"12345")
        served.body.fail("the client went away")

        assert served.whole() == b"5 Some(ErrorCode::ConnectionTerminated)"


def test_informational_responses_come_before_the_head() -> None:
    with serve("/hints") as served:
        (hint,) = served.response.head(timeout_s=PATIENCE_S).informational
        assert served.whole() == b"hinted"

    assert (hint.status, hint.headers) == (103, (("link", b"</a.css>"),))


def test_a_response_that_is_dropped_takes_no_more() -> None:
    with serve("/dropped") as served:
        assert served.whole() == b"closed"


def test_a_response_is_whole_before_the_guest_returns() -> None:
    with serve("/after?86400000000000") as served:
        assert served.whole() == b"some"
        assert not served.has_returned


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/error", 'the component answered with the error "HTTP_upgrade_failed"'),
        ("/silent", "the component returned without an answer"),
        ("/trap", "the component died, or its time was over, before its response was finished"),
    ],
)
def test_a_guest_without_an_answer_is_told_of(path: str, sentence: str) -> None:
    with serve(path) as served, pytest.raises(NoResponse) as caught:
        served.response.head(timeout_s=PATIENCE_S)

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/trap-late", "the component died, or its time was over, before its response was finished"),
        ("/half", "the component gave its response up before it was finished"),
        ("/short", "the component gave its response up before it was finished"),
    ],
)
def test_a_response_that_breaks_off_is_told_from_a_whole_one(path: str, sentence: str) -> None:
    with serve(path) as served:
        chunks = served.response.chunks(timeout_s=PATIENCE_S)
        assert next(chunks) == b"some"
        with pytest.raises(NoResponse) as caught:
            next(chunks)

    assert str(caught.value) == sentence


@pytest.mark.parametrize("path", ["/wait", "/spin"])
def test_a_guest_is_stopped_at_its_deadline(path: str) -> None:
    with serve(path, deadline_s=0.3) as served, pytest.raises(NoResponse, match="its time was over"):
        served.response.head(timeout_s=PATIENCE_S)

    assert served.trap is not None
    assert served.trap.kind is TrapKind.INTERRUPTED


@pytest.mark.parametrize("path", ["/wait", "/spin", f"/flood?{1 << 40}"])
def test_a_guest_is_stopped_when_nobody_wants_its_response(path: str) -> None:
    with serve(path) as served:
        served.body.feed(b"x")
        served.cancel()
        eventually(lambda: served.has_returned)

    assert served.trap is not None
    assert served.trap.kind is TrapKind.INTERRUPTED


def test_a_client_may_lose_its_patience_and_find_it_again() -> None:
    with serve("/after?0", body=None) as served, serve("/wait") as waiting:
        with pytest.raises(TimeoutError):
            waiting.response.head(timeout_s=0.01)
        assert served.response.head(timeout_s=PATIENCE_S).status == 200


def test_only_a_component_with_a_handler_answers() -> None:
    assert handler_export(["test:a/b", "wasi:http/incoming-handler@0.2.3"]) == "wasi:http/incoming-handler@0.2.3"
    for exports in ([], ["wasi:http/incoming-handler@0.3.0"], ["wasi:http/outgoing-handler@0.2.0"]):
        with pytest.raises(LinkError, match="answers no requests"):
            handler_export(exports)
