"""The page of a rehearsal: how far it is, and what diverges."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import timezone

from console.live.messages import Sub
from console.live.topics import Cursor, Update, Waker
from executions.instants import to_micros
from executions.models import RehearsalReport, RehearsalStatus
from executions.watching import CommitWatch


class RehearsalTopic:
    """One rehearsal.

    Args:
        sub: The subscription; its subject is the report's id.

    Raises:
        ValueError: If it names no report.
    """

    interval_s = 0.25
    remembers = False

    def __init__(self, sub: Sub) -> None:
        if not (sub.subject.isascii() and sub.subject.isdigit() and len(sub.subject) < 19):
            raise ValueError("that is no rehearsal")
        self._id = int(sub.subject)

    def waker(self) -> Waker:
        """See `Topic`."""
        return CommitWatch()

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        report = RehearsalReport.objects.filter(pk=self._id).first()
        if report is None:
            return Update(cursor=cursor, final=True)
        final = report.status != RehearsalStatus.RUNNING
        seen = to_micros(report.seen_at)
        if seen == cursor.get("seen") and not final:
            return None
        html = render_to_string("console/deployments/report.html", {"report": report, "now": timezone.now()})
        return Update(cursor={"seen": seen}, regions={"report": html}, final=final)
