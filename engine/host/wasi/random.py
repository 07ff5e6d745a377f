"""``wasi:random``: real entropy, for activities."""

from __future__ import annotations

import os

from engine.host.wasi.definition import Definition, trap
from engine.host.wasi.state import WasiContext
from engine.wit.options import JsonValue

MAX_BYTES = 1 << 20
"""Most random bytes of one call."""

RANDOM_SIGNATURES = """
    get-random-bytes(len: u64) -> list<u8>
    get-random-u64() -> u64
    """
INSECURE_SIGNATURES = """
    get-insecure-random-bytes(len: u64) -> list<u8>
    get-insecure-random-u64() -> u64
    """
SEED_SIGNATURES = "insecure-seed() -> tuple<u64, u64>"

_random = Definition(RANDOM_SIGNATURES)
_insecure = Definition(INSECURE_SIGNATURES)
_seed = Definition(SEED_SIGNATURES)


def check_length(length: int) -> int:
    """Return a length that may be asked for.

    Raises:
        Trap: If it is too large.
    """
    if length > MAX_BYTES:
        raise trap(f"a guest asked for {length} random bytes at once; the limit is {MAX_BYTES}")
    return length


@_random.call("get-random-bytes")
@_insecure.call("get-insecure-random-bytes")
def _bytes(_context: WasiContext, length: int) -> bytes:
    return os.urandom(check_length(length))


@_random.call("get-random-u64")
@_insecure.call("get-insecure-random-u64")
def _u64(_context: WasiContext) -> int:
    return int.from_bytes(os.urandom(8))


@_seed.call("insecure-seed")
def _insecure_seed(context: WasiContext) -> JsonValue:
    return [_u64(context), _u64(context)]


RANDOM_INTERFACE = _random.finish()
INSECURE_INTERFACE = _insecure.finish()
SEED_INTERFACE = _seed.finish()
