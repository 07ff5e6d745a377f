"""How a test fails in the sandbox; each message says what to do."""

from __future__ import annotations

from collections.abc import Mapping

from obelisk.functions import Kind

KINDS: Mapping[Kind, str] = {
    "activity": "an activity",
    "workflow": "a workflow",
    "stub": "a stub",
    "signal": "a signal",
    "imported": "a function of another component",
    "query": "a query",
}
"""What sentences call a function's kind."""


class Stuck(AssertionError):
    """The execution is not over, and nothing that time brings will end it."""


class NotWaiting(AssertionError):
    """The execution does not wait for what the test wants to answer."""


class NotFaked(AssertionError):
    """The execution called what is not there in a test, and the test does not say what comes of it."""


class ReplayDiffers(AssertionError):
    """The workflow did something else when it was run again."""
