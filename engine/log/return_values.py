"""What an execution came to: its function's result, or why the platform ended it."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

from msgspec import Struct

JsonText = NewType("JsonText", str)
"""Compact JSON text of a canonical value."""


class FailureKind(StrEnum):
    """Why the platform, not the function, ended an execution."""

    TIMED_OUT = "timed_out"
    NONDETERMINISM_DETECTED = "nondeterminism_detected"
    OUT_OF_FUEL = "out_of_fuel"
    CANCELLED = "cancelled"
    UNCATEGORIZED = "uncategorized"


class TypedValue(Struct, frozen=True, gc=False):
    """A value with the text of its WIT type."""

    type: str
    value: JsonText


class Returned(Struct, frozen=True, gc=False):
    """The function returned its ``result``.

    Args:
        ok: Whether it is the ok case.
        payload: What the case carries; ``None`` for a case without payload.
    """

    ok: bool
    payload: TypedValue | None


class Failed(Struct, frozen=True, kw_only=True, gc=False):
    """The platform ended the execution.

    Args:
        kind: Why.
        reason: One sentence for people.
        detail: More, such as a trace.
    """

    kind: FailureKind
    reason: str | None = None
    detail: str | None = None


ReturnValue = Returned | Failed
CANCELLED = Failed(kind=FailureKind.CANCELLED)
