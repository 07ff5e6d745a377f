"""Executors: those on the page change in place; whoever comes is put behind them."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import timezone

from console.executors.pages import totals
from console.executors.shown import shown_executors
from console.live.messages import Row
from console.live.rows_topic import RowsTopic
from console.live.topics import Cursor, Update


class ExecutorsTopic(RowsTopic):
    """The executors that a page shows, by their ids. They give signs of life every other second."""

    interval_s = 1.0

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        if hidden:
            return None
        now = timezone.now()
        shown = {each.executor_id: each for each in shown_executors(now)}
        # Who has gone is told of as silent, or was there for the last time.
        gone = dict.fromkeys((key for key in self.keys if key not in shown), 0)
        at = {**{key: each.fingerprint for key, each in shown.items()}, **gone}
        if at == dict(cursor):
            return None
        self.keys = [*self.keys, *(key for key in shown if key not in self.keys)]
        rows = [
            Row(
                into="executors",
                key=key,
                html=render_to_string(
                    "console/executors/row.html", {"executor": shown.get(key), "executor_id": key, "now": now}
                ),
            )
            for key in self.changed(cursor, at)
        ]
        told = render_to_string("console/executors/totals.html", {"totals": totals(list(shown.values()))})
        return Update(cursor=at, rows=rows, regions={"executor-totals": told})
