"""Schedules: the list, with what is due soon, and the page of one."""

from __future__ import annotations

import zlib
from typing import Final

from django.template.loader import render_to_string
from django.utils import timezone

from console.live.messages import Row, Sub
from console.live.rows_topic import RowsTopic
from console.live.topics import Cursor, Update, Waker
from console.schedules.pages import RUNS, due_soon, facts_of
from console.schedules.shown import ShownSchedule, shown_schedules
from engine.errors import DeploymentError
from executions.cron.operating import CronNotFound, find_cron, list_crons
from executions.watching import CommitWatch

_SLOW_S: Final = 1.0
"""Ticks are whole seconds apart; every look reads the log of each seed."""


class SchedulesTopic(RowsTopic):
    """The schedules that a page shows, by their names."""

    interval_s = _SLOW_S

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        if hidden:
            return None
        now = timezone.now()
        try:
            shown = {each.name: each for each in shown_schedules(list_crons(), now)}
        except DeploymentError:
            return None  # the page says why when it is loaded again
        numbers = {name: each.fingerprint for name, each in shown.items()}
        changed = self.changed(cursor, numbers)
        soon = due_soon(now)
        html = render_to_string("console/schedules/due_soon.html", {"due_soon": soon, "now": now})
        at = {
            **numbers,
            "other": int(set(numbers) != set(self.keys)),
            "soon": zlib.crc32(repr([(each.row.pk, each.row.due_at) for each in soon]).encode()),
        }
        if at == dict(cursor):
            return None
        rows = [Row(into="schedules", key=name, html=_row(shown[name])) for name in changed]
        other = render_to_string("console/schedules/other.html", {"is_other": at["other"]})
        return Update(cursor=at, rows=rows, regions={"due-soon": html, "other-schedules": other})


class ScheduleTopic:
    """One schedule.

    Args:
        sub: The subscription; its subject is the name.
    """

    interval_s = _SLOW_S
    remembers = False

    def __init__(self, sub: Sub) -> None:
        self._name = sub.subject

    def waker(self) -> Waker:
        """See `Topic`."""
        return CommitWatch()

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`. It holds the number of its state."""
        now = timezone.now()
        try:
            (shown,) = shown_schedules([find_cron(self._name)], now, runs=RUNS)
        except CronNotFound:
            gone = render_to_string("console/schedules/gone.html", {"name": self._name})
            return Update(cursor={}, regions={"schedule": gone}, final=True)
        except DeploymentError:
            return None  # the page says why when it is loaded again
        at = {"state": shown.fingerprint}
        if at == dict(cursor):
            return None
        html = render_to_string("console/schedules/facts.html", {**facts_of(shown), "now": now})
        return Update(cursor=at, regions={"schedule": html})


def _row(schedule: ShownSchedule) -> str:
    return render_to_string("console/schedules/row.html", {"schedule": schedule})
