"""Executors as pages show them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F

from components.models import Deployment
from console.executors.versions import version_mark
from engine.deployment.spec import ComponentType
from executions.instants import to_micros
from executions.liveness import CONSIDERED_DEAD_AFTER
from executions.models import Event, Execution, ExecutorHeartbeat
from executions.program_version import program_version

MOST_LOCKS: Final = 500
"""How many locks are looked at, of all executors together; they are not more than all slots, as a rule."""


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock.

    Args:
        row: The execution.
        since: When the run that holds it began; ``None`` if that is not known.
    """

    row: Execution
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExecutor:
    """An executor.

    Args:
        executor_id: Its id.
        beat: Its last sign of life; ``None`` if there is none any more, but locks of it.
        is_silent: Whether it counts as dead.
        version_mark: How its version of the program stands to that of this process; empty if it is the same.
        is_other_deployment: Whether it runs something else than what is active.
        locks: What it holds, the lock that it has held longest first.
    """

    executor_id: str
    beat: ExecutorHeartbeat | None
    is_silent: bool
    version_mark: str
    is_other_deployment: bool
    locks: tuple[HeldLock, ...]

    @property
    def oldest(self) -> datetime | None:
        """Since when it has held the lock that it has held longest."""
        return next((lock.since for lock in self.locks if lock.since is not None), None)

    @property
    def taken_over_at(self) -> datetime | None:
        """When the last of its locks expires if it does not renew them, so that others take over."""
        return max((lock.row.due_at for lock in self.locks), default=None)

    @property
    def may_be_forgotten(self) -> bool:
        """Whether nobody would miss it: it is silent, and holds nothing that others have to take over."""
        return self.is_silent and self.beat is not None and not self.locks

    @property
    def fingerprint(self) -> int:
        """Differs when what is shown of it does."""
        beat = self.beat and (to_micros(self.beat.seen_at), self.beat.deployment_id)
        locks = [(lock.row.pk, lock.row.next_version) for lock in self.locks]
        return zlib.crc32(repr((beat, self.is_silent, self.is_other_deployment, locks)).encode())


def shown_executors(now: datetime) -> list[ShownExecutor]:
    """Return all executors that are known, those that live first; with a few queries, however many they are."""
    beats = {beat.pk: beat for beat in ExecutorHeartbeat.objects.all()}
    locks = _locks_by_holder()
    active = Deployment.objects.active().values_list("pk", flat=True).first()
    shown = []
    for executor_id in sorted({*beats, *locks}):
        beat = beats.get(executor_id)
        shown.append(
            ShownExecutor(
                executor_id=executor_id,
                beat=beat,
                is_silent=beat is None or beat.seen_at < now - CONSIDERED_DEAD_AFTER,
                version_mark="" if beat is None else version_mark(beat.version, program_version()),
                is_other_deployment=beat is not None and beat.deployment_id != active,
                locks=tuple(locks.get(executor_id, ())),
            )
        )
    return sorted(shown, key=lambda each: (each.is_silent, each.beat.host if each.beat else "", each.executor_id))


def count_silent(now: datetime) -> int:
    """Return how many executors gave no sign of life lately, and did not say goodbye."""
    return ExecutorHeartbeat.objects.filter(seen_at__lt=now - CONSIDERED_DEAD_AFTER).count()


def _locks_by_holder() -> dict[str, list[HeldLock]]:
    # Requests to webhook endpoints are held by web processes.
    rows = list(Execution.objects.locked().exclude(component_type=ComponentType.WEBHOOK_ENDPOINT.value)[:MOST_LOCKS])
    since = _begun(rows)
    locks: dict[str, list[HeldLock]] = {}
    for row in sorted(rows, key=lambda each: since.get(each.pk, each.due_at)):
        locks.setdefault(row.executor_id or "", []).append(HeldLock(row, since.get(row.pk)))
    return locks


def _begun(rows: Sequence[Execution]) -> dict[str, datetime]:
    """Return when the runs that hold these executions began, by their ids."""
    ids = [row.pk for row in rows]
    locking = Event.objects.filter(execution_id__in=ids, version=F("execution__last_lock_version"))
    return dict(locking.values_list("execution_id", "created_at"))
