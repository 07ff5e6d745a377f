"""Carrying out checks and repairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.db import Error as DatabaseError

from engine.errors import JournalError
from executions.doctor.findings import Check, Examination, Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What one check found.

    Args:
        check: The check.
        findings: What it found; empty if all is well.
    """

    check: Check
    findings: tuple[Finding, ...]


def examine(checks: Sequence[Check], examination: Examination) -> Iterator[Diagnosis]:
    """Carry out checks one after the other; one that cannot be made is a finding itself."""
    for check in checks:
        yield Diagnosis(check=check, findings=_look(check, examination))


def worst(diagnoses: Sequence[Diagnosis]) -> Severity:
    """Return how bad it is in all."""
    found = {finding.severity for diagnosis in diagnoses for finding in diagnosis.findings}
    return max(found, key=list(Severity).index, default=Severity.NOTE)


def _look(check: Check, examination: Examination) -> tuple[Finding, ...]:
    def tell(what: str) -> None:
        examination.tell(f"{check.name}: {what}")

    try:
        return tuple(check.look(replace(examination, tell=tell)))
    except (DatabaseError, JournalError) as error:
        return (
            Finding(
                severity=Severity.PROBLEM,
                what=f"This could not be looked at: {error}.",
                why="Whatever is wrong there stays unknown.",
                remedy="Have the database answer, with room on its disk and its migrations applied; then look again.",
            ),
        )
