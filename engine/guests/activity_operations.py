"""What an activity's runtime may ask beyond what every runtime may."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.guests.answers import DONE, refused
from engine.guests.bodies import Body
from engine.guests.contexts import ActivityGuest

_LONGEST_PAUSE_S = 1.0


def _pause(guest: ActivityGuest, body: Body) -> str:
    # In pieces, as a run cannot be interrupted while the host has it; the runtime asks again.
    guest.pause(min(body.integer("us") / 1_000_000, _LONGEST_PAUSE_S))
    return DONE


def _http(_guest: ActivityGuest, body: Body) -> str:
    return refused("denied", f"{body.text('method')} {body.text('url')}: no allowed_host rule allows it")


OPERATIONS: Mapping[str, Callable[[ActivityGuest, Body], str]] = {"pause": _pause, "http": _http}
"""By name."""
