"""Counting what the event log says about ends and failed attempts: each event once, whatever dies meanwhile.

Nothing is written with an event itself. A batch of the log behind the cursor is read by its rows' numbers, which takes
no index, and added up within the database; what it comes to is written together with the cursor's new place.
"""
# ruff: noqa: S608 - the statement is put together from constants only

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import orjson
from django.db import transaction

from executions.instants import from_micros
from executions.journal.connection import CurrentConnection
from executions.models import Event, Execution, RollUp, RollUpCursor
from executions.statistics.buckets import bucket_of
from executions.statistics.tallies import Outcome, Tally
from executions.statistics.tiers import MINUTES, TIERS, Tier

BATCH: Final = 20_000
"""Events of one transaction at most: a tenth of a second of reading."""

Key = tuple[datetime, str, Outcome]
"""Start of a stretch, function, outcome."""

_EVENT: Final = Event._meta.db_table
_EXECUTION: Final = Execution._meta.db_table
_MINUTE_US: Final = MINUTES.length // timedelta(microseconds=1)
_WIDTH: Final = 9
#: What stands between two rows of the log, by minute, function, kind of end (null for a failed attempt) and buckets of
#: both lengths. The log's primary key; then that of executions and ``event_version_unique``, once for each end.
_COUNT: Final = f"""
WITH found AS MATERIALIZED (
    SELECT e.id, e.created_at AS at, x.ffqn, x.first_scheduled_at AS due_at,
           CASE e.variant WHEN 'finished' THEN x.result_kind END AS kind,
           CASE e.variant WHEN 'finished' THEN (
               SELECT l.created_at FROM {_EVENT} l WHERE l.execution_id = e.execution_id AND l.variant = 'locked'
               ORDER BY l.version LIMIT 1
           ) END AS began_at
    FROM {_EVENT} e JOIN {_EXECUTION} x ON x.execution_id = e.execution_id
    WHERE e.id > %s AND e.id <= %s AND e.variant IN ('finished', 'temporarily_failed', 'temporarily_timed_out')
), lengths AS MATERIALIZED (
    SELECT id, at, ffqn, kind, at - began_at AS run, CASE WHEN began_at > due_at THEN began_at - due_at
           WHEN began_at IS NOT NULL THEN 0 END AS start FROM found
)
SELECT at / {_MINUTE_US} AS minute, ffqn, kind,
       CASE WHEN run IS NOT NULL THEN {bucket_of("run")} END AS run_bucket,
       CASE WHEN start IS NOT NULL THEN {bucket_of("start")} END AS start_bucket,
       COUNT(*), CAST(COALESCE(SUM(run), 0) AS BIGINT), CAST(COALESCE(SUM(start), 0) AS BIGINT), MAX(id)
FROM lengths GROUP BY 1, 2, 3, 4, 5
"""


def roll_up(now: datetime, *, until: int, batch: int = BATCH) -> bool:
    """Count the next events behind the cursor.

    Args:
        now: The present instant: stretches that are kept no longer by then are left out.
        until: Last row that may be counted (`executions.statistics.settled`).
        batch: Most events.

    Returns:
        Whether there is more to count.

    Raises:
        JournalUnavailable: If the database did not answer; nothing was counted then.
        DatabaseError: Likewise.
    """
    cursor, _ = RollUpCursor.objects.get_or_create(defaults={"moved_at": now})
    end = min(until, cursor.event_id + batch)
    if end <= cursor.event_id:
        _step_back(cursor, now)
        return False
    # While the cursor stays where it is nobody else writes these rows; if it does not, what is prepared is of no use.
    rows = _prepared(_count(cursor.event_id, end), now)
    with transaction.atomic():
        if not RollUpCursor.objects.filter(event_id=cursor.event_id).update(event_id=end, moved_at=now):
            return True
        RollUp.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["length_s", "start", "ffqn", "outcome"],
            update_fields=["count", "run_us", "start_us", "runs", "starts", "last_event_id"],
        )
    return end < until


def _step_back(cursor: RollUpCursor, now: datetime) -> None:
    """Put the cursor back to the end of the log when that was deleted: SQLite gives the numbers there once more."""
    newest: int | None = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
    if (newest or 0) < cursor.event_id:
        RollUpCursor.objects.filter(event_id=cursor.event_id).update(event_id=newest or 0, moved_at=now)


def _count(after: int, until: int) -> dict[Key, Tally]:
    """Return what stands in the log between two rows, by the minute."""
    with CurrentConnection().reading() as statements:
        found = statements.fetch(_COUNT, (after, until), width=_WIDTH)
    counted: dict[Key, Tally] = {}
    for minute, ffqn, kind, run, start, count, run_us, start_us, last_event_id in found:
        outcome = Outcome.RETRIED if kind is None else Outcome.of(kind)
        tally = counted.setdefault((from_micros(minute * _MINUTE_US), ffqn, outcome), Tally())
        tally.add(
            Tally(
                count=count,
                run_us=run_us,
                start_us=start_us,
                runs={} if run is None else {run: count},
                starts={} if start is None else {start: count},
                last_event_id=last_event_id,
            )
        )
    return counted


def _prepared(counted: Mapping[Key, Tally], now: datetime) -> list[RollUp]:
    """Return the rows as they will be with what was counted."""
    return [row for tier in TIERS for row in _of_tier(tier, counted, now)]


def _of_tier(tier: Tier, counted: Mapping[Key, Tally], now: datetime) -> list[RollUp]:
    tallies: dict[Key, Tally] = {}
    for (minute, ffqn, outcome), tally in counted.items():
        start = tier.start_of(minute)
        if tier.is_kept(start, now):
            tallies.setdefault((start, ffqn, outcome), Tally()).add(tally)
    length_s = int(tier.length.total_seconds())
    starts = {start for start, _, _ in tallies}
    for row in RollUp.objects.filter(length_s=length_s, start__in=starts):
        kept = tallies.get((row.start, row.ffqn, Outcome(row.outcome)))
        if kept is not None:
            kept.add(_tally_of(row))
    return [_row(length_s, key, tally) for key, tally in tallies.items()]


def stored_tally(*, count: int, run_us: int, start_us: int, runs: str, starts: str, last_event_id: int) -> Tally:
    """Return what the columns of a row count."""
    return Tally(
        count=count,
        run_us=run_us,
        start_us=start_us,
        runs=dict(orjson.loads(runs)),
        starts=dict(orjson.loads(starts)),
        last_event_id=last_event_id,
    )


def _tally_of(row: RollUp) -> Tally:
    return stored_tally(
        count=row.count,
        run_us=row.run_us,
        start_us=row.start_us,
        runs=row.runs,
        starts=row.starts,
        last_event_id=row.last_event_id,
    )


def _row(length_s: int, key: Key, tally: Tally) -> RollUp:
    start, ffqn, outcome = key
    return RollUp(
        length_s=length_s,
        start=start,
        ffqn=ffqn,
        outcome=outcome.value,
        count=tally.count,
        run_us=tally.run_us,
        start_us=tally.start_us,
        runs=_stored(tally.runs),
        starts=_stored(tally.starts),
        last_event_id=tally.last_event_id,
    )


def _stored(histogram: Mapping[int, int]) -> str:
    return orjson.dumps(sorted(histogram.items())).decode()
