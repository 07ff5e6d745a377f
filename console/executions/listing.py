"""The list of executions: filtered, a page at a time by key, so that the last page is as fast as the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from console.access import may, needs
from console.bulk.words import WORDS, BulkWords
from console.executions.columns import COLUMNS, columns_of
from console.executions.filters import FilterForm, without
from console.executions.reasons import Reason, reasons_of
from console.executions.views import views_of
from console.functions import function_names, submittable
from console.live.messages import LONGEST_TEXT
from console.pages import page
from engine.log.state import Status
from executions.access.scopes import Scope
from executions.models import Execution, Label
from executions.operations.bulk import COUNTED, BulkOperation, count_matching
from executions.operations.listing import CursorRefused, Direction, ExecutionFilter, page_of, place_at

PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedExecution:
    """A row of the list.

    Args:
        row: The execution.
        labels: Values by name.
        length: How long it took, or takes so far; ``None`` if it has not begun.
        why: Why it stands as it does, or what it came to.
        is_gone: Whether it was in the list, and does not match any more.
    """

    row: Execution
    labels: dict[str, str]
    length: timedelta | None
    why: Reason
    is_gone: bool = False


@needs(Scope.READ)
def executions(request: HttpRequest) -> HttpResponse:
    """Show a page of the list."""
    form = FilterForm(request.GET)
    now = timezone.now()
    wanted = form.wanted(now)
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
    columns = columns_of(request)
    operations = bulk_offers(request)
    count = count_matching(wanted)
    conditions = without(query, "cursor", "direction", "columns").removeprefix("?")
    is_live = form.is_valid() and len(conditions) <= LONGEST_TEXT
    return page(
        request,
        "executions/list.html",
        title="Executions",
        form=form,
        rows=listed(rows, now),
        now=now,
        problem=problem,
        count=f"{COUNTED:,}+" if count > COUNTED else f"{count:,}",
        columns=columns,
        all_columns=COLUMNS.items(),
        selectable=bool(operations),
        operations=operations.items(),
        views=views_of(request),
        functions=function_names(),
        submits=_submits(request, wanted),
        filter=conditions,
        live_filter=conditions if is_live else "",
        view=",".join(
            [
                *columns,
                *(["select"] if operations else []),
                *(["match"] if is_live else []),
                *(["top"] if is_live and not cursor else []),
            ]
        ),
        here=query.urlencode(),
        older=without(query, cursor=rows[-1].pk, direction="older") if rows and has_older else None,
        newer=without(query, cursor=rows[0].pk, direction="newer") if rows and has_newer else None,
        newest=without(query, "cursor", "direction") if cursor else None,
    )


def listed(rows: Sequence[Execution], now: datetime, *, gone: frozenset[str] = frozenset()) -> list[ListedExecution]:
    """Return what the list shows of some executions; ``gone`` are the ids of those that do not match any more."""
    labels: dict[str, dict[str, str]] = {}
    for execution_id, name, value in Label.objects.filter(execution_id__in=[row.pk for row in rows]).values_list(
        "execution_id", "name", "value"
    ):
        labels.setdefault(execution_id, {})[name] = value
    reasons = reasons_of(rows, now)
    return [
        ListedExecution(
            row=row,
            labels=labels.get(row.pk, {}),
            length=length_of(row, now),
            why=reasons[row.pk],
            is_gone=row.pk in gone,
        )
        for row in rows
    ]


def length_of(row: Execution, now: datetime) -> timedelta | None:
    """Return the time from when an execution was due first to its end, or so far."""
    end = row.due_at if row.status == Status.FINISHED.value else now
    return None if end < row.first_scheduled_at else end - row.first_scheduled_at


def bulk_offers(request: HttpRequest) -> dict[str, BulkWords]:
    """Return what whoever asks may do to many, by the operation's name in addresses."""
    if not may(request.user, Scope.OPERATE):
        return {}
    starts = may(request.user, Scope.SUBMIT)
    return {operation.value: WORDS[operation] for operation in BulkOperation if starts or not operation.starts}


def _submits(request: HttpRequest, wanted: ExecutionFilter) -> str | None:
    """Return the one function that the list is about, if whoever asks may start it."""
    function = wanted.function or wanted.ffqn_prefix
    return function if function and may(request.user, Scope.SUBMIT) and submittable(function) else None
