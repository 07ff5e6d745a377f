"""``manage.py doctor``: what is wrong with this site, why it matters, and what to do about it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from textwrap import fill
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.utils import timezone

from components.reports import counted
from engine.errors import JournalError
from executions.doctor.examining import Diagnosis, examine, worst
from executions.doctor.findings import Check, Examination, Finding, Severity
from executions.doctor.registry import CHECKS
from executions.operations.recording import command_actor

_STATUS: Final = {Severity.NOTE: 0, Severity.WARNING: 1, Severity.PROBLEM: 2}
_MARKS: Final = {Severity.NOTE: "note", Severity.WARNING: "warning", Severity.PROBLEM: "PROBLEM"}


class Command(BaseCommand):
    """Examines the site, and repairs what can be repaired."""

    help = "\n\n".join(
        fill(paragraph, 100)
        for paragraph in (
            "Look for what is wrong with this site: work that nobody does, rows that belong to nothing, states that "
            "differ from their logs, missing indexes, several versions at once, settings that do not go together. It "
            "says of each what, why it matters and what to do, and writes nothing unless --fix is given.",
            "Of executions it looks at the newest thousands. --all looks at everything, which may take minutes; the "
            "site may work meanwhile.",
            "Exit status: 0 all is well (notes do not count), 1 warnings, 2 problems, or that it could not look. With "
            "--fix it tells of what is left.",
        )
    )
    # It makes them itself, and goes on.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Keep the paragraphs of the help, and list the checks below it."""
        checks = "\n".join(f"  {check.name:<14} {check.question}" for check in CHECKS)
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=RawDescriptionHelpFormatter,
            epilog=f"checks, in their order:\n{checks}",
            **kwargs,
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("checks", nargs="*", metavar="CHECK", help="look at these only (default: all, see below)")
        parser.add_argument("--all", action="store_true", help="look at everything, not at the newest alone")
        parser.add_argument("--fix", action="store_true", help="repair what can be repaired safely; asks before each")
        parser.add_argument("--yes", action="store_true", help="with --fix: do not ask")
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")

    def handle(self, *_args: Any, checks: list[str], fix: bool, yes: bool, **options: Any) -> None:
        """Examine, perhaps repair, and exit with how bad it is."""
        chosen = _chosen(checks)
        if fix and not yes and (options["json"] or not sys.stdin.isatty()):
            raise CommandError("--fix asks before each repair; where nobody can answer, add --yes", returncode=2)
        examination = Examination(now=timezone.now(), is_thorough=options["all"], tell=self._tell)
        diagnoses, documents = [], []
        for diagnosis in examine(chosen, examination):
            self._tell("")
            repaired = [
                self._repair(finding, yes=yes, quiet=options["json"]) if fix else None for finding in diagnosis.findings
            ]
            if any(repaired):
                (after,) = examine([diagnosis.check], Examination(now=timezone.now(), is_thorough=options["all"]))
            else:
                after = diagnosis
            diagnoses.append(after)
            documents.append(_document(diagnosis, repaired))
            if not options["json"]:
                self._show(diagnosis, repaired)
        status = _STATUS[worst(diagnoses)]
        if options["json"]:
            self.stdout.write(json.dumps({"status": status, "checks": documents}, indent=2))
        else:
            self._conclude(diagnoses, is_thorough=options["all"], could_fix=not fix)
        if status:
            sys.exit(status)

    def _tell(self, what: str) -> None:
        """Show what is being looked at, on a terminal, in place of what was shown before."""
        if sys.stderr.isatty():
            self.stderr.write(f"\r\x1b[K{what}", ending="")

    def _repair(self, finding: Finding, *, yes: bool, quiet: bool) -> int | None:
        """Repair a finding, if that can be done and is wanted; return how many were repaired."""
        repair = finding.repair
        if repair is None or not (yes or _agrees(f"{finding.what}\n  {repair.what}? [y/N] ")):
            return None
        try:
            return repair.run(command_actor())
        except (DatabaseError, JournalError, OSError) as error:
            if not quiet:
                self.stderr.write(f"That could not be repaired: {error}")
            return None

    def _show(self, diagnosis: Diagnosis, repaired: list[int | None]) -> None:
        if not diagnosis.findings:
            self.stdout.write(f"{'ok':<8} {diagnosis.check.question}")
            return
        for finding, count in zip(diagnosis.findings, repaired, strict=True):
            self.stdout.write(f"{_MARKS[finding.severity]:<8} {diagnosis.check.question} {finding.what}")
            if finding.examples:
                self.stdout.write(f"{'':<8} such as {', '.join(finding.examples)}")
            self.stdout.write(f"{'':<8} Why it matters: {finding.why}")
            if count is None:
                self.stdout.write(f"{'':<8} What to do: {finding.remedy}")
            else:
                self.stdout.write(f"{'':<8} Repaired: {count:,}")

    def _conclude(self, diagnoses: list[Diagnosis], *, is_thorough: bool, could_fix: bool) -> None:
        findings = [finding for diagnosis in diagnoses for finding in diagnosis.findings]
        counts = {severity: sum(each.severity is severity for each in findings) for severity in Severity}
        self.stdout.write(
            f"\n{counted(len(diagnoses), 'check')}: {counted(counts[Severity.PROBLEM], 'problem')}, "
            f"{counted(counts[Severity.WARNING], 'warning')}, {counted(counts[Severity.NOTE], 'note')}"
            f"{'' if is_thorough else '; of executions the newest were looked at (--all for all of them)'}."
        )
        if could_fix and any(finding.repair is not None for finding in findings):
            self.stdout.write("`manage.py doctor --fix` repairs some of this, and asks before.")


def _chosen(names: list[str]) -> tuple[Check, ...]:
    known = {check.name: check for check in CHECKS}
    if unknown := [name for name in names if name not in known]:
        raise CommandError(f"there is no check {unknown[0]!r}; there are {', '.join(known)}", returncode=2)
    return tuple(check for check in CHECKS if not names or check.name in names)


def _agrees(question: str) -> bool:
    return input(question).strip().lower() in {"y", "yes"}


def _document(diagnosis: Diagnosis, repaired: list[int | None]) -> dict[str, Any]:
    return {
        "check": diagnosis.check.name,
        "question": diagnosis.check.question,
        "findings": [
            {
                "severity": finding.severity.value,
                "what": finding.what,
                "why": finding.why,
                "remedy": finding.remedy,
                "examples": list(finding.examples),
                "repair": None if finding.repair is None else finding.repair.what,
                "repaired": count,
            }
            for finding, count in zip(diagnosis.findings, repaired, strict=True)
        ],
    }
