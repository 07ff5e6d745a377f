"""What an operation comes to, for the page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It was carried out.

    Args:
        message: One sentence.
        goes_to: The execution to show next; the same by default.
    """

    message: str
    goes_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """It has something to show, and changed nothing.

    Args:
        message: One sentence.
        value: JSON text.
        is_bad: Whether it is bad news.
        compare_url: Where to see how the workflow and its history part.
    """

    message: str
    value: str | None = None
    is_bad: bool = False
    compare_url: str | None = None


Outcome = Done | Answer
