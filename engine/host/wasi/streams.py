"""``wasi:io/streams``: bytes in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from engine.host.wasi.definition import Definition, trap
from engine.host.wasi.io_error import ERROR, IoError
from engine.host.wasi.poll import POLLABLE, Pollable, wait_for
from engine.host.wasi.state import WasiContext
from engine.wasm.host_functions import HostResource
from engine.wit.options import JsonValue

MAX_READ = 256 << 10
"""Most bytes of one read."""

MAX_BLOCKING_WRITE = 4096
"""Most bytes that ``blocking-write-and-flush`` and its like take; a rule of WASI."""

Outcome = dict[str, object]
"""A canonical ``result`` whose octets are ``bytes``."""


class StreamClosed(Exception):
    """The stream is at its end, or its other side takes no more."""


class StreamFailed(Exception):
    """The stream broke."""

    def __init__(self, error: IoError) -> None:
        super().__init__(error.message)
        self.error = error


class InputStream(Protocol):
    """Bytes that come in."""

    def read(self, most: int) -> bytes:
        """Return what is here, empty if nothing is yet.

        Raises:
            StreamClosed: At the end.
            StreamFailed: If no more can come.
        """
        ...

    def is_ready(self) -> bool:
        """Tell whether a read would give something, or raise."""
        ...


class OutputStream(Protocol):
    """Bytes that go out."""

    def room(self) -> int:
        """Return how many bytes may be written now.

        Raises:
            StreamClosed: If no more are taken.
            StreamFailed: If no more can be taken.
        """
        ...

    def write(self, data: bytes) -> None:
        """Take bytes for which there is room; raises as ``room`` does."""
        ...

    def flush(self) -> None:
        """Begin to send what was written.

        Raises:
            StreamFailed: If it cannot be sent.
        """
        ...

    def is_flushed(self) -> bool:
        """Tell whether all that was written is on its way, or never will be."""
        ...

    def is_ready(self) -> bool:
        """Tell whether there is room, or no more will be taken."""
        ...


class EmptyInput:
    """A stream at its end."""

    def read(self, most: int) -> bytes:
        """See `InputStream`."""
        raise StreamClosed

    def is_ready(self) -> bool:
        """See `InputStream`."""
        return True


class WriterOutput:
    """A stream into a function that takes everything at once.

    Args:
        write: Takes the bytes; ``None`` swallows them.
    """

    def __init__(self, write: Callable[[bytes], None] | None) -> None:
        self._write = write

    def room(self) -> int:
        """See `OutputStream`."""
        return MAX_READ

    def write(self, data: bytes) -> None:
        """See `OutputStream`."""
        if self._write is not None:
            self._write(data)

    def flush(self) -> None:
        """See `OutputStream`."""

    def is_flushed(self) -> bool:
        """See `OutputStream`."""
        return True

    def is_ready(self) -> bool:
        """See `OutputStream`."""
        return True


class Held:
    """A stream as the guest holds it. A class of its own, since any object may play the part of a stream.

    Args:
        stream: The stream.
    """

    __slots__ = ("stream",)

    def __init__(self, stream: InputStream | OutputStream) -> None:
        self.stream = stream


class HeldInput(Held):
    """An ``input-stream``."""

    stream: InputStream


class HeldOutput(Held):
    """An ``output-stream``."""

    stream: OutputStream


def _drop(context: WasiContext, number: int) -> None:
    context.wasi.table.drop(number)


INPUT_STREAM = HostResource(name="input-stream", drop=_drop)
OUTPUT_STREAM = HostResource(name="output-stream", drop=_drop)

_streams = Definition(
    """
    input-stream.read(len: u64) -> result<list<u8>, $stream-error>
    input-stream.blocking-read(len: u64) -> result<list<u8>, $stream-error>
    input-stream.skip(len: u64) -> result<u64, $stream-error>
    input-stream.blocking-skip(len: u64) -> result<u64, $stream-error>
    input-stream.subscribe() -> own<pollable>
    output-stream.check-write() -> result<u64, $stream-error>
    output-stream.write(contents: list<u8>) -> result<_, $stream-error>
    output-stream.blocking-write-and-flush(contents: list<u8>) -> result<_, $stream-error>
    output-stream.flush() -> result<_, $stream-error>
    output-stream.blocking-flush() -> result<_, $stream-error>
    output-stream.subscribe() -> own<pollable>
    output-stream.write-zeroes(len: u64) -> result<_, $stream-error>
    output-stream.blocking-write-zeroes-and-flush(len: u64) -> result<_, $stream-error>
    output-stream.splice(src: borrow<input-stream>, len: u64) -> result<u64, $stream-error>
    output-stream.blocking-splice(src: borrow<input-stream>, len: u64) -> result<u64, $stream-error>
    """,
    types={"stream-error": "variant { last-operation-failed(own<error>), closed }"},
    resources={"error": ERROR, "pollable": POLLABLE, "input-stream": INPUT_STREAM, "output-stream": OUTPUT_STREAM},
)


def _input(context: WasiContext, number: int) -> InputStream:
    context.wasi.loop.pump()
    return context.wasi.table.get(number, HeldInput).stream


def _output(context: WasiContext, number: int) -> OutputStream:
    context.wasi.loop.pump()
    return context.wasi.table.get(number, HeldOutput).stream


def _guarded(context: WasiContext, act: Callable[[], object]) -> Outcome:
    try:
        return {"ok": act()}
    except StreamClosed:
        return {"err": "closed"}
    except StreamFailed as failed:
        return {"err": {"last_operation_failed": context.wasi.table.add(failed.error)}}


def _read_some(context: WasiContext, stream: InputStream, most: int) -> bytes:
    wait_for(context, [Pollable(stream.is_ready)])
    return stream.read(min(most, MAX_READ))


def _write_whole(context: WasiContext, stream: OutputStream, data: bytes) -> None:
    position = 0
    while position < len(data):
        room = stream.room()
        if not room:
            stream.flush()
            wait_for(context, [Pollable(stream.is_ready)])
            continue
        stream.write(data[position : position + room])
        position += room
    _flush_whole(context, stream)


def _flush_whole(context: WasiContext, stream: OutputStream) -> None:
    stream.flush()
    wait_for(context, [Pollable(stream.is_flushed)])
    stream.flush()  # which says whether it broke meanwhile


def _write_permitted(stream: OutputStream, data: bytes) -> None:
    if len(data) > stream.room():
        raise trap("a guest wrote more to a stream than check-write allowed")
    stream.write(data)


def _splice(context: WasiContext, target: OutputStream, source: InputStream, most: int) -> int:
    room = target.room()
    data = source.read(min(most, room, MAX_READ)) if room else b""
    if data:
        target.write(data)
    return len(data)


@_streams.call("input-stream.read")
def _read(context: WasiContext, this: int, most: int) -> Outcome:
    stream = _input(context, this)
    return _guarded(context, lambda: stream.read(min(most, MAX_READ)))


@_streams.call("input-stream.blocking-read")
def _blocking_read(context: WasiContext, this: int, most: int) -> Outcome:
    stream = _input(context, this)
    return _guarded(context, lambda: _read_some(context, stream, most))


@_streams.call("input-stream.skip")
def _skip(context: WasiContext, this: int, most: int) -> Outcome:
    stream = _input(context, this)
    return _guarded(context, lambda: len(stream.read(min(most, MAX_READ))))


@_streams.call("input-stream.blocking-skip")
def _blocking_skip(context: WasiContext, this: int, most: int) -> Outcome:
    stream = _input(context, this)
    return _guarded(context, lambda: len(_read_some(context, stream, most)))


@_streams.call("input-stream.subscribe")
def _subscribe_input(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(Pollable(_input(context, this).is_ready), parent=this)


@_streams.call("output-stream.check-write")
def _check_write(context: WasiContext, this: int) -> Outcome:
    return _guarded(context, _output(context, this).room)


@_streams.call("output-stream.write")
def _write(context: WasiContext, this: int, data: bytes) -> Outcome:
    stream = _output(context, this)
    return _guarded(context, lambda: _write_permitted(stream, data))


@_streams.call("output-stream.blocking-write-and-flush")
def _blocking_write(context: WasiContext, this: int, data: bytes) -> Outcome:
    if len(data) > MAX_BLOCKING_WRITE:
        raise trap(f"blocking-write-and-flush takes {MAX_BLOCKING_WRITE} bytes at most, not {len(data)}")
    stream = _output(context, this)
    return _guarded(context, lambda: _write_whole(context, stream, data))


@_streams.call("output-stream.flush")
def _flush(context: WasiContext, this: int) -> Outcome:
    return _guarded(context, _output(context, this).flush)


@_streams.call("output-stream.blocking-flush")
def _blocking_flush(context: WasiContext, this: int) -> Outcome:
    stream = _output(context, this)
    return _guarded(context, lambda: _flush_whole(context, stream))


@_streams.call("output-stream.subscribe")
def _subscribe_output(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(Pollable(_output(context, this).is_ready), parent=this)


@_streams.call("output-stream.write-zeroes")
def _write_zeroes(context: WasiContext, this: int, count: int) -> Outcome:
    stream = _output(context, this)
    if count > MAX_READ:
        raise trap("a guest wrote more to a stream than check-write allowed")
    return _guarded(context, lambda: _write_permitted(stream, bytes(count)))


@_streams.call("output-stream.blocking-write-zeroes-and-flush")
def _blocking_write_zeroes(context: WasiContext, this: int, count: int) -> Outcome:
    if count > MAX_BLOCKING_WRITE:
        raise trap(f"blocking-write-zeroes-and-flush takes {MAX_BLOCKING_WRITE} bytes at most, not {count}")
    stream = _output(context, this)
    return _guarded(context, lambda: _write_whole(context, stream, bytes(count)))


@_streams.call("output-stream.splice")
def _splice_now(context: WasiContext, this: int, source: int, most: int) -> Outcome:
    target, stream = _output(context, this), _input(context, source)
    return _guarded(context, lambda: _splice(context, target, stream, most))


@_streams.call("output-stream.blocking-splice")
def _blocking_splice(context: WasiContext, this: int, source: int, most: int) -> Outcome:
    target, stream = _output(context, this), _input(context, source)

    def splice() -> int:
        wait_for(context, [Pollable(target.is_ready)])
        wait_for(context, [Pollable(stream.is_ready)])
        return _splice(context, target, stream, most)

    return _guarded(context, splice)


STREAMS_INTERFACE = _streams.finish()


def give_input(context: WasiContext, stream: InputStream, *, parent: int | None = None) -> JsonValue:
    """Return the number of a new ``input-stream``."""
    return context.wasi.table.add(HeldInput(stream), parent=parent)


def give_output(context: WasiContext, stream: OutputStream, *, parent: int | None = None) -> JsonValue:
    """Return the number of a new ``output-stream``."""
    return context.wasi.table.add(HeldOutput(stream), parent=parent)
