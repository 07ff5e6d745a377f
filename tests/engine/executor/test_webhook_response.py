"""A guest's response on its way out, as fast as the other side takes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.activity.http.messages import Header
from engine.activity.http.outgoing_body import CAPACITY, OutgoingBody
from engine.activity.run_loop import RunLoop
from engine.executor.webhook_response import CHUNK, ResponseStream


class Sink:
    """Keeps what it is given, and asks for more when it is told to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.data = b""
        self.waiting: list[Callable[[], None]] = []

    def begin(self, status: int, headers: tuple[Header, ...]) -> None:
        self.heard.append(f"begin {status} {len(headers)}")

    def chunk(self, data: bytes, sent: Callable[[], None]) -> None:
        self.heard.append(f"chunk {len(data)}")
        self.data += data
        self.waiting.append(sent)

    def end(self) -> None:
        self.heard.append("end")

    def abort(self) -> None:
        self.heard.append("abort")


@pytest.fixture
def loop() -> RunLoop:
    return RunLoop()


def take(sink: Sink, loop: RunLoop) -> None:
    """Let the client take what is on its way."""
    sink.waiting.pop(0)()
    loop.pump()


def test_a_piece_is_sent_when_the_one_before_was_taken(loop: RunLoop) -> None:
    sink, body = Sink(), OutgoingBody(kind="response")
    stream = ResponseStream(loop, sink)

    stream.begin(200, (("x", b"1"),), body)
    body.write(b"a" * CHUNK + b"b" * 10)
    body.write(b"c")
    assert sink.heard == ["begin 200 1", f"chunk {CHUNK}"]
    assert not body.is_flushed()

    take(sink, loop)
    assert sink.heard[2:] == ["chunk 11"]
    body.finish()
    take(sink, loop)
    assert sink.heard[3:] == ["end"]
    assert sink.data == b"a" * CHUNK + b"b" * 10 + b"c"
    stream.drain()
    stream.abort()
    assert sink.heard[4:] == []


def test_a_guest_that_nobody_takes_from_has_no_room(loop: RunLoop) -> None:
    sink, body = Sink(), OutgoingBody(kind="response")
    ResponseStream(loop, sink).begin(200, (), body)

    body.write(b"x" * CHUNK)
    body.write(b"x" * CAPACITY)

    assert body.room() == 0
    take(sink, loop)
    assert body.room() == CHUNK


def test_a_response_without_a_body_ends_at_once(loop: RunLoop) -> None:
    sink = Sink()

    ResponseStream(loop, sink).begin(204, (), None)

    assert sink.heard == ["begin 204 0", "end"]


def test_what_is_given_up_is_cut_off_behind_what_was_written(loop: RunLoop) -> None:
    sink, body = Sink(), OutgoingBody(kind="response")
    ResponseStream(loop, sink).begin(200, (), body)

    body.write(b"half")
    body.abort()
    assert sink.heard[1:] == ["chunk 4"]

    take(sink, loop)
    assert sink.heard[2:] == ["abort"]


def test_a_response_that_never_began_is_not_cut_off(loop: RunLoop) -> None:
    sink = Sink()

    ResponseStream(loop, sink).abort()

    assert sink.heard == []
