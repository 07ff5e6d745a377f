"""The page of an operation: what will happen, the form, and what came of it."""

from __future__ import annotations

from typing import Any, Final

import structlog
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from console.access import needs, person
from console.executions.lookup import found
from console.operating.actions import ACTIONS, Action
from console.operating.forms import OperationForm
from console.operating.outcomes import Answer, Done
from console.pages import page
from console.seeing import payload
from console.states import shown_state
from engine.errors import EngineError
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from executions.models import Execution
from executions.operations.forking import ForkRefused
from executions.operations.querying import QueryFailed
from executions.operations.recording import RecordingJournal
from executions.operations.submitting import CallRefused
from executions.operations.upgrading import UpgradeFails

_QUOTING: Final = (UpgradeFails, ForkRefused, QueryFailed, CallRefused)
"""Refusals that may quote what an execution works on."""

log = structlog.get_logger(__name__)


def operate(request: HttpRequest, execution_id: str, key: str) -> HttpResponse:
    """Show the form of an operation, or carry it out."""
    action = ACTIONS.get(key)
    if action is None:
        raise Http404(f"There is no operation {key}.")
    return needs(action.scope)(_operate)(request, execution_id, action)  # type: ignore[return-value]  # a response


def _operate(request: HttpRequest, execution_id: str, action: Action) -> HttpResponse:
    row = found(execution_id)
    seen = _standing(row)
    if request.method != "POST":
        initial = {"seen": seen, **_suggested(request, row, action)}
        return _form_page(request, row, action, action.form(row, initial=initial))
    form = action.form(row, request.POST)
    if not form.is_valid():
        return _form_page(request, row, action, form, status=422)
    if action.record is not None and form.cleaned_data["seen"] != seen:
        form.ask_again(seen)
        return _form_page(request, row, action, form, status=409)
    try:
        outcome = action.carry_out(row, form.cleaned_data, _journal(request, row, action, form))
    except EngineError as error:
        log.info("console.refused", operation=action.key, execution_id=row.pk, error=str(error))
        form.add_error(None, payload(str(error)) if isinstance(error, _QUOTING) else str(error))
        return _form_page(request, row, action, form, status=422)
    match outcome:
        case Done(message=message, goes_to=goes_to):
            messages.success(request, message)
            return redirect("admin:console_execution", goes_to or row.pk)
        case Answer():
            return _form_page(request, row, action, form, answer=outcome)


def _journal(request: HttpRequest, row: Execution, action: Action, form: OperationForm) -> Journal | None:
    if action.record is None:
        return None
    return RecordingJournal(
        ExecutionId(row.pk),
        action.record,
        actor=person(request).actor,
        reason=form.cleaned_data["reason"],
        detail=action.detail(row, form.cleaned_data),
    )


def _standing(row: Execution) -> str:
    """Return how an execution stands, as far as people decide by it."""
    return shown_state(row, timezone.now()).word


def _suggested(request: HttpRequest, row: Execution, action: Action) -> dict[str, Any]:
    if action.key == "fork":
        asked = request.GET.get("version", "")
        return {"version": asked if asked.isdigit() else row.next_version - 1}
    return {"deployment": request.GET.get("deployment", "")} if action.key == "exclude" else {}


def _form_page(
    request: HttpRequest,
    row: Execution,
    action: Action,
    form: OperationForm,
    *,
    status: int = 200,
    answer: Answer | None = None,
) -> HttpResponse:
    return page(
        request,
        action.template,
        title=action.title,
        status=status,
        row=row,
        action=action,
        form=form,
        obstacle=action.obstacle(row),
        answer=answer,
        now=timezone.now(),
    )
