"""What a host function knows of the run that calls it."""

from __future__ import annotations

import math
import time
from collections.abc import MutableMapping
from typing import TypeAlias

from engine.wasm import native
from engine.wasm.native import Address


class Run:
    """One instance at work.

    Args:
        context: Whatever the caller of the component gives its host functions.
        deadline: Seconds from now that the run may take; ``None`` for no limit.
    """

    __slots__ = ("context", "expires_at", "failure", "is_interrupted")

    def __init__(self, context: object, deadline: float | None) -> None:
        self.context = context
        self.expires_at = math.inf if deadline is None else time.monotonic() + deadline
        self.failure: BaseException | None = None
        self.is_interrupted = False

    def seconds_left(self) -> float:
        """Return how long the run may go on; zero or less when its time is up."""
        return -1.0 if self.is_interrupted else self.expires_at - time.monotonic()

    def set_deadline(self, deadline: float | None) -> None:
        """Let the run end ``deadline`` seconds from now, or never."""
        self.expires_at = math.inf if deadline is None else time.monotonic() + deadline


Runs: TypeAlias = MutableMapping[Address, Run]
"""The runs of an engine that are alive, by the address of their store's context."""


def fail(run: Run | None, failure: BaseException) -> Address:
    """Record why a host function did not return, and make the error that unwinds the guest.

    No exception may pass through wasmtime's frames; the outer call raises the recorded one. The first one counts, as
    later ones can only come from cleaning up after it.
    """
    if run is not None and run.failure is None:
        run.failure = failure
    return native.new_error(f"host function failed: {type(failure).__name__}")
