"""Runs a core module's ``prepare`` and writes the module anew with the memory as it is then.

``snapshot.py MODULE PREPARED``. An instance of the new module starts where ``prepare`` ended, so that what it loaded
costs nothing. Works for modules that keep all of their state in memory, as those of a C compiler do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from wasmtime import Engine, Func, FuncType, Instance, Memory, Module, Store

_PAGE = 65536
_GAP = 16
"""Zeroes that are cheaper to write out than to end a segment for."""
_DROPPED_EXPORTS = ("_initialize", "prepare", "prepare-failure")
_MEMORY, _EXPORT, _START, _DATA, _DATA_COUNT = 5, 7, 8, 11, 12


def main(source: Path, target: Path) -> None:
    """Write the prepared module."""
    module = source.read_bytes()
    memory = _prepared_memory(module)
    target.write_bytes(b"".join(_rewritten(module, memory)))


def _prepared_memory(binary: bytes) -> bytes:
    store = Store(Engine())
    module = Module(store.engine, binary)
    imports = [
        Func(store, wanted.type, _refuse(f"{wanted.module}.{wanted.name}"))
        for wanted in module.imports
        if isinstance(wanted.type, FuncType)
    ]
    exports = Instance(store, module, imports).exports(store)
    memory, initialize, prepare = exports["memory"], exports["_initialize"], exports["prepare"]
    assert isinstance(memory, Memory)
    assert isinstance(initialize, Func)
    assert isinstance(prepare, Func)
    initialize(store)
    if prepare(store):
        failure = exports["prepare-failure"]
        assert isinstance(failure, Func)
        start = failure(store)
        raise SystemExit("snapshot: " + bytes(memory.read(store, start, start + 2000)).split(b"\0")[0].decode())
    return bytes(memory.read(store, 0, memory.data_len(store)))


def _refuse(name: str) -> Callable[..., None]:
    def refused(*_args: object) -> None:
        raise RuntimeError(f"{name} was called while the snapshot was made")

    return refused


def _rewritten(module: bytes, memory: bytes) -> Iterator[bytes]:
    segments = list(_segments(memory))
    yield module[:8]
    for number, body in _sections(module):
        if number != _START:
            new = _new_section(number, body, memory, segments)
            yield bytes([number]) + _number(len(new)) + new


def _new_section(number: int, body: bytes, memory: bytes, segments: list[tuple[int, int]]) -> bytes:
    if number == _MEMORY:
        return _number(1) + b"\0" + _number(len(memory) // _PAGE)
    if number == _EXPORT:
        return _exports(body)
    if number == _DATA_COUNT:
        return _number(len(segments))
    if number == _DATA:
        written = [
            # A segment of memory 0, at an offset given by i32.const.
            b"\0\x41" + _signed(start) + b"\x0b" + _number(end - start) + memory[start:end]
            for start, end in segments
        ]
        return _number(len(segments)) + b"".join(written)
    return body


def _sections(module: bytes) -> Iterator[tuple[int, bytes]]:
    position = 8
    while position < len(module):
        number = module[position]
        size, start = _read_number(module, position + 1)
        yield number, module[start : start + size]
        position = start + size


def _exports(body: bytes) -> bytes:
    count, position = _read_number(body, 0)
    kept = []
    for _ in range(count):
        begin = position
        length, position = _read_number(body, position)
        name = body[position : position + length].decode()
        _, position = _read_number(body, position + length + 1)
        if name not in _DROPPED_EXPORTS:
            kept.append(body[begin:position])
    return _number(len(kept)) + b"".join(kept)


def _segments(memory: bytes) -> Iterator[tuple[int, int]]:
    position = 0
    while (start := _next_set(memory, position)) < len(memory):
        end = memory.find(bytes(_GAP), start)
        position = len(memory) if end < 0 else end
        yield start, position


def _next_set(memory: bytes, position: int) -> int:
    while position < len(memory) and not memory[position]:
        block = memory[position : position + 4096]
        position += len(block) - len(block.lstrip(b"\0"))
    return position


def _read_number(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def _number(value: int) -> bytes:
    written = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        written.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(written)


def _signed(value: int) -> bytes:
    written = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        is_last = value == 0 and not byte & 0x40
        written.append(byte | (0 if is_last else 0x80))
        if is_last:
            return bytes(written)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
