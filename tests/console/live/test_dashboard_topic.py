"""What of the dashboard is sent, and to whom."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.utils import timezone

from console.dashboard.ranges import RANGES
from console.dashboard.snapshot import clear_snapshots, snapshot
from console.live.dashboard_topic import DashboardTopic
from console.live.messages import Sub
from engine.log import events as e
from executions.journal.journal import SqlJournal
from executions.statistics.rolling_up import roll_up
from executions.statistics.settled import SettledLog
from tests.builders import FFQN, make_created, make_execution_id, make_submit
from tests.engine.journal.commits import commit
from tests.executions.statistics.ended import run_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

E1 = make_execution_id(1)


def submit(number: int, *events: e.ExecutionEvent, ffqn: str = FFQN) -> None:
    now = timezone.now()
    created = make_created(ffqn=ffqn, scheduled_at=now)
    commit(SqlJournal.for_current_connection(), make_submit(make_execution_id(number), created, *events, at=now))


def shown() -> dict[str, int]:
    """The cursor of a page that was just loaded."""
    clear_snapshots()
    return dict(snapshot(RANGES[0]).numbers)


def topic(*functions: str, view: str = "1h") -> DashboardTopic:
    return DashboardTopic(Sub(topic="dashboard", view=view, keys=list(functions)))


def test_only_what_changed_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    at = timezone.now()
    # However long it takes, no age grows and no minute ends meanwhile.
    monkeypatch.setattr(timezone, "now", lambda: at)
    submit(1)
    cursor = shown()
    assert topic(FFQN).read(cursor, hidden=False) is None
    submit(2, e.Paused())
    clear_snapshots()

    update = topic(FFQN).read(cursor, hidden=False)

    assert update is not None
    assert list(update.regions) == ["tiles"]
    assert [(row.into, row.key) for row in update.rows] == [("functions", FFQN)]
    assert topic(FFQN).read(update.cursor, hidden=False) is None


def test_what_ended_reaches_the_charts() -> None:
    now: datetime = timezone.now()
    run_once(1, due_at=now)
    cursor = shown()
    roll_up(now, until=SettledLog().until())
    clear_snapshots()

    update = topic().read(cursor, hidden=False)

    assert update is not None
    assert {"legend", "stretches"} <= set(update.regions)


def test_a_function_that_the_page_does_not_show_does_not_push_its_rows_about() -> None:
    submit(1)
    cursor = shown()
    submit(2, ffqn="other:pkg/api.call")
    clear_snapshots()

    update = topic(FFQN).read(cursor, hidden=False)

    assert update is not None
    assert update.rows == []


def test_while_nobody_looks_only_the_states_are_sent() -> None:
    submit(1)
    cursor = shown()
    submit(2)
    clear_snapshots()

    update = topic(FFQN).read(cursor, hidden=True)

    assert update is not None
    assert (list(update.regions), update.rows) == (["tiles"], [])
    seen = topic(FFQN).read(update.cursor, hidden=False)
    assert seen is not None
    assert [row.key for row in seen.rows] == [FFQN]


def test_a_range_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no range '2h'; choose one of 1h, 24h, 7d"):
        topic(view="2h")
