"""Rehearsing a deployment: every unfinished workflow is replayed on the new components, without effects.

One after the other: replays compute, and threads of one process share an interpreter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Count, Q

from components.busy import OneAtATime
from components.models import Deployment
from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import ComponentType, LockingStrategy
from engine.errors import ExecutionNotFound
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.log.state import Lifecycle
from engine.replay.outcomes import ReplayFailed
from engine.replay.replaying import Replayer
from engine.replay.subject import load_subject
from executions.component_versions import make_replayer, registry_of
from executions.journal.journal import SqlJournal
from executions.models import Execution, ExecutionQuerySet, OperationRecord

MOST_EXECUTIONS = 10_000
"""How many executions a rehearsal looks at, as a rule."""
_PAGE = 200

_rehearsing = OneAtATime("rehearsed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """A workflow that the new components cannot go on with.

    Args:
        execution_id: Which one.
        ffqn: Its function.
        version: The recorded event at which history and code part; ``None`` if it is not about one.
        error: What is different, or what went wrong, in one sentence.
        consequence: What would become of it, in one sentence.
    """

    execution_id: ExecutionId
    ffqn: str
    version: int | None
    error: str
    consequence: str


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """What a deployment would mean for what is under way.

    Args:
        deployment_id: The deployment.
        total: How many workflows have not finished.
        compatible: How many of them follow their history on the new code.
        unchanged: How many are run by the same code as before.
        left: How many people have left on the code that they have: this deployment does not run them.
        divergences: Those that cannot go on, oldest first.
        functions_gone: How many executions wait for a function that nobody exports any more, by function.
        is_complete: False if some were left out, because there are too many or the time was over.
    """

    deployment_id: str
    total: int = 0
    compatible: int = 0
    unchanged: int = 0
    left: int = 0
    divergences: list[Divergence] = field(default_factory=list)
    functions_gone: dict[str, int] = field(default_factory=dict)
    is_complete: bool = True

    @property
    def looked_at(self) -> int:
        """How many workflows were looked at."""
        return self.compatible + self.unchanged + self.left + len(self.divergences)


def rehearse(
    deployment: Deployment,
    *,
    journal: Journal | None = None,
    most: int = MOST_EXECUTIONS,
    time_limit: timedelta | None = None,
    on_progress: Callable[[Rehearsal], None] = lambda rehearsal: None,
) -> Rehearsal:
    """Replay every unfinished workflow on the components of a stored deployment; nothing is written.

    Args:
        deployment: Any stored deployment; variables that are not set here do not matter.
        journal: Where executions stand; the calling thread's database connection by default.
        most: How many workflows to look at, oldest first.
        time_limit: How long to go on; without end by default.
        on_progress: Called after each.

    Raises:
        Busy: If another deployment is being rehearsed.
        DeploymentError: If the deployment was stored by a version that this one cannot read.
        JournalUnavailable: If the storage did not answer.
    """
    with _rehearsing():
        registry = registry_of(deployment)
        journal = journal or SqlJournal.for_current_connection()
        replayer = make_replayer(journal)
        until = None if time_limit is None else time.monotonic() + time_limit.total_seconds()
        rehearsal = Rehearsal(
            deployment_id=deployment.deployment_id,
            total=_workflows().count(),
            functions_gone=_functions_gone(registry),
        )
        for number, (execution_id, ffqn) in enumerate(_unfinished_workflows()):
            if number >= most or (until is not None and time.monotonic() > until):
                rehearsal.is_complete = False
                break
            function = registry.find(ffqn)
            if function is not None:
                _look_at(rehearsal, execution_id, function, registry, journal=journal, replayer=replayer)
            on_progress(rehearsal)
        return rehearsal


def _look_at(
    rehearsal: Rehearsal,
    execution_id: ExecutionId,
    function: DeployedFunction,
    registry: Registry,
    *,
    journal: Journal,
    replayer: Replayer,
) -> None:
    try:
        subject = load_subject(journal, execution_id)
    except ExecutionNotFound:
        return  # it ended meanwhile and is kept no longer
    if subject.state.is_finished:
        return
    digest = function.component.id.digest
    if subject.state.component_id.digest == digest:
        rehearsal.unchanged += 1
        return
    if subject.state.incompatible_digest == digest and OperationRecord.objects.exclusion_of(execution_id, digest):
        rehearsal.left += 1
        return
    outcome = replayer.replay(subject, function, registry)
    if not isinstance(outcome, ReplayFailed):
        rehearsal.compatible += 1
        return
    rehearsal.divergences.append(
        Divergence(
            execution_id=execution_id,
            ffqn=subject.state.ffqn,
            version=outcome.version,
            error=outcome.error,
            consequence=_consequence(function),
        )
    )


def _consequence(function: DeployedFunction) -> str:
    if function.component.exec.locking_strategy is LockingStrategy.BY_FFQNS:
        return "it would fail when it is run next"
    return "it would wait until a version that can go on with it is deployed"


def _workflows() -> ExecutionQuerySet:
    """Unfinished workflows that will be run again; those that are being cancelled will not."""
    unfinished = Execution.objects.unfinished().filter(component_type=ComponentType.WORKFLOW.value)
    return unfinished.exclude(lifecycle=Lifecycle.CANCELLING.value)


def _unfinished_workflows() -> Iterator[tuple[ExecutionId, str]]:
    oldest_first = page = _workflows().order_by("created_at", "execution_id")
    while rows := list(page.values_list("created_at", "execution_id", "ffqn")[:_PAGE]):
        yield from ((ExecutionId(execution_id), ffqn) for _, execution_id, ffqn in rows)
        created_at, execution_id, _ = rows[-1]
        page = oldest_first.filter(
            Q(created_at__gt=created_at) | Q(created_at=created_at, execution_id__gt=execution_id)
        )


def _functions_gone(registry: Registry) -> dict[str, int]:
    kinds = [kind.value for kind in (ComponentType.ACTIVITY, ComponentType.ACTIVITY_STUB, ComponentType.WORKFLOW)]
    waiting = Execution.objects.unfinished().filter(component_type__in=kinds)
    counts = waiting.values_list("ffqn").annotate(count=Count("execution_id")).order_by("ffqn")
    return {ffqn: count for ffqn, count in counts if registry.find(ffqn) is None}
