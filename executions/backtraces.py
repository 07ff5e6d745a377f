"""Looking up where in its source a workflow made a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from engine.log.backtraces import CallSites as RunCallSites
from engine.log.ids import ExecutionId, Version
from engine.wit.json_values import load_json
from executions.models import CallSites

Place = Version | Literal["first", "last"]
"""Which call: that which wrote this event, or the first or last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtrace:
    """Where a call was made.

    Args:
        execution_id: The workflow's execution.
        component: The version of the component that made it, as ``type:name:digest``.
        first: Version of the first event that it wrote.
        behind: Version behind the last one.
        stack: ``{"frames": [...]}`` (`engine.log.backtraces`).
    """

    execution_id: ExecutionId
    component: str
    first: Version
    behind: Version
    stack: dict[str, Any]


def backtraces_of(calls: RunCallSites) -> list[Backtrace]:
    """Return the backtraces of calls that are not stored yet."""
    return [
        Backtrace(
            execution_id=calls.execution_id,
            component=str(calls.component_id),
            first=site.first,
            behind=site.behind,
            stack=load_json(site.stack),  # type: ignore[arg-type]  # an object, by construction
        )
        for site in calls.sites
    ]


def find_backtrace(execution_id: ExecutionId, place: Place = "last") -> Backtrace | None:
    """Return the backtrace of a call, ``None`` if none is known.

    Args:
        execution_id: Whose.
        place: Which call; the first or last one is that of which one is known.
    """
    rows = CallSites.objects.filter(execution_id=execution_id)
    match place:
        case "first":
            row = rows.order_by("first_version", "id").first()
            return None if row is None else _read(row)[0]
        case "last":
            # Rows may overlap: what was missing in one of them was found later.
            row = rows.order_by("behind_version", "id").last()
            return None if row is None else _read(row)[-1]
        case version:
            # The newest first: a run that lost its lock may have left some for events that it could not write.
            around = rows.filter(first_version__lte=version, behind_version__gt=version).order_by("-id")
            sites = (site for row in around for site in _read(row))
            return next((site for site in sites if site.first <= version < site.behind), None)


def backtrace_ids(execution_id: ExecutionId, first: int, last: int) -> dict[int, int]:
    """Return the ids of backtraces of the events from version ``first`` to ``last``, where one is known.

    The id of a backtrace is the version of the first event that its call wrote.
    """
    rows = CallSites.objects.filter(execution_id=execution_id, first_version__lte=last, behind_version__gt=first)
    return {
        version: int(site.first)
        for row in rows.order_by("id")
        for site in _read(row)
        for version in range(max(site.first, first), min(site.behind, last + 1))
    }


def known_calls(execution_id: ExecutionId) -> set[Version]:
    """Return the versions of the first events of the calls whose backtraces are known."""
    return {site.first for row in CallSites.objects.filter(execution_id=execution_id) for site in _read(row)}


def _read(row: CallSites) -> list[Backtrace]:
    stored: Any = load_json(row.sites)
    return [
        Backtrace(
            execution_id=ExecutionId(row.execution_id),
            component=row.component,
            first=Version(first),
            behind=Version(behind),
            stack=stored["stacks"][stack],
        )
        for first, behind, stack in stored["sites"]
    ]
