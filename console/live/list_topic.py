"""A list of executions: the rows that are in sight change in place; they never move, and none comes or goes."""

from __future__ import annotations

import zlib

from django.template.loader import render_to_string
from django.utils import timezone

from console.executions.listing import listed
from console.live.messages import Row
from console.live.rows_topic import RowsTopic
from console.live.topics import Cursor, Update
from executions.models import Execution


class ListTopic(RowsTopic):
    """The executions whose ids a page shows."""

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`. The cursor holds a number for each execution that tells its states apart."""
        if hidden:
            return None
        now = timezone.now()
        found = {row.pk: row for row in Execution.objects.filter(pk__in=self.keys)}
        at = {pk: _fingerprint(row) for pk, row in found.items()}
        changed = [pk for pk in self.keys if pk in found and cursor.get(pk) != at[pk]]
        if not changed:
            return None
        each = {item.row.pk: item for item in listed([found[pk] for pk in changed], now)}
        rows = [
            Row(
                into="executions",
                key=pk,
                html=render_to_string("console/executions/row.html", {"each": each[pk], "now": now}),
            )
            for pk in changed
        ]
        # Before the first frame the page knows no numbers; what it shows may be older than the subscription.
        return Update(cursor=at, rows=rows)


def _fingerprint(row: Execution) -> int:
    return zlib.crc32(f"{row.next_version} {row.response_count} {row.status} {row.lifecycle}".encode())
