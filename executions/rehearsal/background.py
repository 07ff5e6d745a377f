"""Rehearsals that go on while people look at something else: a thread of this process, a row that says how far it is.

A row and not memory: whoever asks may be answered by another process, and the report is kept.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from components.busy import Busy
from components.models import Deployment
from engine.errors import EngineError
from executions.models import RehearsalReport, RehearsalStatus
from executions.rehearsal.causes import causes_of, encode_causes
from executions.rehearsal.rehearsing import Rehearsal, rehearse

log = structlog.get_logger(__name__)

_WRITTEN_EVERY_S: Final = 0.25


class _Stopped(Exception):
    """Unwinds a rehearsal that somebody wants no more."""


def start_rehearsal(deployment: Deployment, *, actor: str) -> RehearsalReport:
    """Begin to rehearse a deployment, and return the row that will tell how far it is.

    Args:
        deployment: Any stored deployment.
        actor: Who asks (`RehearsalReport.actor`).

    Raises:
        Busy: If a rehearsal is under way.
    """
    now = timezone.now()
    with transaction.atomic():
        if RehearsalReport.objects.under_way(now).exists():
            raise Busy("another rehearsal is under way; stop it, or wait until it is done")
        report = RehearsalReport.objects.create(
            deployment_id=deployment.deployment_id, actor=actor, started_at=now, seen_at=now
        )
    run = _Run(report, deployment)
    transaction.on_commit(lambda: threading.Thread(target=run.carry_out, name="rehearsal", daemon=True).start())
    return report


def stop_rehearsal(report: RehearsalReport) -> bool:
    """Ask that a rehearsal end; tell whether it was still under way."""
    running = RehearsalReport.objects.filter(pk=report.pk, status=RehearsalStatus.RUNNING)
    return running.update(stop_wanted=True) == 1


class _Run:
    """One rehearsal on a thread of its own."""

    def __init__(self, report: RehearsalReport, deployment: Deployment) -> None:
        self._report = report
        self._deployment = deployment
        self._latest = Rehearsal(deployment_id=deployment.deployment_id)
        self._written_at = float("-inf")

    def carry_out(self) -> None:
        try:
            self._write(self._rehearse())
        except DatabaseError as error:
            # Nothing can be written: the row will count as lost.
            log.warning("rehearsal.database_failed", error=str(error))
        finally:
            connection.close()

    def _rehearse(self) -> RehearsalStatus:
        try:
            self._latest = rehearse(self._deployment, on_progress=self._progress)
        except _Stopped:
            return RehearsalStatus.STOPPED
        except EngineError as error:
            self._report.problem = str(error)
            return RehearsalStatus.FAILED
        return RehearsalStatus.DONE

    def _progress(self, rehearsal: Rehearsal) -> None:
        self._latest = rehearsal
        if time.monotonic() - self._written_at >= _WRITTEN_EVERY_S:
            self._write(RehearsalStatus.RUNNING)
            if RehearsalReport.objects.filter(pk=self._report.pk, stop_wanted=True).exists():
                raise _Stopped
            self._written_at = time.monotonic()

    def _write(self, status: RehearsalStatus) -> None:
        latest = self._latest
        RehearsalReport.objects.filter(pk=self._report.pk).update(
            status=status,
            seen_at=timezone.now(),
            total=latest.total,
            compatible=latest.compatible,
            unchanged=latest.unchanged,
            left=latest.left,
            diverging=len(latest.divergences),
            causes=encode_causes(causes_of(latest.divergences)),
            functions_gone=latest.functions_gone,
            is_complete=latest.is_complete,
            problem=self._report.problem,
        )
