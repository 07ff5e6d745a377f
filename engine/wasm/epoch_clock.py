"""Wall time for running wasm: the ticker behind epoch deadlines."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Final

from engine.wasm.native_timer import NativeTimer
from engine.wasm.run import Runs

TICK_SECONDS: Final = 0.010
"""How far apart epochs are, hence how exact a deadline is."""

_LINGER_TICKS = 25
"""How many ticks the thread outlives the last run, so that a trickle of short runs does not start it each time."""

_MAX_TICKS_AT_ONCE = 1000
_FAR = 1e9


class EpochClock:
    """Advances an engine's epoch every tick while runs are alive.

    It starts with the first run and ends soon after the last one, so an idle process is not woken. A forked child
    inherits neither threads nor timers, and gets its own with its first run.

    Args:
        increment: Advances the engine's epoch by one.
        runs: The runs that are alive; the clock only looks whether there are any.
        timer: Does the same without Python; ``None`` where there is no such thing, and a thread has to.
    """

    def __init__(self, increment: Callable[[], None], runs: Runs, timer: NativeTimer | None = None) -> None:
        self._increment = increment
        self._runs = runs
        self._timer = timer
        self._starting = threading.Lock()
        self.is_native: Final = timer is not None
        """Whether it ticks also while a guest holds the interpreter lock."""
        self.is_ticking = False
        _clocks.add(self)

    def ticks_for(self, seconds: float) -> int:
        """Return after how many epochs to look at a deadline ``seconds`` away: at once if it has passed.

        The first of these epochs may be almost over, so a look may come one tick early, never late.
        """
        return math.ceil(min(seconds, _FAR) / TICK_SECONDS) if seconds > 0 else 0

    def ensure_ticking(self) -> None:
        """Start ticking unless it does; to be called with a run registered."""
        if self.is_ticking:
            return
        with self._starting:
            if not self.is_ticking:
                self.is_ticking = True
                if self._timer is not None:
                    self._timer.start(TICK_SECONDS)
                watch = self._tick if self._timer is None else self._watch
                threading.Thread(target=watch, name="wasm-epoch", daemon=True).start()

    def _watch(self) -> None:
        """Stop the timer when there were no runs for a while."""
        was_idle = False
        while True:
            time.sleep(_LINGER_TICKS * TICK_SECONDS)
            is_idle = not self._runs
            if is_idle and was_idle and self._stop():
                return
            was_idle = is_idle

    def _tick(self) -> None:
        started, done, idle = time.monotonic(), 0, 0
        while True:
            time.sleep(max(0.0, started + (done + 1) * TICK_SECONDS - time.monotonic()))
            # A thread that got the GIL late makes up for the ticks it missed, so that long deadlines do not drift.
            due = int((time.monotonic() - started) / TICK_SECONDS)
            for _ in range(min(due - done, _MAX_TICKS_AT_ONCE)):
                self._increment()
            done = due
            idle = 0 if self._runs else idle + 1
            if idle > _LINGER_TICKS and self._stop():
                return

    def _stop(self) -> bool:
        # Whoever registers a run looks at the flag afterwards: either it sees the flag down, or we see the run.
        with self._starting:
            self.is_ticking = False
            if self._runs:
                self.is_ticking = True
            elif self._timer is not None:
                self._timer.stop()
            return not self.is_ticking

    def after_fork(self) -> None:
        """Forget the parent's thread and its threads' runs."""
        self._starting = threading.Lock()
        self.is_ticking = False
        self._runs.clear()
        if not NativeTimer.is_available():
            self._timer = None


_clocks: weakref.WeakSet[EpochClock] = weakref.WeakSet()


def _after_fork() -> None:
    for clock in list(_clocks):
        clock.after_fork()


os.register_at_fork(after_in_child=_after_fork)
