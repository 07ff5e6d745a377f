"""The seeds of schedules: made when a deployment with new ones is taken up, ended when their entries are gone.

The seeds of one entry form a chain: each one's id follows from that of the one before, so any number of executors that
make the next one make the same. Only the last one counts; those before it have handed over, or were ended.

Source:
    Obelisk reference, section 5.12. That seeds end is ours.
"""

from __future__ import annotations

from datetime import datetime

from engine.cron.seeds import seed_randomness
from engine.deployment.registry import Registry
from engine.deployment.spec import CronSpec
from engine.errors import AlreadyFinished, ExecutionNotFound, JournalError, VersionConflict
from engine.executor.ends import end_of
from engine.journal.protocol import Journal
from engine.journal.records import NewExecution, Submit
from engine.log.events import Created, LogEntry
from engine.log.ids import EXECUTION_PREFIX, DeploymentId, ExecutionId, Version, make_ulid
from engine.log.return_values import CANCELLED, FailureKind, JsonText
from engine.log.state import ExecutionState

TICK = "cron"
"""Begins the reason of an ``unlocked`` event that names the instant of the next tick."""
STARTED_KEY = "obelisk-cron-started"
"""Metadata of a seed: what the one before it had started last."""


def first_seed(digest: str) -> ExecutionId:
    """Return the id of an entry's first seed.

    Args:
        digest: The entry's.
    """
    return _seed_id(digest)


def next_seed(seed: ExecutionId) -> ExecutionId:
    """Return the id of the seed that comes after one that handed over, or was ended."""
    return _seed_id(seed)


def current_seed(journal: Journal, cron: CronSpec) -> tuple[ExecutionId, bool]:
    """Return the id of an entry's present seed, and whether that exists.

    Raises:
        JournalUnavailable: If the storage did not answer.
    """
    seed = journal.newest_call(cron.ffqn, cron.id.digest)
    if seed is None:
        return first_seed(cron.id.digest), False
    # Those of one instant, or of a clock that was put back, are told apart by who follows whom.
    while (following := _find(journal, next_seed(seed.execution_id))) is not None:
        seed = following
    if seed.result_kind == FailureKind.CANCELLED.value:
        return next_seed(seed.execution_id), False
    return seed.execution_id, True


def make_seed(
    cron: CronSpec,
    execution_id: ExecutionId,
    deployment_id: DeploymentId,
    *,
    now: datetime,
    first_tick: datetime,
    scheduled_by: ExecutionId | None = None,
    metadata: tuple[tuple[str, str], ...] = (),
) -> NewExecution:
    """Return a seed that does not exist yet.

    Args:
        cron: Its entry.
        execution_id: Its id.
        deployment_id: What is deployed.
        now: The present instant.
        first_tick: When it is due first.
        scheduled_by: The seed that hands over to it.
        metadata: What that one tells it.
    """
    created = Created(
        ffqn=cron.ffqn,
        params=JsonText("[]"),
        scheduled_at=first_tick,
        component_id=cron.id,
        deployment_id=deployment_id,
        metadata=metadata,
        scheduled_by=scheduled_by,
    )
    return NewExecution(execution_id, (LogEntry(Version(0), now, created),))


def started_before(created: Created) -> ExecutionId | None:
    """Return what the seed before this one had started last; ``None`` if there is no such seed, or it started nothing.

    Args:
        created: How this one begins.
    """
    last = dict(created.metadata).get(STARTED_KEY)
    return None if last is None else ExecutionId(last)


def make_seeds(journal: Journal, registry: Registry, now: datetime) -> None:
    """Make the seeds that a deployment lacks, due at once; any number of executors may do so at once.

    Raises:
        JournalUnavailable: If the storage did not answer.
    """
    writes = []
    for cron in registry.deployment.crons:
        execution_id, exists = current_seed(journal, cron)
        if not exists:
            seed = make_seed(cron, execution_id, DeploymentId(registry.deployment.id), now=now, first_tick=now)
            writes.append(Submit(seed))
    if writes:
        _refuse_errors(journal.commit(writes, now=now).outcomes)


def retire_seed(journal: Journal, execution_id: ExecutionId, now: datetime) -> None:
    """End a seed whose entry is not deployed any more, as cancelled; whoever is doing a tick of it is refused.

    Raises:
        JournalUnavailable: If the storage did not answer.
    """
    while not (state := journal.state_of(execution_id)).is_finished:
        (outcome,) = journal.commit([end_of(state, CANCELLED, now)], now=now).outcomes
        if isinstance(outcome, VersionConflict | AlreadyFinished):
            # A tick came first: look again.
            continue
        _refuse_errors((outcome,))


def _seed_id(origin: str) -> ExecutionId:
    timestamp_ms, randomness = seed_randomness(origin)
    return ExecutionId(EXECUTION_PREFIX + make_ulid(timestamp_ms, randomness))


def _find(journal: Journal, execution_id: ExecutionId) -> ExecutionState | None:
    try:
        return journal.state_of(execution_id)
    except ExecutionNotFound:
        return None


def _refuse_errors(outcomes: tuple[object, ...]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, JournalError):
            raise outcome
