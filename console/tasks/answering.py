"""The page of one task: what is asked, by whom, and the form of the answer."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from console.access import needs, person
from console.forms.entry import Entry, EntryForm, problem_context, wants_fragment
from console.forms.reading import Problem
from console.forms.slots import result_slot
from console.pages import page
from console.tasks.rights import may_answer, may_assign, may_release, may_take
from console.tasks.shown import ShownTask, answer_of, shown_tasks
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import ComponentType, Runner
from engine.log.ids import ExecutionId
from engine.wit.grammar import format_type
from engine.wit.json_values import read_value
from engine.wit.types import ResultType
from executions.access.scopes import Scope
from executions.deployed import deployed_registry
from executions.models import Execution
from executions.operations.answering import AlreadyAnswered, AnswerRefused, answer
from executions.operations.assigning import AssignmentMoved, assign
from executions.operations.inbox import Assignee
from executions.operations.recording import MOST_REASON_CHARACTERS, Operation, RecordingJournal

_CONFLICT: Final = 409
_UNPROCESSABLE: Final = 422
_MOST_CHOICES: Final = 200
"""Of people, and of groups."""


@needs(Scope.READ)
def task(request: HttpRequest, execution_id: str) -> HttpResponseBase:
    """Show a task, answer it, or say who answers it."""
    row = Execution.objects.filter(pk=execution_id).first()
    if row is None:
        raise Http404(f"There is no execution {execution_id}; retention may have removed it.")
    function = deployed_registry().find(row.ffqn)
    is_external = function is not None and function.component.runner is Runner.NONE
    if row.component_type != ComponentType.ACTIVITY_STUB.value and not is_external:
        return redirect("admin:console_execution", execution_id)
    task_page = _TaskPage(request, row, function)
    return task_page.take() if request.method == "POST" else task_page.show(Entry())


class _TaskPage:
    def __init__(self, request: HttpRequest, row: Execution, function: DeployedFunction | None) -> None:
        self._request = request
        self._id = ExecutionId(row.pk)
        self._function = function
        self._form = None if function is None else _form_of(function)
        self._notice = ""
        self._task = self._look(row)

    def _look(self, row: Execution) -> ShownTask:
        (shown,) = shown_tasks([row])
        return shown

    def take(self) -> HttpResponseBase:
        sent = self._request.POST
        match sent.get("do", ""):
            case "take":
                return self._assign(self._request.user, allowed=may_take(self._request.user, self._task.assignee))
            case "release":
                return self._assign(None, allowed=may_release(self._request.user, self._task.assignee))
            case "assign":
                return self._assign(_recipient(sent.get("to", "")), allowed=may_assign(self._request.user))
            case action:
                self._check(may_answer(self._request.user, self._task.assignee))
                if self._form is None:
                    return self.show(Entry(), status=_CONFLICT)
                entry = self._form.sent(sent)
                if action:
                    return self.show(self._form.changed(entry, action))
                return self._answer(self._form, entry)

    def _answer(self, form: EntryForm, entry: Entry) -> HttpResponseBase:
        values = form.read(entry)
        reason = self._request.POST.get("reason", "").strip()
        if len(reason) > MOST_REASON_CHARACTERS or "\0" in reason:
            text = f"expected at most {MOST_REASON_CHARACTERS} characters, none of them NUL"
            form.problems.append(Problem("reason", text))
        if form.problems:
            return self.show(entry, status=_UNPROCESSABLE)
        actor = person(self._request).actor
        journal = RecordingJournal(self._id, Operation.STUB, actor=actor, reason=reason)
        try:
            answer(self._id, values[0], journal=journal)
        except AlreadyAnswered:
            self._notice = "Meanwhile it was answered, or ended otherwise. What you entered was not sent."
            self._task = self._look(Execution.objects.get(pk=self._id))
            return self.show(entry, status=_CONFLICT)
        except AnswerRefused as refusal:
            form.problems.append(Problem("", str(refusal)))
            return self.show(entry, status=_UNPROCESSABLE)
        return redirect("admin:console_task", self._id)

    def _assign(self, to: Any, *, allowed: bool) -> HttpResponseBase:
        self._check(allowed)
        seen = _assignee(self._request.POST.get("seen", ""))
        try:
            assign(self._id, to, seen=seen, actor=person(self._request).actor)
        except AssignmentMoved as moved:
            self._notice = f"Nothing was changed: {moved}."
            return self.show(Entry(), status=_CONFLICT)
        return redirect("admin:console_task", self._id)

    def _check(self, allowed: bool) -> None:  # noqa: FBT001 - the one thing that it is about
        if not allowed:
            raise PermissionDenied(
                f"This task is for {self._task.assignee.text}; an operator, or who it is given to, may do that."
            )

    def show(self, entry: Entry, *, status: int = 200) -> HttpResponse:
        user, shown = self._request.user, self._task
        can_answer = shown.is_open and may_answer(user, shown.assignee)
        problems = [] if self._form is None else self._form.problems
        nodes: list[Any] = []
        if self._form is not None:
            entry, nodes = self._form.nodes(entry)
        context: dict[str, Any] = {
            "task": shown,
            "row": shown.row,
            "answer": answer_of(shown.row),
            "entry": entry,
            "nodes": nodes,
            "whole": "a JSON object with one key, ok or err",
            "notice": self._notice,
            "reason": self._request.POST.get("reason", ""),
            "now": timezone.now(),
            **problem_context(problems, is_final=status == _UNPROCESSABLE),
        }
        if wants_fragment(self._request):
            return TemplateResponse(self._request, "console/tasks/fields.html", context, status=status)
        return page(
            self._request,
            "tasks/task.html",
            title="Human task",
            tab_title=shown.title,
            can_answer=can_answer and self._form is not None,
            why_not=self._why_not(can_answer=can_answer),
            can_take=shown.is_open and may_take(user, shown.assignee),
            can_release=shown.is_open and may_release(user, shown.assignee),
            recipients=_recipients() if shown.is_open and may_assign(user) else None,
            result=""
            if self._function is None or self._function.type.result is None
            else format_type(self._function.type.result),
            status=status,
            **context,
        )

    def _why_not(self, *, can_answer: bool) -> str:
        if not self._task.is_open:
            return ""
        if not can_answer:
            return f"It is for {self._task.assignee.text}. Only they, and operators, may answer."
        if self._form is None:
            return f"{self._task.row.ffqn} is not deployed any more; deploy it to answer."
        return ""


def _form_of(function: DeployedFunction) -> EntryForm:
    result = function.type.result
    assert isinstance(result, ResultType)  # nothing else can be deployed
    return EntryForm(
        [result_slot(result)],
        read_whole=lambda data: [read_value(result, data, path="result")],
        as_whole=lambda values: values[0],
    )


def _assignee(text: str) -> Assignee:
    """Return the assignee that a page showed."""
    kind, _, name = text.partition(":")
    return Assignee(user=name if kind == "user" else None, group=name if kind == "group" else None)


def _recipient(text: str) -> Any:
    """Return the person or the group that was chosen.

    Raises:
        Http404: If there is none of that name.
    """
    if "\0" in text:
        raise Http404("There is nobody whose name has a NUL character.")
    chosen = _assignee(text)
    users = get_user_model()._default_manager.filter(is_active=True, is_staff=True)
    found = (
        users.filter(**{users.model.USERNAME_FIELD: chosen.user}).first()
        if chosen.user is not None
        else Group.objects.filter(name=chosen.group or "").first()
    )
    if found is None:
        raise Http404(f"There is nobody called {text[:200]!r} to give a task to.")
    return found


def _recipients() -> dict[str, list[str]]:
    """Return who tasks can be given to."""
    users = get_user_model()._default_manager.filter(is_active=True, is_staff=True)
    name = users.model.USERNAME_FIELD
    return {
        "group": list(Group.objects.order_by("name").values_list("name", flat=True)[:_MOST_CHOICES]),
        "user": list(users.order_by(name).values_list(name, flat=True)[:_MOST_CHOICES]),
    }
