"""Choosing the deployment that runs: what it would change is read first, what it newly asks for approved one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from components.comparing import newly_asked
from components.decisions import Decision
from components.models import Deployment, DeploymentStatus
from components.problems import DeploymentRefused
from components.switching import ActiveChanged, enqueue, switch_now
from components.verification import Verification, verify_deployment
from console.access import needs, person
from console.code.unreadable import tells_what_is_unreadable
from console.deployments.differences import differences
from console.deployments.finding import found
from console.pages import page
from engine.errors import DeploymentError
from executions.access.scopes import Scope
from executions.models import RehearsalReport
from executions.operations.excluding import kept_from
from executions.operations.recording import MOST_REASON_CHARACTERS
from executions.taking_up import wait_until_taken_up

REFUSED = 409
"""Status of the page that says why nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What somebody filled in.

    Args:
        when: At once, or when the server starts next.
        reason: Why.
        approved: What they ticked.
        replacing: The deployment that was active when they looked, empty for none.
        allow_unavailable: Whether to pass over what this machine lacks now.
    """

    when: Literal["now", "start"] = "now"
    reason: str = ""
    approved: frozenset[str] = frozenset()
    replacing: str = ""
    allow_unavailable: bool = False
    problems: tuple[str, ...] = field(default=())


@needs(Scope.DEPLOY)
@require_http_methods(["GET", "POST"])
@tells_what_is_unreadable
def activation(request: HttpRequest, deployment_id: str) -> HttpResponse:
    """Show what it would change, or choose it."""
    row = found(deployment_id)
    if request.method != "POST":
        return _form(request, row, Choice())
    if row.status == DeploymentStatus.ACTIVE:
        # A second click, or somebody else's.
        messages.info(request, f"{row.pk} is active.")
        return redirect("admin:console_deployment", row.pk)
    choice = _read(request)
    try:
        _choose(request, row, choice)
    except ActiveChanged as error:
        return _form(request, row, choice, [f"{error}. Look at what differs from that, and decide again."])
    except DeploymentRefused as error:
        return _form(request, row, choice, error.problems)
    except DeploymentError as error:
        return _form(request, row, choice, [str(error)])
    if choice.when == "start":
        messages.success(request, f"{row.pk} becomes active when the server starts next.")
    elif wait_until_taken_up(row.pk):
        messages.success(request, f"{row.pk} is active.")
    else:
        messages.warning(request, f"{row.pk} is active; an executor has not taken it up yet.")
    return redirect("admin:console_deployment", row.pk)


def _read(request: HttpRequest) -> Choice:
    return Choice(
        when="start" if request.POST.get("when") == "start" else "now",
        reason=request.POST.get("reason", "").replace("\0", "").strip(),
        approved=frozenset(request.POST.getlist("approved")),
        replacing=request.POST.get("replacing", ""),
        allow_unavailable=request.POST.get("allow_unavailable") == "on",
    )


def _choose(request: HttpRequest, row: Deployment, choice: Choice) -> None:
    active = Deployment.objects.active().first()
    if (active_id := "" if active is None else active.pk) != choice.replacing:
        raise ActiveChanged(expected=choice.replacing, actual=active_id)
    if not choice.reason:
        raise DeploymentRefused(["Say why: the reason is kept with the deployment."])
    if len(choice.reason) > MOST_REASON_CHARACTERS:
        raise DeploymentRefused([f"The reason has more than {MOST_REASON_CHARACTERS} characters; say it shorter."])
    asked = tuple(map(str, newly_asked(active, row)))
    if missing := [each for each in asked if each not in choice.approved]:
        raise DeploymentRefused([f"Tick that you approve it: {each}" for each in missing])
    decision = Decision(actor=person(request).actor, reason=choice.reason, approved=asked)
    if choice.when == "now":
        switch_now(row.pk, decision=decision, replacing=choice.replacing)
    else:
        enqueue(row.pk, allow_unavailable=choice.allow_unavailable, decision=decision)


def _form(
    request: HttpRequest, row: Deployment, choice: Choice, problems: list[str] | tuple[str, ...] = ()
) -> HttpResponse:
    active = Deployment.objects.active().first()
    is_active = row.status == DeploymentStatus.ACTIVE
    return page(
        request,
        "deployments/activation.html",
        title="Activate a deployment",
        status=REFUSED if problems else 200,
        deployment=row,
        active=active,
        is_active=is_active,
        differences=None if is_active else differences(active, row),
        verification=None if is_active else _verified(row),
        kept=0 if is_active else kept_from(row),
        report=RehearsalReport.objects.newest_of(row.pk),
        now=timezone.now(),
        choice=choice,
        problems=problems,
        most_reason=MOST_REASON_CHARACTERS,
    )


def _verified(row: Deployment) -> Verification:
    try:
        return verify_deployment(row)
    except DeploymentError as error:
        return Verification(problems=(str(error),), unavailable=())
