"""Sending signals from an execution's page in the admin."""

from __future__ import annotations

from http import HTTPStatus

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from engine.deployment.spec import ComponentType
from engine.errors import EngineError, ValueMismatch
from engine.executor.signalling import signals_of
from engine.log.ids import ExecutionId
from engine.log.state import Status
from engine.wit.grammar import format_type
from engine.wit.json_values import load_json
from executions.access.principals import Principal, principal_of
from executions.access.scopes import Scope
from executions.deployed import deployed_registry
from executions.models import Execution
from executions.operations.recording import MOST_REASON_CHARACTERS, Operation, RecordingJournal
from executions.operations.refusals import OperationRefused
from executions.operations.signalling import send


class SignalForm(forms.Form):
    """What to send."""

    name = forms.ChoiceField(label="Signal")
    payload = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "cols": 80, "spellcheck": "false"}),
        help_text="As JSON; leave it empty where the signal returns nothing.",
    )
    signal_id = forms.CharField(
        label="Signal id",
        required=False,
        help_text="Your name for it, if you have one; sent again under the same id, it changes nothing.",
    )
    reason = forms.CharField(
        required=False, max_length=MOST_REASON_CHARACTERS, help_text="It is kept with the record of the operation."
    )

    def clean_payload(self) -> object:
        """Return the payload as JSON data."""
        text: str = self.cleaned_data["payload"]
        if not text.strip():
            return None
        try:
            return load_json(text)
        except ValueMismatch as error:
            raise forms.ValidationError(f"The payload is no JSON: {error}") from error


def can_signal(request: HttpRequest, execution: Execution) -> bool:
    """Tell whether somebody is shown the way here: who may, where an execution takes signals."""
    is_workflow = execution.component_type == ComponentType.WORKFLOW.value
    return is_workflow and execution.status != Status.FINISHED.value and _operator(request) is not None


def signal_view(request: HttpRequest, site: admin.AdminSite, execution: Execution) -> HttpResponse:
    """Show the form, or send what was filled in.

    Raises:
        PermissionDenied: To those who may not operate.
    """
    operator = _operator(request)
    if operator is None:
        raise PermissionDenied
    form, problem = SignalForm(request.POST or None), None
    try:
        form.fields["name"].choices = _choices(execution)  # type: ignore[attr-defined]  # it is a ChoiceField
        if form.is_valid():
            is_new = _send(operator, ExecutionId(execution.pk), form)
            said = "The signal was sent." if is_new else "A signal of this id was sent before; nothing has changed."
            messages.add_message(request, messages.SUCCESS if is_new else messages.WARNING, said)
            return redirect("admin:executions_execution_change", quote(execution.pk))
    except EngineError as error:
        problem = str(error)
    context = {
        **site.each_context(request),
        "title": "Send a signal",
        "execution": execution,
        "form": form,
        "problem": problem,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return TemplateResponse(request, "admin/executions/execution/signal.html", context, status=status)


def _operator(request: HttpRequest) -> Principal | None:
    principal = principal_of(request.user)
    return principal if principal is not None and Scope.OPERATE in principal.scopes else None


def _choices(execution: Execution) -> list[tuple[str, str]]:
    """Return the signals there are with what they return, those of the workflow's package first.

    Raises:
        OperationRefused: If there are none.
    """
    package = execution.ffqn.partition("/")[0]
    signals = signals_of(deployed_registry())
    if not signals:
        raise OperationRefused("no stub function is deployed, so there is no signal to send; deploy one")
    own_first = sorted(signals, key=lambda each: str(each.name).partition("/")[0] != package)
    return [(str(each.name), f"{each.name}: {format_type(each.type.result)}") for each in own_first if each.type.result]


def _send(operator: Principal, execution_id: ExecutionId, form: SignalForm) -> bool:
    asked = form.cleaned_data
    journal = RecordingJournal(
        execution_id, Operation.SIGNAL, actor=operator.actor, reason=asked["reason"], detail=asked["name"]
    )
    return send(execution_id, asked["name"], asked["payload"], signal_id=asked["signal_id"] or None, journal=journal)
