"""Rehearsing a deployment: begin, watch, stop, and read what it came to."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from components.busy import Busy
from components.reports import counted
from console.access import may, needs, person
from console.deployments.finding import found
from console.pages import page
from engine.deployment.registry import Registry
from engine.errors import DeploymentError, ExecutionNotFound, IdSyntaxError, JournalUnavailable
from engine.log.ids import parse_execution_id
from executions.access.scopes import Scope
from executions.component_versions import registry_of
from executions.instants import to_micros
from executions.journal.journal import SqlJournal
from executions.models import RehearsalReport
from executions.operations.excluding import exclude, version_for
from executions.operations.recording import MOST_REASON_CHARACTERS, Operation, RecordingJournal
from executions.operations.refusals import OperationRefused
from executions.rehearsal.background import start_rehearsal, stop_rehearsal

_SHOWN_PROBLEMS: Final = 5


@needs(Scope.READ)
def rehearsal(request: HttpRequest, deployment_id: str) -> HttpResponse:
    """Show the last rehearsal of a deployment, as it goes on."""
    row = found(deployment_id)
    report = RehearsalReport.objects.newest_of(row.pk)
    return page(
        request,
        "deployments/rehearsal.html",
        title="Rehearsal",
        deployment=row,
        report=report,
        may_operate=may(request.user, Scope.OPERATE),
        most_reason=MOST_REASON_CHARACTERS,
        seen=0 if report is None else to_micros(report.seen_at),
        now=timezone.now(),
    )


@needs(Scope.DEPLOY)
@require_POST
def start(request: HttpRequest, deployment_id: str) -> HttpResponse:
    """Begin to rehearse."""
    row = found(deployment_id)
    try:
        start_rehearsal(row, actor=person(request).actor)
    except Busy as error:
        messages.error(request, f"{error}.")
    return redirect("admin:console_rehearsal", row.pk)


@needs(Scope.OPERATE)
@require_POST
def leave(request: HttpRequest, deployment_id: str) -> HttpResponse:
    """Leave the workflows that somebody ticked on the code that they have."""
    row = found(deployment_id)
    reason = request.POST.get("reason", "").replace("\0", "").strip()[:MOST_REASON_CHARACTERS]
    selected = request.POST.getlist("selected")
    try:
        problems = _leave_all(request, selected, registry_of(row), reason)
    except (DeploymentError, JournalUnavailable) as error:
        messages.error(request, f"{error}.")
        return redirect("admin:console_rehearsal", row.pk)
    if left := len(selected) - len(problems):
        messages.success(request, f"{counted(left, 'workflow')} left on old code. Rehearse again to see the others.")
    for problem in problems[:_SHOWN_PROBLEMS]:
        messages.error(request, f"{problem}.")
    if (more := len(problems) - _SHOWN_PROBLEMS) > 0:
        messages.error(request, f"{more} more were refused.")
    if not selected:
        messages.info(request, "None was selected; tick those that are to be left.")
    return redirect("admin:console_rehearsal", row.pk)


def _leave_all(request: HttpRequest, selected: list[str], registry: Registry, reason: str) -> list[str]:
    """Exclude workflows one by one, and return why some were refused."""
    actor = person(request).actor
    problems: list[str] = []
    for text in selected:
        try:
            target = parse_execution_id(text)
            digest = version_for(SqlJournal.for_current_connection().state_of(target).ffqn, registry)
            journal = RecordingJournal(target, Operation.EXCLUDE, actor=actor, reason=reason, detail=digest)
            exclude(target, registry, journal=journal)
        except (OperationRefused, ExecutionNotFound, IdSyntaxError) as error:
            problems.append(str(error))
    return problems


@needs(Scope.DEPLOY)
@require_POST
def stop(request: HttpRequest, deployment_id: str) -> HttpResponse:
    """Have the rehearsal end before its time."""
    row = found(deployment_id)
    report = RehearsalReport.objects.newest_of(row.pk)
    if report is None or not stop_rehearsal(report):
        messages.info(request, "The rehearsal had ended already.")
    return redirect("admin:console_rehearsal", row.pk)
