"""Rehearsing a deployment: begin, watch, stop, and read what it came to."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from components.busy import Busy
from console.access import needs, person
from console.deployments.finding import found
from console.pages import page
from executions.access.scopes import Scope
from executions.instants import to_micros
from executions.models import RehearsalReport
from executions.rehearsal.background import start_rehearsal, stop_rehearsal


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


@needs(Scope.DEPLOY)
@require_POST
def stop(request: HttpRequest, deployment_id: str) -> HttpResponse:
    """Have the rehearsal end before its time."""
    row = found(deployment_id)
    report = RehearsalReport.objects.newest_of(row.pk)
    if report is None or not stop_rehearsal(report):
        messages.info(request, "The rehearsal had ended already.")
    return redirect("admin:console_rehearsal", row.pk)
