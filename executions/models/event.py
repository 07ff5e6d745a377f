"""The event log."""
# ruff: noqa: DJ001 - null means "there is none"; an empty string would be an id like any other

from __future__ import annotations

import msgspec
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from msgspec import Raw, Struct

from engine.log.event_decoding import decode_event
from engine.log.events import LogEntry
from engine.log.ids import Version
from engine.workflow.lineage import SECRET_KEYS
from executions.instants import InstantField
from executions.models.execution import Execution
from executions.row_ids import RowIdField


class _Created(Struct):
    created: dict[str, Raw]


class Event(models.Model):
    """One thing that happened to an execution. Only ever inserted.

    ``payload`` is the whole event; the columns beside it are copies that lists and filters need.
    """

    id = RowIdField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, db_index=False, related_name="events")
    version = models.PositiveIntegerField()
    """Its place in the log, from 0 without gaps."""
    created_at = InstantField()
    variant = models.TextField()
    join_set_id = models.TextField(null=True, blank=True)
    history_event_type = models.TextField(null=True, blank=True)
    """Set when ``variant`` is ``history_event``."""
    payload = models.TextField()
    """`engine.log.event_encoding`, to the letter: a ``jsonb`` column would reorder keys and rewrite numbers."""

    class Meta:
        constraints = [
            # sql.LOG, sql.FIRST_EVENTS, sql.RESPONSES; and two writers can never both have appended.
            UniqueConstraint(fields=["execution", "version"], name="event_version_unique"),
            CheckConstraint(
                condition=Q(version=0, variant="created") | Q(~Q(variant="created"), version__gt=0),
                name="event_created_is_first",
            ),
            CheckConstraint(
                condition=Q(variant="history_event", history_event_type__isnull=False)
                | Q(~Q(variant="history_event"), history_event_type__isnull=True),
                name="event_history_has_type",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} #{self.version} {self.history_event_type or self.variant}"

    @property
    def public_payload(self) -> str:
        """``payload`` as people may see it: without the seeds in the metadata of a creation."""
        if self.variant != "created":
            return self.payload
        # Parameters stay as they were written, to the last digit.
        document = msgspec.json.decode(self.payload, type=_Created)
        metadata = msgspec.json.decode(document.created["metadata"], type=dict[str, str])
        public = {key: metadata[key] for key in metadata if key not in SECRET_KEYS}
        document.created["metadata"] = Raw(msgspec.json.encode(public))
        return msgspec.json.encode(document).decode()

    def entry(self) -> LogEntry:
        """Return the event at its place, decoded.

        Raises:
            StoredEventInvalid: If this version of the program cannot read it.
        """
        return LogEntry(Version(self.version), self.created_at, decode_event(self.payload))
