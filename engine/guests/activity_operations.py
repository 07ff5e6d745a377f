"""What an activity's runtime may ask beyond what every runtime may."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from engine.errors import ConstraintViolation
from engine.guests.answers import DONE, refused, write
from engine.guests.bodies import Body
from engine.guests.contexts import ActivityGuest

_LONGEST_PAUSE_S = 1.0
_MOST_RANDOM_BYTES = 65536


def _pause(guest: ActivityGuest, body: Body) -> str:
    # In pieces, as a run cannot be interrupted while the host has it; the runtime asks again.
    guest.pause(min(body.integer("us") / 1_000_000, _LONGEST_PAUSE_S))
    return DONE


def _entropy(guest: ActivityGuest, body: Body) -> str:
    count = body.integer("bytes")
    if not 0 <= count <= _MOST_RANDOM_BYTES:
        raise ConstraintViolation(f"entropy: from 0 to {_MOST_RANDOM_BYTES} bytes at once, got {count}")
    return write({"value": base64.b64encode(guest.random_bytes(count)).decode()})


def _http(_guest: ActivityGuest, body: Body) -> str:
    return refused("denied", f"{body.text('method')} {body.text('url')}: no allowed_host rule allows it")


OPERATIONS: Mapping[str, Callable[[ActivityGuest, Body], str]] = {
    "entropy": _entropy,
    "pause": _pause,
    "http": _http,
}
"""By name."""
