"""Whether executors are alive, of one version, on one deployment, and agree about the time."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from components.models import Deployment
from components.reports import counted
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Repair, Severity
from executions.due_explanations import NOBODY_ALIVE
from executions.liveness import CONSIDERED_DEAD_AFTER, forget
from executions.models import Execution, ExecutorHeartbeat
from executions.program_version import program_version

_AHEAD: Final = timedelta(seconds=1)
"""How far a clock may be ahead; half a lock's length, by default."""
_SETTLED_AFTER: Final = timedelta(seconds=30)
"""How long after its start an executor should run what is deployed."""


def look_for_executors(examination: Examination) -> Iterator[Finding]:
    """Find that nobody is alive, processes that live and are silent, and executors that cannot work."""
    now = examination.now
    yield from _hindered(now)
    silent = ExecutorHeartbeat.objects.filter(seen_at__lt=now - CONSIDERED_DEAD_AFTER)
    if not ExecutorHeartbeat.objects.seen_since(now - CONSIDERED_DEAD_AFTER).exists():
        waits = Execution.objects.pending(now).exists()
        yield Finding(
            severity=Severity.PROBLEM if waits else Severity.WARNING,
            what=f"{NOBODY_ALIVE[0].upper()}{NOBODY_ALIVE[1:].split(';')[0]}.",
            why="Nothing that is due is run." if waits else "Nothing is due now, but nothing would be run.",
            remedy="Start one: `manage.py run_executor`.",
        )
    hung = [row.executor_id for row in silent if row.host == socket.gethostname() and _is_process(row.pid)]
    if hung:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(hung), 'executor')} of this machine silent, though the process is there.",
            why="It is stopped, or hangs; its locks expire, and others take over, but its slots are lost.",
            remedy="Look at the process (its id is on the console's page of executors), continue or kill it.",
            examples=tuple(hung[:MOST_EXAMPLES]),
        )
    gone = [row.executor_id for row in silent if row.executor_id not in hung]
    if gone:
        yield Finding(
            severity=Severity.NOTE,
            what=f"{counted(len(gone), 'executor')} on the list that died without a word.",
            why="What they held is taken over when the locks expire; the entries go after a day.",
            remedy="Have those forgotten that hold nothing any more (`--fix`).",
            examples=tuple(gone[:MOST_EXAMPLES]),
            repair=Repair(
                what="forget those that hold nothing",
                run=lambda _actor: sum(forget(each, now) is not None for each in gone),
            ),
        )


def _hindered(now: datetime) -> Iterator[Finding]:
    alike: dict[str, list[str]] = {}
    alive = ExecutorHeartbeat.objects.seen_since(now - CONSIDERED_DEAD_AFTER)
    for row in alive.exclude(note="").order_by("executor_id"):
        alike.setdefault(row.note, []).append(row.executor_id)
    for note, ids in alike.items():
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(ids), 'executor')} alive that cannot work: {note}.",
            why="They take nothing that is due, and what they hold they cannot go on with.",
            remedy="Do what the sentence says; a database without room needs some, docs/retention.md says how.",
            examples=tuple(ids[:MOST_EXAMPLES]),
        )


def look_for_versions(examination: Examination) -> Iterator[Finding]:
    """Find executors of another version of the program, or that have not taken up the active deployment."""
    alive = list(ExecutorHeartbeat.objects.seen_since(examination.now - CONSIDERED_DEAD_AFTER))
    others = [row for row in alive if row.version != program_version()]
    if others:
        versions = ", ".join(sorted({row.version or "of a version that does not say so" for row in others}))
        yield Finding(
            severity=Severity.WARNING,
            what=f"{counted(len(others), 'executor')} of another version, {versions}; this one is {program_version()}.",
            why="Versions may share a database during an upgrade; for longer, one does not have what the other has.",
            remedy="Finish the upgrade: restart these executors from the new version.",
            examples=tuple(row.executor_id for row in others[:MOST_EXAMPLES]),
        )
    active = Deployment.objects.active().first()
    behind = [
        row.executor_id
        for row in alive
        if active is not None
        and row.deployment_id != active.deployment_id
        and max(row.started_at, active.last_active_at or row.started_at) < examination.now - _SETTLED_AFTER
    ]
    if active is not None and behind:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(behind), 'executor')} without the deployment {active.deployment_id}, which is active.",
            why="They run what was deployed before, or nothing.",
            remedy="Their logs say why (executor.deployment_unusable); often an environment variable is missing there.",
            examples=tuple(behind[:MOST_EXAMPLES]),
        )


def look_for_clocks(examination: Examination) -> Iterator[Finding]:
    """Find executors whose clock is ahead of this machine's."""
    if connection.vendor == "postgresql":
        yield from _database_clock()
    ahead = ExecutorHeartbeat.objects.seen_since(examination.now + _AHEAD)
    for row in ahead:
        seconds = (row.seen_at - examination.now).total_seconds()
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"The clock of {row.host} is {seconds:.1f} s ahead of this machine's.",
            why="Locks expire and delays fire by executors' clocks: one that is ahead takes over what others run.",
            remedy="Have all machines set their clocks by NTP.",
            examples=(row.executor_id,),
        )


def _database_clock() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    seconds = (there - timezone.now()).total_seconds()
    if abs(seconds) > _AHEAD.total_seconds():
        yield Finding(
            severity=Severity.WARNING,
            what=f"The clock of the database's machine differs from this one's by {seconds:+.1f} s.",
            why="The engine goes by the executors' clocks, but one of the machines is wrong, and may be an executor's.",
            remedy="Have all machines set their clocks by NTP.",
        )


def _is_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
