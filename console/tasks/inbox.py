"""The inbox: open tasks, those that wait longest first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from console.access import needs
from console.pages import page
from console.tasks.shown import ShownTask, shown_tasks
from executions.access.scopes import Scope
from executions.instants import to_micros
from executions.models import ExecutionQuerySet
from executions.operations.inbox import Whose, tasks_of
from executions.operations.listing import CursorRefused, place_at

PAGE: Final = 50
COUNTED: Final = 99
"""How far tasks are counted."""

_TITLES: Final = {Whose.MINE: "Mine", Whose.GROUPS: "My groups", Whose.ALL: "All"}


@needs(Scope.READ)
def inbox(request: HttpRequest) -> HttpResponse:
    """Show a page of tasks."""
    now = timezone.now()
    whose = _whose(request.GET.get("whose", ""))
    rows = list(_behind(tasks_of(whose, request.user, now), request.GET.get("after"))[: PAGE + 1])
    tasks = shown_tasks(rows[:PAGE])
    return page(
        request,
        "tasks/inbox.html",
        title="Human tasks",
        tasks=tasks,
        whose=whose.value,
        choices=[(each.value, title, counted(tasks_of(each, request.user, now))) for each, title in _TITLES.items()],
        after=rows[PAGE - 1].pk if len(rows) > PAGE else None,
        is_first="after" not in request.GET,
        cursor=json.dumps(cursor_of(tasks, newest=to_micros(now))),
        now=now,
    )


def cursor_of(tasks: Sequence[ShownTask], *, newest: int) -> dict[str, int]:
    """Return how far a page with these tasks is: how each stands, and since when it does not know of new ones."""
    return {"newest": newest, **{task.row.pk: task.fingerprint for task in tasks}}


def counted(rows: ExecutionQuerySet) -> str:
    """Return how many tasks there are, as far as they are counted."""
    count = rows[: COUNTED + 1].count()
    return f"{COUNTED}+" if count > COUNTED else str(count)


def _whose(text: str) -> Whose:
    return next((each for each in Whose if each.value == text), Whose.ALL)


def _behind(rows: ExecutionQuerySet, cursor: str | None) -> ExecutionQuerySet:
    """Return the tasks that were created behind one, oldest first; from the beginning if it is not there any more."""
    rows = rows.oldest_first()
    if cursor is None:
        return rows
    try:
        place = place_at(cursor)
    except CursorRefused:
        return rows
    later = Q(created_at__gt=place.created_at)
    return rows.filter(later | Q(created_at=place.created_at, execution_id__gt=place.execution_id or ""))
