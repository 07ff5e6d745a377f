"""Hostile WebAssembly: real components with sections that are cut, moved, repeated or lie about themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wasmtime import wat2wasm

from tests.fuzz.mutation import Mutator

_PREAMBLE = 8


@dataclass(frozen=True, slots=True)
class _Section:
    id: int
    content: bytes

    def encode(self, *, size: int | None = None) -> bytes:
        return bytes([self.id]) + leb(len(self.content) if size is None else size) + self.content


def leb(number: int) -> bytes:
    """Return an unsigned number as WebAssembly spells it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def hostile_component(mutator: Mutator, good: Sequence[bytes]) -> bytes:
    """Return bytes that are nearly, or exactly, a component.

    Args:
        mutator: Decides.
        good: Real components.
    """
    if mutator.chance(0.15):
        return made_component(mutator)
    binary = mutator.one_of(good)
    if mutator.chance(0.3):
        return mutator.octets(binary, others=good)
    sections = _sections(binary)
    at = mutator.below(len(sections))
    section = sections[at]
    encoded = [each.encode() for each in sections]
    match mutator.below(9):
        case 0:  # a size that lies
            size = mutator.one_of((0, 1, len(section.content) - 1, len(section.content) + 1, 2**31, 2**32 - 1))
            encoded[at] = section.encode(size=max(0, size))
        case 1:  # a count that lies; it is what most sections begin with
            count = leb(mutator.one_of((0, 1, 1000, 100_001, 2**31, 2**32 - 1)))
            encoded[at] = _Section(section.id, count + section.content[1:]).encode()
        case 2:
            encoded[at] = _Section(section.id, mutator.octets(section.content)).encode()
        case 3:
            encoded[at] *= mutator.one_of((0, 2, 1001))
        case 4:
            other = mutator.below(len(sections))
            encoded[at], encoded[other] = encoded[other], encoded[at]
        case 5:
            encoded[at] = _Section(mutator.below(14), section.content).encode()
        case 6:  # a custom section: a name, then anything
            name = mutator.one_of(
                (b"name", b"component-name", b"producers", b"component-type:x", b".debug_line", b"\xff")
            )
            content = mutator.octets(section.content[:4096])
            encoded.insert(at, _Section(0, leb(len(name)) + name + content).encode())
        case 7:  # a component within a component within ...
            for _ in range(mutator.one_of((1, 30, 500))):
                binary = binary[:_PREAMBLE] + _Section(4, binary).encode()
                if len(binary) > 1 << 20:
                    break
            return binary
        case _:
            preamble = mutator.one_of((b"\0asm\x01\0\0\0", b"\0asm\x0e\0\x01\0", b"\0asm", b"", b"\x1f\x8b\x08\0"))
            return preamble + b"".join(encoded)
    return binary[:_PREAMBLE] + b"".join(encoded)


def made_component(mutator: Mutator) -> bytes:
    """Return a valid component that overdoes one thing: depth or number of types, names, exports, memory."""
    number = mutator.one_of((1, 20, 99, 101, 1000))
    match mutator.below(5):
        case 0:  # deep types
            wrap = mutator.one_of(("list", "option", "tuple"))
            types = "".join(f"(type $t{n + 1} ({wrap} $t{n}))" for n in range(number))
            param = f'(param "p" $t{number})'
            body = f"(type $t0 (list u8)) {types} {_exporting(param)}"
        case 1:  # wide types
            fields = " ".join(f'(field "f{n}" string)' for n in range(number))
            body = f'(type $r (record {fields})) (export $e "wide" (type $r)) {_exporting("")}'
        case 2:  # many functions
            items = " ".join(f'(export "run-{n}" (func $run))' for n in range(number))
            body = _exporting("", items)
        case 3:  # greedy
            pages = mutator.one_of((0, 1, 8192, 8193, 65536))
            body = f"(core module $big (memory {pages})) (core instance (instantiate $big)) {_exporting('')}"
        case _:  # a start function that never ends
            body = (
                f"(core module $l (func $f (loop (br 0))) (start $f)) (core instance (instantiate $l)) {_exporting('')}"
            )
    return bytes(wat2wasm(f"(component {body})"))


def _exporting(params: str, items: str = '(export "run" (func $run))') -> str:
    takes = "i32 i32" if params else ""
    takes = f"(param {takes})" if takes else ""
    memory = '(memory (core memory $i "memory")) (realloc (core func $i "realloc"))' if params else ""
    return (
        '(core module $m (memory (export "memory") 1)'
        ' (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 16)'
        f' (func (export "run") {takes} (result i32) i32.const 0))'
        " (core instance $i (instantiate $m))"
        f' (func $run {params} (result (result)) (canon lift (core func $i "run") {memory}))'
        f' (instance $e0 {items}) (export "test:made/api" (instance $e0))'
    )


def _sections(binary: bytes) -> list[_Section]:
    found, at = [], _PREAMBLE
    while at < len(binary):
        section_id, at = binary[at], at + 1
        size, shift = 0, 0
        while True:
            byte, at = binary[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        found.append(_Section(section_id, binary[at : at + size]))
        at += size
    return found
