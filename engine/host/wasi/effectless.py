"""The interfaces as a workflow sees them that asks for WASI: fixed answers, nothing that differs between two runs.

For components whose language links WASI in without needing it, such as TinyGo's.

Source:
    Obelisk reference, section 7, on ``stub_wasi``.
"""

from __future__ import annotations

from engine.host.wasi import clocks, random
from engine.host.wasi.definition import Definition
from engine.host.wasi.poll import POLLABLE
from engine.host.wasi.state import WasiContext
from engine.wit.options import JsonValue

_NO_TIME = "a workflow has no clock to wait for; use the sleep of obelisk:workflow/workflow-support"

_monotonic = Definition(clocks.MONOTONIC_SIGNATURES, resources={"pollable": POLLABLE})
_wall = Definition(clocks.WALL_SIGNATURES, types=clocks.TYPES)
_timezone = Definition(clocks.TIMEZONE_SIGNATURES, types=clocks.TYPES)
_random = Definition(random.RANDOM_SIGNATURES)
_insecure = Definition(random.INSECURE_SIGNATURES)
_seed = Definition(random.SEED_SIGNATURES)


@_monotonic.call("now")
def _now(_context: WasiContext) -> int:
    return 0


@_wall.call("now")
def _wall_now(_context: WasiContext) -> JsonValue:
    return {"seconds": 0, "nanoseconds": 0}


_timezone.call("display")(clocks.utc_display)
_timezone.call("utc-offset")(clocks.utc_offset)


@_random.call("get-random-bytes")
@_insecure.call("get-insecure-random-bytes")
def _bytes(_context: WasiContext, length: int) -> bytes:
    return bytes(random.check_length(length))


@_random.call("get-random-u64")
@_insecure.call("get-insecure-random-u64")
def _u64(_context: WasiContext) -> int:
    return 0


@_seed.call("insecure-seed")
def _insecure_seed(_context: WasiContext) -> JsonValue:
    return [0, 0]


_monotonic.refuse_rest(_NO_TIME)
_wall.refuse_rest(_NO_TIME)

MONOTONIC_INTERFACE = _monotonic.finish()
WALL_INTERFACE = _wall.finish()
TIMEZONE_INTERFACE = _timezone.finish()
RANDOM_INTERFACE = _random.finish()
INSECURE_INTERFACE = _insecure.finish()
SEED_INTERFACE = _seed.finish()
