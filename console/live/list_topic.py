"""A list of executions: the rows that are in sight change in place; they never move, and none comes or goes."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from console.executions.columns import known_columns
from console.executions.filters import FilterForm
from console.executions.listing import listed
from console.executions.reasons import reasons_of
from console.live.execution_topic import TOLD_FOR_S
from console.live.messages import Row, Sub
from console.live.rows_topic import RowsTopic
from console.live.topics import Cursor, Update
from console.states import shown_state
from engine.log.state import Lifecycle, Status
from executions.models import Execution
from executions.operations.listing import Direction, ExecutionFilter, Place, matching, page_query

_MOST_NEW: Final = 100
"""New executions that are counted."""


class ListTopic(RowsTopic):
    """The executions whose ids a page shows.

    Args:
        sub: The subscription. Its keys are the ids; its subject the filter as it stands in the address; its view, with
            commas between: keys of columns, ``select`` if rows can be ticked, ``match`` if the filter is right, and
            ``top`` if the page is the newest.
    """

    def __init__(self, sub: Sub) -> None:
        super().__init__(sub)
        flags = sub.view.split(",")
        self._columns = known_columns(flags)
        self._is_selectable = "select" in flags
        self._filter = FilterForm(QueryDict(sub.subject)) if "match" in flags else None
        self._is_top = "top" in flags
        self._tells_again_at = 0.0

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`. The cursor holds a number for each execution that tells what is shown of it apart."""
        if hidden:
            return None
        now = timezone.now()
        wanted = None if self._filter is None else self._filter.wanted(now)
        found = {row.pk: row for row in Execution.objects.filter(pk__in=self.keys)}
        gone = frozenset() if wanted is None else _not_matching(found, wanted, now)
        at = {pk: _fingerprint(row, now, is_gone=pk in gone) for pk, row in found.items()}
        at |= self._told(found, now, cursor)
        regions: dict[str, str] = {}
        if wanted is not None and self._is_top:
            at["new"] = _newer_than(found.get(self.keys[0]) if self.keys else None, wanted, now)
            if at["new"] != cursor.get("new", 0):
                regions["list-new"] = _pill(at["new"])
        news = {*self.changed(cursor, at), *(pk for pk in found if at.get(_why(pk), 0) != cursor.get(_why(pk), 0))}
        changed = [found[pk] for pk in self.keys if pk in news]
        if not changed and not regions:
            return None
        context = {"now": now, "columns": self._columns, "selectable": self._is_selectable}
        rows = [
            Row(
                into="executions",
                key=each.row.pk,
                html=render_to_string("console/executions/row.html", {**context, "each": each}),
            )
            for each in listed(changed, now, gone=gone)
        ]
        # Before the first frame the page knows no numbers; what it shows may be older than the subscription.
        return Update(cursor=at, rows=rows, regions=regions)

    def _told(self, found: Mapping[str, Execution], now: datetime, cursor: Cursor) -> dict[str, int]:
        """Return numbers of why rows are due and not run.

        That changes without anything being written to them: executors come and go, places become free. So it is asked
        again at the pace at which executions' own pages ask, which is cheap: calls of one function wait for the same.
        """
        due = [row for row in found.values() if _is_due(row, now)]
        if time.monotonic() < self._tells_again_at and all(_why(row.pk) in cursor for row in due):
            return {_why(row.pk): cursor[_why(row.pk)] for row in due}
        self._tells_again_at = time.monotonic() + TOLD_FOR_S
        return {_why(pk): zlib.crc32(reason.text.encode()) for pk, reason in reasons_of(due, now).items()}


def _is_due(row: Execution, now: datetime) -> bool:
    return row.status == Status.PENDING_AT.value and row.lifecycle == Lifecycle.ACTIVE.value and row.due_at <= now


def _why(execution_id: str) -> str:
    return f"{execution_id} why"


def _not_matching(found: dict[str, Execution], wanted: ExecutionFilter, now: datetime) -> frozenset[str]:
    ids = matching(wanted, now=now).filter(pk__in=list(found)).values_list("pk", flat=True)
    return frozenset(found).difference(ids)


def _newer_than(top: Execution | None, wanted: ExecutionFilter, now: datetime) -> int:
    place = None if top is None else Place(top.created_at, top.pk)
    rows = page_query(wanted, place=place, direction=Direction.NEWER, length=_MOST_NEW, now=now)
    return rows.count()


def _pill(count: int) -> str:
    is_capped = count == _MOST_NEW
    shown = _MOST_NEW - 1 if is_capped else count
    return render_to_string("console/executions/new.html", {"count": shown, "is_capped": is_capped})


def _fingerprint(row: Execution, now: datetime, *, is_gone: bool) -> int:
    state = shown_state(row, now).key
    return zlib.crc32(f"{row.next_version} {row.response_count} {state} {is_gone}".encode())
