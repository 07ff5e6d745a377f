"""What people and clients do with schedules: see them, start what they start, pause them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.deployment.spec import CronSpec
from engine.errors import DeploymentError
from engine.executor.cron_seeds import current_seed
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState, Lifecycle, Status
from engine.wit.json_values import load_json
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.operations.pausing import pause, unpause
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
    crons = []
    for spec in deployed_registry().deployment.crons:
        seed, exists = current_seed(journal, spec)
        crons.append(Cron(spec, seed, journal.state_of(seed) if exists else None))
    return crons


def trigger(name: str, *, journal: Journal | None = None) -> Submitted:
    """Start what a schedule starts, now and besides; its ticks stay where they are.

    Raises:
        CronNotFound: If there is none of this name.
        CallRefused: If it cannot be started.
        JournalUnavailable: If the storage did not answer.
    """
    spec = _find(name)
    return submit(str(spec.target), load_json(spec.params), labels={CRON_LABEL: name}, journal=journal)


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
