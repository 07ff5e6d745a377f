"""The pages of the debugger: the whole page, and what moves within it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from console.access import may, needs
from console.debugger.positions import Position, is_over, position_at
from console.debugger.sources import Source, source_around, stored_file
from console.debugger.stacks import Frame, Stack, kept_stack, stack_at
from console.executions.detail import tab_page
from console.executions.lookup import found
from console.seeing import payload, shows
from engine.deployment.spec import ComponentType
from engine.errors import EngineError
from engine.log.ids import ExecutionId
from executions.access.scopes import Insight, Scope
from executions.models import Execution
from executions.operations.replay_places import replay_place
from executions.operations.tracing import persist_backtraces


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A local variable.

    Args:
        name: Its name.
        text: What it holds.
        is_changed: Whether that is something else than where the workflow waited before.
    """

    name: str
    text: str
    is_changed: bool


@needs(Scope.READ)
def debugger(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the debugger at an event; what takes a replay is brought when the page is there, unless it is waited for."""
    row = found(execution_id)
    return tab_page(
        request,
        execution_id,
        "console_debug",
        "debugger/debugger.html",
        **_context(request, row, is_patient="wait" in request.GET),
    )


@needs(Scope.READ)
def panes(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the inside of the debugger at an event, as a piece of a page."""
    row = found(execution_id)
    context = _context(request, row, is_patient=True)
    if context["position"] is None:
        raise Http404("Only workflows are stepped through.")
    return render(request, "console/debugger/panes.html", {"row": row, **context})


@needs(Scope.OPERATE)
@require_POST
def record(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Store where a workflow made its calls, as far as that is not known."""
    row = found(execution_id)
    try:
        with replay_place():
            count = persist_backtraces(ExecutionId(row.pk))
    except EngineError as error:
        messages.error(request, f"{payload(str(error))}.")
    else:
        messages.success(request, f"{count} backtraces were recorded." if count else "No other call was found.")
    query = urlencode({"v": request.POST["v"]}) if request.POST.get("v", "").isdigit() else ""
    return redirect(f"{reverse('admin:console_debug', args=[row.pk])}?{query}")


def _context(request: HttpRequest, row: Execution, *, is_patient: bool) -> dict[str, Any]:
    if row.component_type != ComponentType.WORKFLOW.value:
        return {"position": None}
    position = position_at(row, _number(request, "v"))
    sees_source, sees_payload = shows(Insight.SOURCE), shows(Insight.PAYLOAD)
    stack = _stack(row, position, is_patient=is_patient)
    context: dict[str, Any] = {
        "position": position,
        "stack": stack,
        "is_pending": stack is None,
        "is_returned": is_over(row) and position.call is None,
        "sees_source": sees_source,
        "sees_payload": sees_payload,
        "may_record": may(request.user, Scope.OPERATE),
        "keep": "&wait=on" if "wait" in request.GET else "",
    }
    if stack is None or not stack.frames:
        return context
    chosen = _chosen(request, stack)
    frame = stack.frames[chosen]
    return {
        **context,
        "chosen": chosen,
        "frame": frame,
        "source": _source(stack, frame) if sees_source else None,
        "source_url": _source_url(row, stack, frame) if sees_source else None,
        "variables": _variables(row, position, stack, chosen) if sees_payload else None,
    }


def _stack(row: Execution, position: Position, *, is_patient: bool) -> Stack | None:
    """Return the stack at a position; ``None`` if that takes a replay and nobody waits for it."""
    call = position.call
    if call is None:
        if is_over(row):
            return Stack(component="")
        call = row.next_version
    if is_patient:
        return stack_at(row, call)
    # What has changed is told by the stack before.
    is_known = position.before is None or kept_stack(row, position.before) is not None
    return kept_stack(row, call) if is_known else None


def _chosen(request: HttpRequest, stack: Stack) -> int:
    """Return which frame is looked at: by default the innermost one whose source is there."""
    asked = _number(request, "frame")
    if asked is not None:
        return min(asked, len(stack.frames) - 1)
    tried: set[str] = set()
    for index, frame in enumerate(stack.frames):
        if frame.file is not None and frame.file not in tried:
            tried.add(frame.file)
            if stored_file(stack.component, frame.file) is not None:
                return index
    return 0


def _source(stack: Stack, frame: Frame) -> Source | None:
    if frame.file is None:
        return None
    waiting = frozenset(each.line for each in stack.frames if each.file == frame.file and each.line is not None)
    return source_around(stack.component, frame.file, frame.line, waiting=waiting - {frame.line})


def _source_url(row: Execution, stack: Stack, frame: Frame) -> str | None:
    """Return where the whole file is shown; ``None`` if that would be the file of another version."""
    if frame.file is None or not stack.component.endswith(row.component_digest):
        return None
    where = {"deployment": row.deployment_id, "name": row.component_name, "path": frame.file}
    line = "" if frame.line is None else f"#L{frame.line}"
    return f"{reverse('admin:console_component_source', args=[row.component_digest])}?{urlencode(where)}{line}"


def _variables(row: Execution, position: Position, stack: Stack, chosen: int) -> list[Variable] | None:
    frame = stack.frames[chosen]
    if frame.variables is None:
        return None
    before = None if position.before is None else _same_frame(stack_at(row, position.before), stack, chosen)
    return [
        Variable(name=name, text=text, is_changed=before is not None and before.get(name) != text)
        for name, text in frame.variables.items()
    ]


def _same_frame(earlier: Stack, stack: Stack, chosen: int) -> dict[str, str] | None:
    """Return what the variables of a frame held before; ``None`` if it was not there."""
    depth = len(stack.frames) - chosen
    if depth > len(earlier.frames):
        return None
    frame = earlier.frames[-depth]
    is_same = (frame.function, frame.file) == (stack.frames[chosen].function, stack.frames[chosen].file)
    return dict(frame.variables) if is_same and frame.variables is not None else None


def _number(request: HttpRequest, name: str) -> int | None:
    """Return a number of the address; what is none counts as not there."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
