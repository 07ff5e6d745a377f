"""Divergences by their cause: one change of a workflow makes all of its executions part from it at the same place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from executions.rehearsal.rehearsing import Divergence

MOST_CAUSES: Final = 200
_EXAMPLES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why workflows cannot go on.

    Args:
        ffqn: Their function.
        version: The recorded event at which history and code part; ``None`` if it is not about one.
        error: What is different, in one sentence; ids of a single execution are left out.
        consequence: What would become of them.
        count: How many there are.
        executions: The oldest of them.
    """

    ffqn: str
    version: int | None
    error: str
    consequence: str
    count: int
    executions: tuple[str, ...]


def causes_of(divergences: Iterable[Divergence]) -> list[Cause]:
    """Return the causes of divergences, the most frequent first."""
    groups: dict[tuple[str, int | None, str, str], list[str]] = {}
    for each in divergences:
        error = each.error.replace(each.execution_id, "E_…")
        groups.setdefault((each.ffqn, each.version, error, each.consequence), []).append(each.execution_id)
    causes = [
        Cause(
            ffqn=ffqn,
            version=version,
            error=error,
            consequence=consequence,
            count=len(executions),
            executions=tuple(executions[:_EXAMPLES]),
        )
        for (ffqn, version, error, consequence), executions in groups.items()
    ]
    return sorted(causes, key=lambda cause: -cause.count)


def encode_causes(causes: Iterable[Cause]) -> list[dict[str, Any]]:
    """Return the stored form of as many causes as are kept."""
    return [asdict(cause) for cause in list(causes)[:MOST_CAUSES]]
