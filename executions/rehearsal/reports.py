"""What clients and people are told of a rehearsal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from components.reports import counted
from executions.rehearsal.rehearsing import Rehearsal


def describe_rehearsal(rehearsal: Rehearsal) -> dict[str, Any]:
    """Return a rehearsal as JSON data."""
    return {**asdict(rehearsal), "looked_at": rehearsal.looked_at}


def rehearsal_lines(rehearsal: Rehearsal) -> Iterator[str]:
    """Return a rehearsal as lines of text."""
    for each in rehearsal.divergences:
        at = "" if each.version is None else f" at event {each.version}"
        yield f"{each.execution_id} ({each.ffqn}) diverges{at}: {each.error}; {each.consequence}"
    for ffqn, count in rehearsal.functions_gone.items():
        yield f"{counted(count, 'execution')} of {ffqn} would wait: no component exports it"
    yield summary(rehearsal)


def summary(rehearsal: Rehearsal) -> str:
    """Return one sentence on how far a rehearsal is, or what it came to."""
    text = (
        f"{rehearsal.looked_at} of {counted(rehearsal.total, 'unfinished workflow')}: "
        f"{rehearsal.compatible} compatible, {rehearsal.unchanged} unchanged, {len(rehearsal.divergences)} diverging"
        + (f", {rehearsal.left} left on their code" if rehearsal.left else "")
    )
    return text if rehearsal.is_complete else f"{text}; the others were left out"
