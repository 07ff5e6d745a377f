"""``wasi:io/poll``: waiting for one of several things."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.host.wasi.definition import Definition, trap
from engine.host.wasi.state import WasiContext
from engine.wasm.host_functions import HostResource


@dataclass(frozen=True, slots=True)
class Pollable:
    """Something to wait for.

    Args:
        is_ready: Whether it has come.
        at: When it comes by itself, on `time.monotonic`; ``None`` if time alone does not bring it.
    """

    is_ready: Callable[[], bool]
    at: float | None = None


def timer(at: float) -> Pollable:
    """Return what comes at an instant of `time.monotonic`."""
    return Pollable(lambda: time.monotonic() >= at, at)


def _drop(context: WasiContext, number: int) -> None:
    context.wasi.table.drop(number)


POLLABLE = HostResource(name="pollable", drop=_drop)
"""The resource type, which other interfaces use."""

_poll = Definition(
    """
    pollable.ready() -> bool
    pollable.block()
    poll(in: list<borrow<pollable>>) -> list<u32>
    """,
    resources={"pollable": POLLABLE},
)


@_poll.call("pollable.ready")
def _ready(context: WasiContext, this: int) -> bool:
    state = context.wasi
    state.loop.pump()
    return state.table.get(this, Pollable).is_ready()


@_poll.call("pollable.block")
def _block(context: WasiContext, this: int) -> None:
    pollable = context.wasi.table.get(this, Pollable)
    wait_for(context, [pollable])


@_poll.call("poll")
def _poll_list(context: WasiContext, numbers: list[int]) -> list[int]:
    if not numbers:
        raise trap("wasi:io/poll.poll was called with an empty list, which never becomes ready")
    pollables = [context.wasi.table.get(number, Pollable) for number in numbers]
    wait_for(context, pollables)
    return [index for index, pollable in enumerate(pollables) if pollable.is_ready()]


def wait_for(context: WasiContext, pollables: list[Pollable]) -> None:
    """Return when at least one of them is ready.

    Raises:
        Trap: Of kind ``interrupted``: the run is out of time, or is being stopped.
    """
    loop = context.wasi.loop

    def is_any_ready() -> bool:
        return any(pollable.is_ready() for pollable in pollables)

    while not is_any_ready():
        instants = [pollable.at for pollable in pollables if pollable.at is not None]
        loop.wait_until(is_any_ready, until=min(instants) if instants else None)


POLL_INTERFACE = _poll.finish()
