"""The page on where a workflow and its history part: what was recorded, and what the code asks for instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from console.access import may, needs
from console.debugger.sources import Source, source_around, stored_file
from console.debugger.stacks import Frame, Stack, frames_of, stack_at, stack_frames
from console.executions.detail import tab_page
from console.executions.event_words import EventLine, event_line, unwritten_line
from console.executions.lookup import found
from console.seeing import payload, shows
from engine.deployment.spec import ComponentType
from engine.errors import EngineError
from engine.log.ids import DeploymentId, ExecutionId, Version
from engine.replay.outcomes import Parting, ReplayFailed
from executions.access.scopes import Insight, Scope
from executions.backtraces import find_backtrace
from executions.models import Event, Execution
from executions.operations.comparing import Comparison, compare
from executions.operations.replay_places import replay_place

_AROUND = 6
"""Lines of source before and behind the one that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two that differ.

    Args:
        line: The event in words; ``None`` if the workflow has ended instead.
        payload: The event as JSON text.
        frame: Where in its source the workflow asked for it, if that is known.
        source: What stands there.
    """

    line: EventLine | None
    payload: str | None
    frame: Frame | None
    source: Source | None


@needs(Scope.READ)
def comparison(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Replay a workflow on a deployment's component, or its own, and show where they part."""
    row = found(execution_id)
    asked = request.GET.get("deployment", "")
    context: dict[str, Any] = {}
    if row.component_type != ComponentType.WORKFLOW.value:
        context["problem"] = "It is no workflow, so it has no history that code could part with."
    else:
        try:
            with replay_place():
                compared = compare(ExecutionId(row.pk), DeploymentId(asked) if asked else None)
            context.update(_shown(request, row, compared))
        except EngineError as error:
            context["problem"] = f"{payload(str(error))}."
    return tab_page(request, execution_id, "console_debug", "debugger/comparison.html", **context)


def _shown(request: HttpRequest, row: Execution, compared: Comparison) -> dict[str, Any]:
    context: dict[str, Any] = {
        "compared": compared,
        "component": compared.component.split(":", 2),
    }
    match compared.outcome:
        case None:
            return context
        case ReplayFailed(error=error):
            return {**context, "problem": f"{payload(error)}."}
        case Parting(version=version):
            recorded = row.events.get(version=version)
            return {
                **context,
                "where": compared.outcome,
                "expected": _recorded(row, recorded, compared),
                "actual": _requested(row, recorded, compared, compared.outcome),
                "fork_from": version - 1,
                "may_fork": may(request.user, Scope.SUBMIT),
            }


def _recorded(row: Execution, event: Event, compared: Comparison) -> Side:
    stack = _recorded_stack(row, event.version, compared)
    frame, source = (None, None) if stack is None else _place(stack.component, stack.frames)
    line = event_line(event, row.created_at)
    return Side(line=line, payload=event.public_payload, frame=frame, source=source)


def _recorded_stack(row: Execution, version: int, compared: Comparison) -> Stack | None:
    backtrace = find_backtrace(ExecutionId(row.pk), Version(version))
    if backtrace is not None:
        return Stack(component=backtrace.component, frames=frames_of(backtrace))
    if compared.component.endswith(row.component_digest):
        # The code that recorded it is not the one that runs it now.
        return None
    return stack_at(row, version)


def _requested(row: Execution, recorded: Event, compared: Comparison, parting: Parting) -> Side:
    frame, source = None, None
    if parting.stack is not None:
        frames = stack_frames(orjson.loads(parting.stack))
        frame, source = _place(compared.component, frames)
    if parting.requested is None:
        return Side(line=None, payload=None, frame=frame, source=source)
    # As it would stand in the log, in place of what was recorded.
    line = unwritten_line(row, version=recorded.version, at=recorded.created_at, encoded=parting.requested)
    return Side(line=line, payload=parting.requested, frame=frame, source=source)


def _place(component: str, frames: tuple[Frame, ...]) -> tuple[Frame | None, Source | None]:
    """Return the innermost frame whose source is there, with that."""
    for frame in frames:
        if frame.file is not None and stored_file(component, frame.file) is not None:
            shown = source_around(component, frame.file, frame.line, around=_AROUND) if shows(Insight.SOURCE) else None
            return frame, shown
    return (frames[0] if frames else None), None
