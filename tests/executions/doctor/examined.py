"""Asking the doctor about one thing."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from executions.doctor.examining import examine
from executions.doctor.findings import Examination, Finding
from executions.doctor.registry import CHECKS

ACTOR = "command:tests"


def look(name: str, *, now: datetime | None = None, is_thorough: bool = False) -> list[Finding]:
    """Return what a check finds."""
    (check,) = (check for check in CHECKS if check.name == name)
    (diagnosis,) = examine([check], Examination(now=now or timezone.now(), is_thorough=is_thorough))
    return list(diagnosis.findings)


def look_for_one(name: str, *, now: datetime | None = None, is_thorough: bool = False) -> Finding:
    """Return the one thing that a check finds, which must be explained."""
    (finding,) = look(name, now=now, is_thorough=is_thorough)
    assert all(text.endswith((".", "?", "`)", ")")) for text in (finding.what, finding.why, finding.remedy)), finding
    return finding


def repair(finding: Finding) -> int:
    """Repair a finding, and return how many were repaired."""
    assert finding.repair is not None
    return finding.repair.run(ACTOR)
