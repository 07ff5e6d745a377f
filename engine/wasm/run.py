"""What a host function knows of the run that calls it."""

from __future__ import annotations

import math
import time
from collections.abc import MutableMapping
from typing import TypeAlias

from engine.wasm import native
from engine.wasm.gil_choice import GilChoice
from engine.wasm.native import Address


class Run:
    """One instance at work.

    Args:
        context: Whatever the caller of the component gives its host functions.
        deadline: Seconds from now that the run may take; ``None`` for no limit.

    Attributes:
        keeps_gil: Whether the guest holds the interpreter lock while it computes.
        choice: Where stretches of computing are noted.
        computing_since: When the guest last began to compute, by ``time.monotonic``.
        computed_s: What it computed in this call before that, in seconds.
        stretches: In how many stretches.
    """

    __slots__ = (
        "choice",
        "computed_s",
        "computing_since",
        "context",
        "expires_at",
        "failure",
        "is_interrupted",
        "keeps_gil",
        "stretches",
    )

    def __init__(self, context: object, deadline: float | None) -> None:
        self.context = context
        self.expires_at = math.inf if deadline is None else time.monotonic() + deadline
        self.failure: BaseException | None = None
        self.is_interrupted = False
        self.keeps_gil = False
        self.choice = _NOWHERE
        self.computing_since = 0.0
        self.computed_s = 0.0
        self.stretches = 0

    def begin(self, choice: GilChoice, *, may_keep_gil: bool) -> float:
        """Hear that the guest is about to be entered; return how long it may go on, as `seconds_left` does."""
        now_s = time.monotonic()
        self.choice = choice
        self.keeps_gil = may_keep_gil and choice.keeps_gil()
        self.computed_s = 0.0
        self.stretches = 0
        self.computing_since = now_s
        return -1.0 if self.is_interrupted else self.expires_at - now_s

    def end(self) -> None:
        """Hear that the guest was left."""
        computed_s = self.computed_s + time.monotonic() - self.computing_since
        self.choice.note(computed_s / (self.stretches + 1))

    def look(self) -> None:
        """Look at a guest that computes, on its thread; let others have the interpreter lock if it kept that."""
        self.choice.note(time.monotonic() - self.computing_since)
        if self.keeps_gil:
            time.sleep(0)

    def seconds_left(self) -> float:
        """Return how long the run may go on; zero or less when its time is up."""
        return -1.0 if self.is_interrupted else self.expires_at - time.monotonic()

    def set_deadline(self, deadline: float | None) -> None:
        """Let the run end ``deadline`` seconds from now, or never."""
        self.expires_at = math.inf if deadline is None else time.monotonic() + deadline


_NOWHERE = GilChoice()

Runs: TypeAlias = MutableMapping[Address, Run]
"""The runs of an engine that are alive, by the address of their store's context."""


def fail(run: Run | None, failure: BaseException) -> Address:
    """Record why a host function did not return, and make the error that unwinds the guest.

    No exception may pass through wasmtime's frames; the outer call raises the recorded one. The first one counts, as
    later ones can only come from cleaning up after it.
    """
    if run is not None:
        # What the host function took is not the guest's.
        run.computing_since = time.monotonic()
        if run.failure is None:
            run.failure = failure
    return native.new_error(f"host function failed: {type(failure).__name__}")
