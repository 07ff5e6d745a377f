"""What people and clients do with schedules: see them, start what they start, pause them, leave a tick out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from engine.deployment.spec import CronSpec
from engine.errors import DeploymentError
from engine.executor.cron_seeds import TICK, current_seed
from engine.journal.protocol import Journal
from engine.log.events import ExecutionEvent, Unlocked
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState, Lifecycle, Status
from engine.wit.json_values import load_json
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.operations.appending import append_decided
from executions.operations.pausing import pause, unpause
from executions.operations.refusals import OperationRefused
from executions.operations.submitting import Submitted, submit

CRON_LABEL = "cron"
"""Label of executions that were started out of turn: the name of their schedule."""


class CronNotFound(DeploymentError):
    """The active deployment starts nothing of this name by the clock."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule and where it stands.

    Args:
        spec: What it starts, and when.
        seed: The execution that does so.
        state: That one's state; ``None`` as long as no executor has taken the deployment up.
    """

    spec: CronSpec
    seed: ExecutionId
    state: ExecutionState | None

    @property
    def is_paused(self) -> bool:
        """Whether it waits for somebody to let it go on."""
        return self.state is not None and self.state.lifecycle is Lifecycle.PAUSED

    @property
    def next_at(self) -> datetime | None:
        """When it is due next; ``None`` if never, or not known now."""
        state = self.state
        return state.due_at if state is not None and state.status is Status.PENDING_AT else None


def list_crons(*, journal: Journal | None = None) -> list[Cron]:
    """Return the schedules of the active deployment, in its order.

    Raises:
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    return [_standing(spec, journal) for spec in deployed_registry().deployment.crons]


def find_cron(name: str, *, journal: Journal | None = None) -> Cron:
    """Return one schedule of the active deployment.

    Raises:
        CronNotFound: If there is none of this name.
        JournalUnavailable: If the storage did not answer.
    """
    return _standing(_find(name), journal or SqlJournal.for_current_connection())


def trigger(name: str, *, execution_id: str | None = None, journal: Journal | None = None) -> Submitted:
    """Start what a schedule starts, now and besides; its ticks stay where they are.

    Args:
        name: Which one.
        execution_id: Id chosen by the caller, who may then safely ask again; a fresh one by default.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        CronNotFound: If there is none of this name.
        CallRefused: If it cannot be started.
        JournalUnavailable: If the storage did not answer.
    """
    spec = _find(name)
    params, labels = load_json(spec.params), {CRON_LABEL: name}
    return submit(str(spec.target), params, execution_id=execution_id, labels=labels, journal=journal)


def pause_cron(name: str, *, journal: Journal | None = None) -> None:
    """Keep a schedule from starting anything; what becomes of the ticks meanwhile, its ``missed`` says.

    Raises:
        CronNotFound: If there is none of this name.
        OperationRefused: If it is paused already, or over.
        ExecutionNotFound: If no executor has taken the deployment up yet.
        JournalUnavailable: If the storage did not answer.
    """
    pause(seed_of(name, journal), journal=journal)


def unpause_cron(name: str, *, journal: Journal | None = None) -> None:
    """Let a paused schedule go on; raises as `pause_cron` does."""
    unpause(seed_of(name, journal), journal=journal)


def skip_tick(name: str, *, tick: datetime | None = None, journal: Journal | None = None) -> None:
    """Leave the next tick out: nothing is started for it, and it does not count as missed.

    It is an event in the seed's log as a tick is, so no executor needs to be told.

    Args:
        name: Which schedule.
        tick: The instant of the tick that is meant, so that asking twice leaves out one; by default whatever is next.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        CronNotFound: If there is none of this name.
        OperationRefused: If the tick is not that one any more, due by now or the last one, or the schedule is paused.
        ExecutionNotFound: If no executor has taken the deployment up yet.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    spec = _find(name)

    def decide(state: ExecutionState, now: datetime) -> tuple[ExecutionEvent, ...]:
        return _skipping(spec, state, now, tick)

    append_decided(journal, current_seed(journal, spec)[0], decide)


def seed_of(name: str, journal: Journal | None = None) -> ExecutionId:
    """Return the execution that starts what a schedule starts; there may be none of that id yet.

    Raises:
        CronNotFound: If there is no schedule of this name.
        JournalUnavailable: If the storage did not answer.
    """
    return current_seed(journal or SqlJournal.for_current_connection(), _find(name))[0]


def _find(name: str) -> CronSpec:
    crons = deployed_registry().deployment.crons
    for cron in crons:
        if cron.id.name == name:
            return cron
    known = f"; there are {', '.join(cron.id.name for cron in crons)}" if crons else ""
    raise CronNotFound(f"nothing named {name} is started by the clock{known}")


def _standing(spec: CronSpec, journal: Journal) -> Cron:
    seed, exists = current_seed(journal, spec)
    return Cron(spec, seed, journal.state_of(seed) if exists else None)


def _skipping(
    spec: CronSpec, state: ExecutionState, now: datetime, tick: datetime | None
) -> tuple[ExecutionEvent, ...]:
    name = spec.id.name
    if state.is_finished:
        raise OperationRefused(f"cannot skip a tick of {name}: it has none any more")
    if state.lifecycle is not Lifecycle.ACTIVE:
        raise OperationRefused(f"cannot skip a tick of {name}: it is paused, and starts nothing until it goes on")
    if state.status is not Status.PENDING_AT or state.due_at <= now:
        raise OperationRefused(f"cannot skip the tick of {name}: it is due by now")
    if tick is not None and tick != state.due_at:
        raise OperationRefused(
            f"cannot skip the tick of {name} at {_utc(tick)}: the next one is at {_utc(state.due_at)}"
        )
    following = spec.schedule.next_after(state.due_at)
    if following is None:
        raise OperationRefused(f"cannot skip the tick of {name}: no other comes behind it; pause it instead")
    return (Unlocked(backoff_expires_at=following, reason=f"{TICK}: the tick at {_utc(state.due_at)} is left out"),)


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
