"""What went on, counted by function and stretch of time, and how large the database was."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from executions.instants import InstantField


class RollUpQuerySet(models.QuerySet["RollUp"]):
    """Questions about counted stretches."""

    def of_tier(self, length_s: int, since: datetime) -> RollUpQuerySet:
        """Stretches of one length that begin at ``since`` or later."""
        return self.filter(length_s=length_s, start__gte=since)


class RollUp(models.Model):
    """What ended, or failed and is tried again, in one stretch of time: of one function, with one outcome.

    Counted from the event log, behind it and never with it, by `executions.statistics.rolling_up`. Every event is in
    one stretch of each length (`executions.statistics.tiers`).
    """

    id = models.BigAutoField(primary_key=True)
    length_s = models.PositiveIntegerField()
    """Seconds that the stretch takes."""
    start = InstantField()
    ffqn = models.TextField()
    outcome = models.TextField()
    """An `executions.statistics.tallies.Outcome`; the other columns are those of `Tally` there."""
    count = models.BigIntegerField()
    run_us = models.BigIntegerField()
    start_us = models.BigIntegerField()
    runs = models.TextField()
    """Numbers of filled buckets, as JSON: ``[[12, 4], [13, 1]]``."""
    starts = models.TextField()
    last_event_id = models.BigIntegerField()

    objects = RollUpQuerySet.as_manager()

    class Meta:
        constraints = [
            # The stretches of one length from some instant on, to read or to delete; and one row for each.
            UniqueConstraint(fields=["length_s", "start", "ffqn", "outcome"], name="roll_up_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.ffqn} {self.outcome} in {self.length_s} s from {self.start}: {self.count}"


class RollUpCursor(models.Model):
    """Up to which row of the event log everything has been counted: one row.

    Moved on in the transaction that adds what was counted, and only from where the counting began, so each event is
    counted once however many processes count.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    event_id = models.BigIntegerField(default=0)
    moved_at = InstantField()

    class Meta:
        constraints = [CheckConstraint(condition=Q(id=1), name="roll_up_cursor_is_one")]

    def __str__(self) -> str:
        return f"counted up to event {self.event_id}"


class DatabaseSize(models.Model):
    """How large the database was at some instant."""

    at = InstantField(primary_key=True)
    size = models.BigIntegerField()
    """In bytes."""

    def __str__(self) -> str:
        return f"{self.size} bytes at {self.at}"
