"""The form of one function's call.

Its address takes what buttons within it do, what is checked while somebody types, and the call itself; whatever it
answers, what was typed is still there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from console.access import may, needs, person
from console.forms.editing import edit_form
from console.forms.json_text import pretty
from console.forms.nodes import Node, form_nodes, short_type
from console.forms.reading import FormReader, Problem
from console.forms.sent import CHECK, problem_map, typed_inputs, wants_fragment, worth_telling
from console.forms.slots import Slot, param_slots
from console.forms.writing import FormTooLargeError, write_slots
from console.pages import page
from console.submitting.options import (
    NO_OPTIONS,
    UNITS,
    CallOptions,
    check_reason,
    labels_of_lines,
    read_options,
    schedule_of,
)
from engine.deployment.registry import DeployedFunction
from engine.errors import ExecutionExists, IdSyntaxError, ValueMismatch
from engine.log.ids import ExecutionId, make_execution_id, parse_top_level_id
from engine.log.labels import labels_of
from engine.wit.extensions import extension_name
from engine.wit.grammar import format_type
from engine.wit.json_values import load_json
from engine.wit.names import FunctionName
from engine.wit.options import JsonValue
from engine.wit.wit_text import format_interfaces
from executions.access.scopes import Scope
from executions.deployed import deployed_registry
from executions.journal.rows import created_of
from executions.models import Execution
from executions.operations.recording import Operation, RecordingJournal
from executions.operations.retrying import RETRY_LABEL
from executions.operations.submitting import CallRefused, submit

_JSON_TAB: Final = "json"
_UNPROCESSABLE: Final = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A call that is not submitted yet, as it was typed.

    Args:
        execution_id: What it will be called; made with the page, so that submitting twice starts one.
        tab: ``form`` or ``json``: where the parameters stand.
        fields: The inputs of the form.
        json: All parameters as text.
        options: The rest.
    """

    execution_id: str
    tab: str = "form"
    fields: dict[str, list[str]] = field(default_factory=dict)
    json: str = ""
    options: CallOptions = NO_OPTIONS


@needs(Scope.SUBMIT)
def call(request: HttpRequest, ffqn: str) -> HttpResponseBase:
    """Show the form, or submit it."""
    function = deployed_registry().find(ffqn)
    if function is None:
        raise Http404(deployed_registry().explain_missing(ffqn))
    if not function.is_submittable:
        raise Http404(f"{ffqn} is a stub: only a workflow that waits for it can start it")
    form = _CallForm(request, function)
    return form.take() if request.method == "POST" else form.begin()


@dataclass(slots=True)
class _CallForm:
    request: HttpRequest
    function: DeployedFunction
    problems: list[Problem] = field(default_factory=list)
    notice: str = ""

    def begin(self) -> HttpResponse:
        draft = Draft(execution_id=_fresh_id())
        copied = self.request.GET.get("from")
        return self._show(draft if copied is None else self._copied(draft, copied))

    def take(self) -> HttpResponseBase:
        sent = self.request.POST
        draft = Draft(
            execution_id=sent.get("execution_id", "").strip(),
            tab=sent.get("tab", ""),
            fields=typed_inputs(sent, self.slots),
            json=sent.get("json", ""),
            options=read_options(sent),
        )
        action = sent.get("do", "")
        if action == CHECK:
            self._read(draft)
            self.problems = worth_telling(self.problems)
            return self._show(draft)
        if action:
            return self._show(self._changed(draft, action))
        if sent.get("types") != self.types_digest:
            self.notice = "Another deployment with other types of this function became active. Look again, then submit."
            return self._show(draft, status=_UNPROCESSABLE)
        return self._submit(draft)

    @property
    def slots(self) -> list[Slot]:
        return param_slots(self.function.type, optional=self.function.spec.optional_params)

    @property
    def types_digest(self) -> str:
        text = " ".join(f"{slot.label}:{slot.may_be_left_out}:{format_type(slot.type)}" for slot in self.slots)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _submit(self, draft: Draft) -> HttpResponseBase:
        options, journal_problems = draft.options, self.problems
        params = self._read(draft)
        schedule = schedule_of(options, journal_problems)
        labels = labels_of_lines(options.labels, journal_problems)
        check_reason(options.reason, journal_problems)
        target = self._target(draft)
        if self.problems or target is None:
            return self._show(draft, status=_UNPROCESSABLE)
        name, arguments = self.function.name, params
        if schedule is not None:
            name, arguments = extension_name(name, "schedule"), [schedule, *params]
        journal = RecordingJournal(
            target,
            Operation.SUBMIT,
            actor=person(self.request).actor,
            reason=options.reason,
            detail=str(self.function.name),
        )
        try:
            submit(str(name), arguments, execution_id=target, paused=options.paused, labels=labels, journal=journal)
        except CallRefused as refusal:
            self.problems.append(Problem("", str(refusal)))
        except ExecutionExists:
            self.problems.append(
                Problem("execution_id", "another call was submitted under this id; look at it, or take a new id")
            )
        else:
            return redirect("admin:console_execution", target)
        return self._show(draft, status=_UNPROCESSABLE)

    def _target(self, draft: Draft) -> ExecutionId | None:
        try:
            return parse_top_level_id(draft.execution_id)
        except IdSyntaxError as error:
            self.problems.append(Problem("execution_id", str(error)))
            return None

    def _read(self, draft: Draft) -> list[JsonValue]:
        """Return the parameters, finding what is wrong with them."""
        if draft.tab == _JSON_TAB:
            return self._read_json(draft.json)
        reader = FormReader(draft.fields, self.problems)
        return reader.read_slots(self.slots)

    def _read_json(self, text: str) -> list[JsonValue]:
        try:
            return self.function.read_params(load_json(text))
        except ValueMismatch as mismatch:
            self.problems.append(Problem("json", str(mismatch)))
            return []

    def _changed(self, draft: Draft, action: str) -> Draft:
        match action:
            case "tab:json":
                text = pretty(self._read(draft))
                # What is missing is seen in the text; it is checked there.
                self.problems = []
                return replace(draft, tab=_JSON_TAB, json=text)
            case "tab:form":
                return self._with_params(draft, self._read_json(draft.json)) if draft.tab == _JSON_TAB else draft
            case "new-id":
                return replace(draft, execution_id=_fresh_id())
            case _:
                try:
                    changed = replace(draft, fields=edit_form(self.slots, draft.fields, action))
                except FormTooLargeError as error:
                    self.problems.append(Problem("", str(error)))
                    return draft
                FormReader(changed.fields, self.problems).read_slots(self.slots)
                self.problems = worth_telling(self.problems)
                return changed

    def _with_params(self, draft: Draft, params: Sequence[JsonValue]) -> Draft:
        if self.problems:
            return draft
        try:
            fields = write_slots(self.slots, params)
        except FormTooLargeError as error:
            self.problems.append(Problem("json", str(error)))
            return draft
        return replace(draft, tab="form", fields=fields)

    def _copied(self, draft: Draft, execution_id: str) -> Draft:
        """Return the call of an old execution, as JSON if it does not fit the function any more."""
        row = Execution.objects.filter(pk=execution_id).first() if may(self.request.user, Scope.READ) else None
        if row is None or row.ffqn != str(self.function.name):
            self.notice = f"There is no execution {execution_id[:200]} of this function to copy; the form is empty."
            return draft
        created = created_of(row.events.get(version=0).payload)
        labels = {name: value for name, value in labels_of(created.metadata).items() if name != RETRY_LABEL}
        lines = "\n".join(f"{name}={value}" for name, value in labels.items())
        draft = replace(
            draft,
            tab=_JSON_TAB,
            json=created.params,
            options=replace(draft.options, labels=lines),
        )
        copied = self._with_params(draft, self._read_json(created.params))
        return replace(copied, json=pretty(load_json(created.params))) if copied.tab == _JSON_TAB else copied  # type: ignore[arg-type]  # JSON

    def _show(self, draft: Draft, *, status: int = 200) -> HttpResponse:
        nodes: list[Node] = []
        if draft.tab != _JSON_TAB:
            try:
                nodes = form_nodes(self.slots, draft.fields, self.problems)
            except FormTooLargeError as error:
                params = FormReader(draft.fields).read_slots(self.slots)
                draft = replace(draft, tab=_JSON_TAB, json=pretty(params))
                self.problems.append(Problem("json", str(error)))
        context: dict[str, Any] = {
            "draft": draft,
            "nodes": nodes,
            # While somebody types, what is wrong is told at its place only: a summary would move everything down.
            "summary": [each for each in self.problems if status != 200 or not each.name],
            "problem_of": problem_map(self.problems),
            "notice": self.notice,
            "units": UNITS,
            "types": self.types_digest,
            "function": self.function,
            "result": short_type(self.function.type.result) if self.function.type.result else "",
        }
        if wants_fragment(self.request):
            return TemplateResponse(self.request, "console/submitting/fields.html", context, status=status)
        return page(
            self.request,
            "submitting/call.html",
            title="Submit",
            tab_title=f"Submit {self.function.name.function}",
            ffqn=str(self.function.name),
            params=[(slot.label, short_type(slot.type)) for slot in self.slots],
            wit=_wit(self.function.name, self.function),
            status=status,
            **context,
        )


def _fresh_id() -> str:
    return make_execution_id(timezone.now(), os.urandom(10))


def _wit(name: FunctionName, function: DeployedFunction) -> str:
    return format_interfaces({name.interface: {name.function: function.type}})
