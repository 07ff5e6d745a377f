"""The page of one operation on many: how far it is, and what became of the newest."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import timezone

from console.bulk.reports import entries_of, fingerprint, shown
from console.live.messages import Sub
from console.live.topics import Cursor, Update, Waker
from executions.models import Batch
from executions.watching import CommitWatch


class BatchTopic:
    """One batch.

    Args:
        sub: The subscription; its subject is the batch's id, its view ``all``, ``left`` or, on later pages of the
            report, which do not change, nothing.

    Raises:
        ValueError: If it names no batch.
    """

    interval_s = 0.25
    remembers = False

    def __init__(self, sub: Sub) -> None:
        if not (sub.subject.isascii() and sub.subject.isdigit() and len(sub.subject) < 19):
            raise ValueError("that is no batch")
        self._id = int(sub.subject)
        self._view = sub.view

    def waker(self) -> Waker:
        """See `Topic`."""
        return CommitWatch()

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        row = Batch.objects.filter(pk=self._id).first()
        if row is None:
            return Update(cursor=cursor, final=True)
        now = timezone.now()
        at, context = fingerprint(row, now), shown(row, now)
        if at == dict(cursor) and not context["is_over"]:
            return None
        regions: dict[str, str] = {"progress": render_to_string("console/bulk/progress.html", context)}
        if self._view and not hidden:
            entries = entries_of(row, only_left=self._view == "left")
            regions["report"] = render_to_string("console/bulk/entries.html", {**context, "entries": entries})
        return Update(cursor=at, regions=regions, final=context["is_over"])
