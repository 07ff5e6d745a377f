"""The thread of an executor's process that sends spans behind the event log."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from django.utils import timezone

from executions.instants import lately
from executions.models import Event, TraceCursor
from executions.statistics.settled import SettledLog
from executions.tracing.spans import ENDS_OF_RUNS, spans_of

if TYPE_CHECKING:
    from executions.tracing.exporting import SpanExporter

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = timedelta(seconds=1)
BEHIND: Final = timedelta(seconds=3)
"""How old an end is when its spans are sent: what is remembered of HTTP requests is stored a little after it."""
_CLAIMED_FOR: Final = timedelta(seconds=60)
_BATCH: Final = 5_000
"""Events of one look."""
_MOST_BEHIND: Final = 1_000_000
"""Events. Of a collector that is away for longer the older ones are given up."""


class TraceKeeper:
    """Sends spans of what ended some seconds ago; of any number of processes one at a time does.

    Nothing is lost by a collector that is away for a while, or by a process that dies.

    Args:
        exporter: Takes the spans.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._settled = SettledLog()
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def stop(self) -> None:
        """End, within one batch."""
        self._is_stopping.set()
        self._exporter.close()
        self._thread.join()

    def send_next(self) -> bool:
        """Send what is next; tell whether there is more.

        Raises:
            DatabaseError: If the database does not answer.
        """
        now, until = timezone.now(), self._settled.until()
        newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
        TraceCursor.objects.get_or_create(defaults={"event_id": newest or 0, "claimed_until": now})
        claim = now + _CLAIMED_FOR
        if not TraceCursor.objects.exclude(lately("claimed_until", now + _CLAIMED_FOR, _CLAIMED_FOR)).update(
            claimed_until=claim
        ):
            return False
        cursor = TraceCursor.objects.get()
        sent_until = cursor.event_id
        try:
            sent_until = self._send(max(cursor.event_id, until - _MOST_BEHIND), until)
        finally:
            TraceCursor.objects.filter(claimed_until=claim).update(event_id=sent_until, claimed_until=timezone.now())
        return sent_until > cursor.event_id and sent_until < until

    def _send(self, start: int, until: int) -> int:
        """Send spans of what ended behind a row of the log; return up to which row that is done."""
        if until <= start:
            return start
        rows = Event.objects.filter(pk__gt=start, pk__lte=min(until, start + _BATCH)).order_by("pk").defer("payload")
        settled_before = timezone.now() - BEHIND
        seen: list[Event] = []
        for event in rows.iterator():
            if event.created_at > settled_before:
                break
            seen.append(event)
        else:
            until = min(until, start + _BATCH)
            return until if self._export(seen) else start
        if not seen or not self._export(seen):
            return start
        return int(seen[-1].pk)

    def _export(self, seen: list[Event]) -> bool:
        spans = list(spans_of([event for event in seen if event.variant in ENDS_OF_RUNS]))
        return not spans or self._exporter.export(spans)

    def _run(self) -> None:
        while not self._is_stopping.wait(LOOK_EVERY.total_seconds()):
            try:
                while self.send_next() and not self._is_stopping.is_set():
                    pass
            except DatabaseError as error:
                log.warning("traces.failed", error=str(error))
                close_old_connections()
        connection.close()
