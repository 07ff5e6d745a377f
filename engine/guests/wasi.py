"""The little of WASI 0.2 that an interpreter needs of the world; the rest ends the run.

An interpreter imports all of WASI whether it uses it or not. Here are clocks, random bytes, empty environment and
output streams; what user code does about files, sockets and threads is refused inside the runtime, in words for its
author, before it comes here. In a workflow clocks and random bytes are those that replay
(docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from engine.deployment.spec import LogLevel
from engine.errors import ConstraintViolation
from engine.wasm.host_functions import HostFunction, HostInterface, HostResource
from engine.wasm.introspection import ComponentShape, InterfaceShape
from engine.wit.options import JsonValue

_WRITE_AT_ONCE = 1 << 16
_STDOUT, _STDERR = 1, 2
_MOST_RANDOM_BYTES = 1 << 20


class WasiContext(Protocol):
    """What WASI asks of a run of a guest."""

    def now_us(self) -> int:
        """Return the time, in microseconds since 1970."""
        ...

    def monotonic_ns(self) -> int:
        """Return a time that never goes back, in nanoseconds."""
        ...

    def random_bytes(self, length: int) -> bytes:
        """Return random bytes."""
        ...

    def log(self, level: LogLevel, message: str) -> None:
        """Store a log line."""
        ...


def _wall_clock(context: WasiContext) -> JsonValue:
    seconds, microseconds = divmod(context.now_us(), 1_000_000)
    return {"seconds": seconds, "nanoseconds": microseconds * 1000}


def _random(context: WasiContext, length: int) -> bytes:
    if length > _MOST_RANDOM_BYTES:
        raise ConstraintViolation(f"{length} random bytes at once; the most is {_MOST_RANDOM_BYTES}")
    return context.random_bytes(length)


def _write(context: WasiContext, _stream: int, contents: bytes) -> JsonValue:
    # Prints go another way; what comes here are the last words of an interpreter that cannot go on.
    for line in contents.decode(errors="replace").splitlines():
        context.log(LogLevel.ERROR, line)
    return {"ok": None}


_ANSWERS: Mapping[str, Callable[..., object]] = {
    "wasi:clocks/wall-clock.now": _wall_clock,
    "wasi:clocks/wall-clock.resolution": lambda _context: {"seconds": 0, "nanoseconds": 1000},
    "wasi:clocks/monotonic-clock.now": lambda context: context.monotonic_ns(),
    "wasi:clocks/monotonic-clock.resolution": lambda _context: 1000,
    "wasi:random/random.get-random-bytes": _random,
    "wasi:random/random.get-random-u64": lambda context: int.from_bytes(context.random_bytes(8), "little"),
    "wasi:random/insecure.get-insecure-random-bytes": _random,
    "wasi:random/insecure-seed.insecure-seed": lambda context: [
        int.from_bytes(context.random_bytes(8), "little") for _ in range(2)
    ],
    "wasi:cli/environment.get-environment": lambda _context: [],
    "wasi:cli/environment.get-arguments": lambda _context: [],
    "wasi:cli/environment.initial-cwd": lambda _context: None,
    "wasi:cli/stdin.get-stdin": lambda _context: 0,
    "wasi:cli/stdout.get-stdout": lambda _context: _STDOUT,
    "wasi:cli/stderr.get-stderr": lambda _context: _STDERR,
    "wasi:cli/terminal-stdin.get-terminal-stdin": lambda _context: None,
    "wasi:cli/terminal-stdout.get-terminal-stdout": lambda _context: None,
    "wasi:cli/terminal-stderr.get-terminal-stderr": lambda _context: None,
    "wasi:io/streams.[method]input-stream.read": lambda _context, _stream, _length: {"err": "closed"},
    "wasi:io/streams.[method]input-stream.blocking-read": lambda _context, _stream, _length: {"err": "closed"},
    "wasi:io/streams.[method]output-stream.check-write": lambda _context, _stream: {"ok": _WRITE_AT_ONCE},
    "wasi:io/streams.[method]output-stream.write": _write,
    "wasi:io/streams.[method]output-stream.blocking-write-and-flush": _write,
    "wasi:io/streams.[method]output-stream.flush": lambda _context, _stream: {"ok": None},
    "wasi:io/streams.[method]output-stream.blocking-flush": lambda _context, _stream: {"ok": None},
    "wasi:filesystem/preopens.get-directories": lambda _context: [],
}

_RESOURCES: dict[str, HostResource] = {}
"""One type for each name: what the interfaces share of them they share by name."""


def wasi_imports(shape: ComponentShape) -> dict[str, HostInterface]:
    """Return a definition of every WASI interface that a runtime imports.

    Args:
        shape: What it imports.
    """
    return {name: _interface(name, imported) for name, imported in shape.imports.items() if name.startswith("wasi:")}


def _interface(name: str, shape: InterfaceShape) -> HostInterface:
    unversioned = name.partition("@")[0]
    return HostInterface(
        functions={
            function: HostFunction(
                call=_ANSWERS.get(f"{unversioned}.{function}") or _refusing(f"{unversioned}.{function}"), octets=True
            )
            for function in shape.functions
        },
        resources={
            resource: _RESOURCES.setdefault(resource, HostResource(name=resource)) for resource in shape.resources
        },
    )


def _refusing(function: str) -> Callable[..., JsonValue]:
    def refuse(_context: WasiContext, *_args: object) -> JsonValue:
        raise ConstraintViolation(f"the sandbox of a source component has no {function}")

    return refuse
