"""Rules that say how long finished executions are kept: by function and by how they ended (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGE = re.compile(r"([0-9]{1,6})([smhd])")
_KEEP = "keep"
_LONGEST = timedelta(days=36_500)
"""Before anything was stored, and within the range of dates."""


class Outcome(StrEnum):
    """How an execution ended, as far as rules tell ends apart."""

    ANY = "any"
    OK = "ok"
    ERROR = "error"
    """Its function returned an error."""
    FAILURE = "failure"
    """The platform ended it: timeout, cancellation, a bug."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long some executions are kept.

    Args:
        pattern: Which functions, by full name, with ``*`` and ``?``.
        outcome: How they ended.
        keep_for: How long after their end; ``None`` for ever.
    """

    pattern: str
    outcome: Outcome
    keep_for: timedelta | None

    def covers(self, ffqn: str, outcome: Outcome) -> bool:
        """Tell whether it is about calls of a function that ended so."""
        return self.outcome in (Outcome.ANY, outcome) and fnmatchcase(ffqn, self.pattern)


def parse_rules(text: str) -> tuple[RetentionRule, ...]:
    """Read rules such as ``shop:*/* ok 7d, * failure 90d, * any 30d``; the first that fits an execution counts.

    Args:
        text: Rules separated by commas, each of a pattern, an outcome and an age; empty keeps everything.

    Raises:
        ValueError: If a rule is none; the message is one sentence.
    """
    return tuple(_parse_rule(part) for part in text.split(",") if part.strip())


def parse_age(text: str) -> timedelta:
    """Read an age such as ``30d``.

    Raises:
        ValueError: If it is none; the message is one sentence.
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no age; write 90s, 10m, 12h or 30d")
    age = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if age > _LONGEST:
        raise ValueError(f"{text!r} is more than {_LONGEST.days}d")
    return age


def keep_for(rules: Sequence[RetentionRule], *, ffqn: str, result_kind: str) -> timedelta | None:
    """Return how long after its end an execution is kept, ``None`` for ever.

    Args:
        rules: The first that fits counts.
        ffqn: The function.
        result_kind: As the state's row has it: ``ok``, ``error``, or why the platform ended it.
    """
    outcome = Outcome(result_kind) if result_kind in (Outcome.OK, Outcome.ERROR) else Outcome.FAILURE
    return next((rule.keep_for for rule in rules if rule.covers(ffqn, outcome)), None)


def shortest(rules: Sequence[RetentionRule]) -> timedelta | None:
    """Return the age before which no execution is deleted; ``None`` if none ever is."""
    return min((rule.keep_for for rule in rules if rule.keep_for is not None), default=None)


def longest(rules: Sequence[RetentionRule]) -> timedelta | None:
    """Return the age at which every execution that is ever deleted is gone; ``None`` if none ever is."""
    return max((rule.keep_for for rule in rules if rule.keep_for is not None), default=None)


def _parse_rule(text: str) -> RetentionRule:
    parts = text.split()
    if len(parts) != 3:
        raise ValueError(f"{text.strip()!r} is no rule; write a pattern, an outcome and an age, such as * ok 30d")
    pattern, outcome, age = parts
    if outcome not in list(Outcome):
        raise ValueError(f"{outcome!r} in {text.strip()!r} is no outcome; expected one of {', '.join(Outcome)}")
    if age == _KEEP:
        return RetentionRule(pattern, Outcome(outcome), None)
    try:
        return RetentionRule(pattern, Outcome(outcome), parse_age(age))
    except ValueError as error:
        raise ValueError(f"{text.strip()!r}: {error}, or {_KEEP} for ever") from error
