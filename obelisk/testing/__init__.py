"""For tests of workflows: the real engine on a simulated clock, in memory, with activities that do as the test says.

It runs on the host only: the sandbox has the other modules of this package. ``docs/testing.md`` shows what tests look
like; ``from obelisk.testing import sandbox`` in a ``conftest.py`` makes the fixture known.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from obelisk.testing.outcomes import CRASH, TIMED_OUT
from obelisk.testing.problems import NotFaked, NotWaiting, ReplayDiffers, Stuck
from obelisk.testing.run import Run
from obelisk.testing.sandboxes import Sandbox

__all__ = [
    "CRASH",
    "TIMED_OUT",
    "NotFaked",
    "NotWaiting",
    "ReplayDiffers",
    "Run",
    "Sandbox",
    "Stuck",
    "sandbox",
]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Return an engine of this test's own, in which nothing has happened yet."""
    made = Sandbox()
    try:
        yield made
    finally:
        made.close()
