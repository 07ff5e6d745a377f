"""The list of executions: filtered, a page at a time by key, so that the last page is as fast as the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from console.access import needs
from console.executions.filters import FilterForm, without
from console.pages import page
from engine.log.state import Status
from executions.access.scopes import Scope
from executions.models import Execution, Label
from executions.operations.bulk import COUNTED, count_matching
from executions.operations.listing import CursorRefused, Direction, ExecutionFilter, page_of, place_at

PAGE: Final = 50

SAVED_VIEWS: Final = (
    ("All", "?"),
    ("In progress", "?status=unfinished"),
    ("Stuck", "?stuck=on&show_derived=on"),
    ("Failed", "?status=finished_error&status=finished_execution_failure"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedExecution:
    """A row of the list.

    Args:
        row: The execution.
        labels: Values by name.
        length: How long it took, or takes so far; ``None`` if it has not begun.
    """

    row: Execution
    labels: dict[str, str]
    length: timedelta | None


@needs(Scope.READ)
def executions(request: HttpRequest) -> HttpResponse:
    """Show a page of the list."""
    form = FilterForm(request.GET)
    wanted = form.wanted()
    now = timezone.now()
    problem = None
    older = request.GET.get("direction") != Direction.NEWER.value
    cursor = request.GET.get("cursor")
    try:
        place = None if cursor is None else place_at(cursor)
    except CursorRefused as error:
        place, problem = None, str(error)
    direction = Direction.OLDER if older or place is None else Direction.NEWER
    found = page_of(wanted, place=place, direction=direction, length=PAGE + 1, now=now)
    has_more = len(found) > PAGE
    rows = (found[:PAGE] if direction is Direction.OLDER else found[-PAGE:]) if has_more else found
    has_older = has_more if direction is Direction.OLDER else place is not None
    has_newer = has_more if direction is Direction.NEWER else place is not None
    query = request.GET
    return page(
        request,
        "executions/list.html",
        title="Executions",
        form=form,
        rows=listed(rows, now),
        now=now,
        problem=problem,
        count=_count(wanted),
        views=SAVED_VIEWS,
        here=f"?{query.urlencode()}",
        older=without(query, cursor=rows[-1].pk, direction="older") if rows and has_older else None,
        newer=without(query, cursor=rows[0].pk, direction="newer") if rows and has_newer else None,
        newest=without(query, "cursor", "direction") if cursor else None,
    )


def listed(rows: Sequence[Execution], now: datetime) -> list[ListedExecution]:
    """Return what the list shows of some executions."""
    labels: dict[str, dict[str, str]] = {}
    for execution_id, name, value in Label.objects.filter(execution_id__in=[row.pk for row in rows]).values_list(
        "execution_id", "name", "value"
    ):
        labels.setdefault(execution_id, {})[name] = value
    return [ListedExecution(row=row, labels=labels.get(row.pk, {}), length=length_of(row, now)) for row in rows]


def length_of(row: Execution, now: datetime) -> timedelta | None:
    """Return the time from when an execution was due first to its end, or so far."""
    end = row.due_at if row.status == Status.FINISHED.value else now
    return None if end < row.first_scheduled_at else end - row.first_scheduled_at


def _count(wanted: ExecutionFilter) -> str:
    count = count_matching(wanted)
    if count > COUNTED:
        return f"more than {COUNTED:,} match"
    return "1 matches" if count == 1 else f"{count:,} match"
