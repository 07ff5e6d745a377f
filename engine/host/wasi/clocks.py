"""``wasi:clocks``: the real ones, for activities."""

from __future__ import annotations

import time

from engine.host.wasi.definition import Definition
from engine.host.wasi.poll import POLLABLE, timer
from engine.host.wasi.state import WasiContext
from engine.wit.options import JsonValue

_SECOND_NS = 1_000_000_000
_RESOLUTION_NS = 1

MONOTONIC_SIGNATURES = """
    now() -> u64
    resolution() -> u64
    subscribe-instant(when: u64) -> own<pollable>
    subscribe-duration(when: u64) -> own<pollable>
    """
WALL_SIGNATURES = """
    now() -> $datetime
    resolution() -> $datetime
    """
TIMEZONE_SIGNATURES = """
    display(when: $datetime) -> record { utc-offset: s32, name: string, in-daylight-saving-time: bool }
    utc-offset(when: $datetime) -> s32
    """
TYPES = {"datetime": "record { seconds: u64, nanoseconds: u32 }"}

_monotonic = Definition(MONOTONIC_SIGNATURES, resources={"pollable": POLLABLE})
_wall = Definition(WALL_SIGNATURES, types=TYPES)
_timezone = Definition(TIMEZONE_SIGNATURES, types=TYPES)


@_monotonic.call("now")
def _now(_context: WasiContext) -> int:
    return time.monotonic_ns()


@_monotonic.call("resolution")
def _resolution(_context: WasiContext) -> int:
    return _RESOLUTION_NS


@_monotonic.call("subscribe-instant")
def _subscribe_instant(context: WasiContext, when: int) -> int:
    return context.wasi.table.add(timer(when / _SECOND_NS))


@_monotonic.call("subscribe-duration")
def _subscribe_duration(context: WasiContext, duration: int) -> int:
    return context.wasi.table.add(timer(time.monotonic() + duration / _SECOND_NS))


@_wall.call("now")
def _wall_now(_context: WasiContext) -> JsonValue:
    seconds, nanoseconds = divmod(time.time_ns(), _SECOND_NS)
    return {"seconds": seconds, "nanoseconds": nanoseconds}


@_wall.call("resolution")
def _wall_resolution(_context: WasiContext) -> JsonValue:
    return {"seconds": 0, "nanoseconds": _RESOLUTION_NS}


@_timezone.call("display")
def utc_display(_context: WasiContext, _when: JsonValue) -> JsonValue:
    """Show every guest the same zone, wherever the executor stands."""
    return {"utc_offset": 0, "name": "UTC", "in_daylight_saving_time": False}


@_timezone.call("utc-offset")
def utc_offset(_context: WasiContext, _when: JsonValue) -> int:
    """Return the offset of the only zone there is."""
    return 0


MONOTONIC_INTERFACE = _monotonic.finish()
WALL_INTERFACE = _wall.finish()
TIMEZONE_INTERFACE = _timezone.finish()
