"""What a check of the doctor finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_EXAMPLES = 5


class Severity(StrEnum):
    """How bad a finding is."""

    NOTE = "note"
    """Nothing is wrong; somebody may want to know or tidy up."""
    WARNING = "warning"
    """Nothing is lost or stands still yet."""
    PROBLEM = "problem"
    """Work stands still, or data are not as they should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """How a finding can be put right by the doctor, without any harm to what is right.

    Args:
        what: What it does, such as "write the missing responses".
        run: Does it in the name of somebody (`OperationRecord.actor`), and returns how many it repaired. What moved on
            meanwhile is left alone.
    """

    what: str
    run: Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be.

    Args:
        severity: How bad it is.
        what: What was found; a sentence.
        why: Why it matters; a sentence.
        remedy: What a person does about it; a sentence.
        examples: Ids of some of what it is about.
        repair: How the doctor puts it right, if it can.
    """

    severity: Severity
    what: str
    why: str
    remedy: str
    examples: tuple[str, ...] = ()
    repair: Repair | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """One look at a site.

    Args:
        now: The present instant.
        is_thorough: Whether everything is looked at, however long that takes; else the newest alone.
        tell: Is told what is being looked at, and how far it is.
    """

    now: datetime
    is_thorough: bool = False
    tell: Callable[[str], None] = lambda _: None

    def most(self, rows: int) -> int | None:
        """Return how many rows to look at: as many as given, or all."""
        return None if self.is_thorough else rows


Look = Callable[[Examination], Iterator[Finding]]
"""Looks at one thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that the doctor looks at.

    Args:
        name: What to call it on the command line.
        question: What it answers.
        look: Looks.
    """

    name: str
    question: str
    look: Look
