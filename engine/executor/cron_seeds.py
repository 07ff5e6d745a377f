"""The seeds of schedules: made when a deployment with new ones is taken up, ended when their entries are gone.

Source:
    Obelisk reference, section 5.12. That seeds end is ours; one that comes back after that is a new execution.
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


def seed_id(digest: str, generation: int = 0) -> ExecutionId:
    """Return the id of a seed.

    Args:
        digest: Of the entry.
        generation: How many seeds of the entry were ended before.
    """
    timestamp_ms, randomness = seed_randomness(digest, generation)
    return ExecutionId(EXECUTION_PREFIX + make_ulid(timestamp_ms, randomness))


def current_seed(journal: Journal, digest: str) -> tuple[ExecutionId, bool]:
    """Return the id of an entry's present seed, and whether that exists.

    Raises:
        JournalUnavailable: If the storage did not answer.
    """
    generation = 0
    while True:
        execution_id = seed_id(digest, generation)
        try:
            state = journal.state_of(execution_id)
        except ExecutionNotFound:
            return execution_id, False
        if state.result_kind != FailureKind.CANCELLED.value:
            return execution_id, True
        generation += 1


def make_seeds(journal: Journal, registry: Registry, now: datetime) -> None:
    """Make the seeds that a deployment lacks, due at once; any number of executors may do so at once.

    Raises:
        JournalUnavailable: If the storage did not answer.
    """
    writes = []
    for cron in registry.deployment.crons:
        execution_id, exists = current_seed(journal, cron.id.digest)
        if not exists:
            writes.append(Submit(_seed(cron, execution_id, DeploymentId(registry.deployment.id), now)))
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


def _seed(cron: CronSpec, execution_id: ExecutionId, deployment_id: DeploymentId, now: datetime) -> NewExecution:
    created = Created(
        ffqn=cron.ffqn, params=JsonText("[]"), scheduled_at=now, component_id=cron.id, deployment_id=deployment_id
    )
    return NewExecution(execution_id, (LogEntry(Version(0), now, created),))


def _refuse_errors(outcomes: tuple[object, ...]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, JournalError):
            raise outcome
