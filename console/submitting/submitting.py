"""The form of one function's call.

Its address takes what buttons within it do, what is checked while somebody types, and the call itself; whatever it
answers, what was typed is still there.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from console.access import may_see_payload, needs, person
from console.forms.entry import Entry, EntryForm, problem_context, wants_fragment
from console.forms.json_text import pretty
from console.forms.reading import Problem
from console.forms.short_types import short_type
from console.forms.slots import param_slots
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
from console.submitting.signatures import names_by_component
from engine.deployment.registry import DeployedFunction
from engine.errors import ExecutionExists, IdSyntaxError
from engine.log.ids import ExecutionId, make_execution_id, parse_top_level_id
from engine.log.labels import labels_of
from engine.wit.extensions import extension_name
from engine.wit.grammar import format_type
from engine.wit.json_values import load_json
from engine.wit.options import JsonValue
from engine.wit.wit_text import format_interfaces
from executions.access.scopes import Scope
from executions.deployed import deployed_registry
from executions.journal.rows import created_of
from executions.models import Execution
from executions.operations.recording import Operation, RecordingJournal
from executions.operations.retrying import RETRY_LABEL
from executions.operations.submitting import CallRefused, submit

_NEW_ID: Final = "new-id"
_UNPROCESSABLE: Final = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A call that is not submitted yet.

    Args:
        execution_id: What it will be called; made with the page, so that submitting twice starts one.
        entry: Its parameters, as they were entered.
        options: The rest, as it was typed.
    """

    execution_id: str
    entry: Entry = field(default_factory=Entry)
    options: CallOptions = NO_OPTIONS


@needs(Scope.SUBMIT)
def call(request: HttpRequest, ffqn: str) -> HttpResponseBase:
    """Show the form, or submit it."""
    registry = deployed_registry()
    function = registry.find(ffqn)
    if function is None:
        raise Http404(registry.explain_missing(ffqn))
    if not function.is_submittable:
        raise Http404(f"{ffqn} is a stub: only a workflow that waits for it can start it")
    call_form = _CallForm(request, function)
    return call_form.take() if request.method == "POST" else call_form.begin()


class _CallForm:
    def __init__(self, request: HttpRequest, function: DeployedFunction) -> None:
        self._request = request
        self._function = function
        slots = param_slots(function.type, optional=function.spec.optional_params)
        self._form = EntryForm(slots, function.read_params, as_whole=lambda values: values)
        self._notice = ""

    def begin(self) -> HttpResponse:
        draft = Draft(execution_id=_fresh_id())
        copied = self._request.GET.get("from")
        return self._show(draft if copied is None else self._copied(draft, copied))

    def take(self) -> HttpResponseBase:
        sent = self._request.POST
        draft = Draft(
            execution_id=sent.get("execution_id", "").strip(),
            entry=self._form.sent(sent),
            options=read_options(sent),
        )
        action = sent.get("do", "")
        if action == _NEW_ID:
            return self._show(replace(draft, execution_id=_fresh_id()))
        if action:
            return self._show(replace(draft, entry=self._form.changed(draft.entry, action)))
        if sent.get("types") != self._types_digest:
            self._notice = (
                "Another deployment with other types of this function became active. Look again, then submit."
            )
            return self._show(draft, status=_UNPROCESSABLE)
        return self._submit(draft)

    @property
    def _problems(self) -> list[Problem]:
        return self._form.problems

    @property
    def _types_digest(self) -> str:
        """Tells types apart between the page's rendering and its coming back."""
        slots = (f"{slot.label}:{slot.may_be_left_out}:{format_type(slot.type)}" for slot in self._form.slots)
        return hashlib.sha256(" ".join(slots).encode()).hexdigest()[:16]

    def _submit(self, draft: Draft) -> HttpResponseBase:
        options, problems = draft.options, self._problems
        params = self._form.read(draft.entry)
        schedule = schedule_of(options, problems)
        labels = labels_of_lines(options.labels, problems)
        check_reason(options.reason, problems)
        target = self._target(draft)
        if problems or target is None:
            return self._show(draft, status=_UNPROCESSABLE)
        name, arguments = self._function.name, params
        if schedule is not None:
            name, arguments = extension_name(name, "schedule"), [schedule, *params]
        actor = person(self._request).actor
        journal = RecordingJournal(target, Operation.SUBMIT, actor=actor, reason=options.reason)
        try:
            submit(str(name), arguments, execution_id=target, paused=options.paused, labels=labels, journal=journal)
        except CallRefused as refusal:
            problems.append(Problem("", str(refusal)))
        except ExecutionExists:
            problems.append(Problem("execution_id", "another call has this id already; look at it, or take a new id"))
        else:
            return redirect("admin:console_execution", target)
        return self._show(draft, status=_UNPROCESSABLE)

    def _target(self, draft: Draft) -> ExecutionId | None:
        try:
            return parse_top_level_id(draft.execution_id)
        except IdSyntaxError as error:
            self._problems.append(Problem("execution_id", str(error)))
            return None

    def _copied(self, draft: Draft, execution_id: str) -> Draft:
        """Return the call of an old execution, as JSON if it does not fit the function any more."""
        is_readable = may_see_payload(self._request.user) and "\0" not in execution_id
        row = Execution.objects.filter(pk=execution_id).first() if is_readable else None
        if row is None or row.ffqn != str(self._function.name):
            self._notice = (
                f"There is no execution {execution_id[:200]} of this function that you may copy; the form is empty."
            )
            return draft
        created = created_of(row.events.get(version=0).payload)
        labels = (f"{name}={value}" for name, value in labels_of(created.metadata).items() if name != RETRY_LABEL)
        return replace(
            draft,
            entry=self._form.filled_from(pretty(_json(created.params))),
            options=replace(draft.options, labels="\n".join(labels)),
        )

    def _show(self, draft: Draft, *, status: int = 200) -> HttpResponse:
        entry, nodes = self._form.nodes(draft.entry)
        function = self._function
        context: dict[str, Any] = {
            "draft": draft,
            "entry": entry,
            "nodes": nodes,
            "whole": f"a JSON array of {len(function.type.params)}",
            "notice": self._notice,
            "units": UNITS,
            "types": self._types_digest,
            **problem_context(self._problems, is_final=status == _UNPROCESSABLE),
        }
        if wants_fragment(self._request):
            return TemplateResponse(self._request, "console/submitting/fields.html", context, status=status)
        assert function.type.result is not None  # nothing else can be deployed
        interface = function.name.interface
        names = names_by_component([function]).get(function.component.id.name, {})
        type_names = {interface: {name: wit_type for wit_type, name in names.items()}}
        return page(
            self._request,
            "submitting/call.html",
            title="Submit",
            tab_title=f"Submit {function.name.function}",
            ffqn=str(function.name),
            params=[(slot.label, short_type(slot.type, names)) for slot in self._form.slots],
            result=short_type(function.type.result, names),
            wit=format_interfaces({interface: {function.name.function: function.type}}, type_names=type_names),
            status=status,
            **context,
        )


def _fresh_id() -> str:
    return make_execution_id(timezone.now(), os.urandom(10))


def _json(text: str) -> JsonValue:
    data: Any = load_json(text)
    return data  # type: ignore[no-any-return]  # a JSON parser returns JSON
