"""A timeline of fifty thousand executions: what a browser gets to draw is bounded, wherever one looks."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.timeline.bars import MOST_BARS
from console.timeline.snapshots import Snapshots
from engine.log import events as e
from engine.log.ids import child_id
from executions.journal.journal import SqlJournal
from executions.models import Execution
from tests.builders import (
    JOIN_SET,
    NOW,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_execution_id,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

E1: Final = make_execution_id(1)
COUNT: Final = 50_000
ROWS: Final = 45
MOST_SHAPES: Final = 4_500
#: Of the answer: what is drawn in a moment is read in a moment.
MOST_BYTES: Final = 1 << 20
MOST_STATEMENTS: Final = 12


@pytest.fixture
def viewer(client_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("console.timeline.views.SNAPSHOTS", Snapshots())
    journal = SqlJournal.for_current_connection()
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    children = [make_child(E1, 1)]
    commit(journal, make_append(E1, make_child_request(E1, 1), expected=3, created=children))
    commit(journal, make_child_end(E1, 1))
    Execution.objects.bulk_create(_others(Execution.objects.get(pk=child_id(E1, JOIN_SET, 1))), batch_size=500)
    return client_of("viewer")


def _others(first: Execution) -> list[Execution]:
    """Return siblings that began one after the other, of which some failed."""
    others = []
    for number in range(2, COUNT + 1):
        other = copy(first)
        other.execution_id = child_id(E1, JOIN_SET, number)
        other.created_at = NOW + timedelta(milliseconds=number)
        other.due_at = other.created_at + timedelta(milliseconds=number * 7919 % 5_000)
        other.result_kind = "error" if number % 100 == 0 else "ok"
        others.append(other)
    return others


def _shapes(row: dict[str, Any]) -> int:
    return len(row.get("bars", [])) + len(row.get("signs", []))


def test_shapes_are_bounded_at_every_zoom_and_with_everything_open(viewer: Client) -> None:
    whole = _ask(viewer)
    group = next(row for row in whole["rows"] if row["kind"] == "group")
    opened = f". {group['key']}"

    assert group["name"].endswith(f"{COUNT:,}")
    assert sum(bar.get("count", 1) for bar in group["bars"]) >= COUNT, "none is lost"
    for begin, end in ((0, 60_000_000), (10_000_000, 20_000_000), (10_000_000, 10_100_000), (10_000_000, 10_001_000)):
        answer = _ask(viewer, begin=begin, end=end, open=opened, chosen="true", first=1_000)
        rows = answer["rows"]
        assert len(rows) == ROWS
        assert max(_shapes(row) for row in rows) <= MOST_BARS
        assert sum(map(_shapes, rows)) + len(answer["overview"]) <= MOST_SHAPES


def test_a_step_of_the_zoom_reads_the_logs_of_its_rows_alone(viewer: Client) -> None:
    group = next(row for row in _ask(viewer)["rows"] if row["kind"] == "group")
    with CaptureQueriesContext(connection) as statements:
        _ask(viewer, begin=10_000_000, end=20_000_000, open=f". {group['key']}", chosen="true", first=1_000)

    of_the_tree = [each["sql"] for each in statements if "ORDER BY execution_id LIMIT" in each["sql"]]
    assert of_the_tree == []
    assert len(statements) <= MOST_STATEMENTS


def _ask(viewer: Client, **query: Any) -> dict[str, Any]:
    response = viewer.get(f"/admin/executions/{E1}/timeline/window/", {"rows": ROWS, "width": 1_600, **query})
    assert response.status_code == 200, response.text
    assert len(response.content) <= MOST_BYTES
    answer: dict[str, Any] = response.json()
    return answer
