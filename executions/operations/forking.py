"""Forking: a new execution that begins with the history of an old one, from any of its events.

Source:
    docs/decisions/0013-a-fork-copies-the-history.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import ComponentId
from engine.errors import ExecutionNotFound, JournalError
from engine.journal.memory import MemoryJournal
from engine.journal.protocol import Journal
from engine.journal.records import Write
from engine.log.events import ChildFinished, ChildRequested, Created, GeneratedExecutionId, Persist, Scheduled
from engine.log.ids import EXECUTION_PREFIX, DeploymentId, ExecutionId, Version, make_execution_id, make_ulid
from engine.log.return_values import ReturnValue
from engine.replay.forking import ForkRequest, Prefix, Translation, plan_fork, prefix_of
from engine.replay.outcomes import ReplayFailed, ReplayOutcome
from engine.replay.recorded_answers import RecordedAnswers
from engine.replay.subject import Subject, load_subject
from executions.component_versions import deployed_version, make_replayer
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.operations.answering import read_result
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import check_is_workflow
from executions.operations.submitting import check_params


class ForkRefused(OperationRefused):
    """No such fork is possible; says why in one sentence.

    Args:
        version: The event of the old execution at which the fork would not follow its history; ``None`` if it is not
            about one.
    """

    def __init__(self, sentence: str, *, version: Version | None = None) -> None:
        super().__init__(sentence)
        self.version = version


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """What is to be different in a fork.

    Args:
        params: JSON array of its parameters; the old ones by default.
        results: Other results of children whose result the fork keeps: JSON data such as ``{"ok": 1}``, by the child's
            id in the old execution.
        digest: The version of its component, which must be deployed; the deployed one by default.
    """

    params: object = None
    results: Mapping[str, object] | None = None
    digest: str | None = None


NO_EDITS = Edits()


def fork(
    execution_id: ExecutionId,
    version: int,
    *,
    edits: Edits = NO_EDITS,
    paused: bool = False,
    journal: Journal | None = None,
) -> ExecutionId:
    """Start a new execution that has the old one's history up to an event, and goes on from there by itself.

    Children that had responded by then count as finished with the same results, delays that had fired as fired; what
    was still open is started anew. Random values are those of the old one up to the fork, and others behind it. With
    the surrounding transaction, if there is one.

    Args:
        execution_id: The old one, finished or not; it is not changed.
        version: The last of its events that is kept; 0 keeps none but its parameters.
        edits: What is to be different.
        paused: Whether it waits for `executions.operations.pausing.unpause`.
        journal: Where it stands; the calling thread's database connection by default.

    Returns:
        Its id.

    Raises:
        ForkRefused: If there is no such event or child, or the workflow with these edits does not follow the history.
        CallRefused: If edited parameters do not fit.
        AnswerRefused: If an edited result does not fit.
        NoWorkflow: If it is an activity.
        VersionMissing: If the function is not deployed, or not in the wanted version.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    plan = _plan(journal, execution_id, version, edits, paused=paused)
    outcome = plan.replay()
    if isinstance(outcome, ReplayFailed) and outcome.version is not None:
        raise plan.refusal(outcome)
    for committed in journal.commit(plan.writes, now=plan.request.now).outcomes:
        if isinstance(committed, JournalError):
            raise committed
    return plan.request.new_id


def try_fork(
    execution_id: ExecutionId, version: int, *, edits: Edits = NO_EDITS, journal: Journal | None = None
) -> ReplayOutcome:
    """Tell what a fork would do, without effects: its calls are answered with the old execution's recorded results.

    It goes on until it ends, or waits for what was not called in this way then.

    Args:
        execution_id: As for `fork`.
        version: As for `fork`.
        edits: As for `fork`.
        journal: As for `fork`.

    Raises:
        OperationRefused: As for `fork`, but a workflow that does not follow the history is an outcome.
    """
    journal = journal or SqlJournal.for_current_connection()
    plan = _plan(journal, execution_id, version, edits, paused=False)
    return plan.replay(with_answers=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A fork that is possible as far as can be told without running it."""

    subject: Subject
    prefix: Prefix
    request: ForkRequest
    function: DeployedFunction
    registry: Registry
    writes: Sequence[Write]

    def replay(self, *, with_answers: bool = False) -> ReplayOutcome:
        """Run the fork in a journal of its own, where nobody sees it."""
        scratch = MemoryJournal()
        scratch.commit(self.writes, now=self.request.now)
        answers = None
        if with_answers:
            translation = Translation(self.subject.state.execution_id, self.request.new_id)
            answers = RecordedAnswers(self.subject, translation)
        fork = load_subject(scratch, self.request.new_id)
        replayer = make_replayer(scratch)
        # What is only tried is shown to people.
        return replayer.replay(fork, self.function, self.registry, answers=answers, is_traced=with_answers)

    def refusal(self, failure: ReplayFailed) -> ForkRefused:
        """Return the refusal of a fork that does not follow its history."""
        old = self.subject.state.execution_id
        assert failure.version is not None
        # The history stands at the end of the fork's log.
        behind = self.fork_length - failure.version
        version = self.prefix.entries[-behind].version
        return ForkRefused(
            f"the fork parts with the history of {old} at event {version}: {failure.error}", version=version
        )

    @property
    def fork_length(self) -> int:
        """How many events the fork begins with."""
        return len(self.prefix.entries) + (2 if self.request.paused else 1)


def _plan(journal: Journal, execution_id: ExecutionId, version: int, edits: Edits, *, paused: bool) -> _Plan:
    subject = load_subject(journal, execution_id)
    state = subject.state
    check_is_workflow(state)
    if not 0 <= version < len(subject.entries):
        raise ForkRefused(f"{execution_id} has the events 0 to {len(subject.entries) - 1}, not {version}")
    registry = deployed_registry()
    deployed = registry.find(state.ffqn)
    digest = edits.digest or ("" if deployed is None else deployed.component.id.digest)
    function, registry = deployed_version(state.ffqn, digest)
    prefix = prefix_of(subject, version)
    _check_generated_ids(journal, prefix)
    now = timezone.now()
    request = ForkRequest(
        new_id=make_execution_id(now, os.urandom(10)),
        version=Version(version),
        now=now,
        component_id=function.component.id,
        deployment_id=DeploymentId(registry.deployment.id),
        seed=os.urandom(16).hex(),
        created_of=lambda child: _created_of(journal, child),
        component_of=lambda ffqn: _component_of(registry, ffqn),
        params=None if edits.params is None else check_params(function, edits.params),
        results=_edited_results(registry, prefix, edits.results or {}),
        paused=paused,
    )
    return _Plan(
        subject=subject,
        prefix=prefix,
        request=request,
        function=function,
        registry=registry,
        writes=plan_fork(subject, prefix, request),
    )


def _check_generated_ids(journal: Journal, prefix: Prefix) -> None:
    """Refuse a fork between the making of an id and its use, which would be a second time."""
    used = {entry.event.execution_id for entry in prefix.entries if isinstance(entry.event, Scheduled)}
    for entry in prefix.entries:
        event = entry.event
        if not isinstance(event, Persist) or not isinstance(event.kind, GeneratedExecutionId):
            continue
        generated = ExecutionId(
            f"{EXECUTION_PREFIX}{make_ulid(int.from_bytes(event.value[:6], 'big'), event.value[6:])}"
        )
        if generated not in used and _exists(journal, generated):
            raise ForkRefused(
                f"event {entry.version} made the id {generated}, under which an execution was started later; "
                f"fork from event {entry.version - 1} or earlier, or from where it was started on",
                version=entry.version,
            )


def _exists(journal: Journal, execution_id: ExecutionId) -> bool:
    try:
        journal.state_of(execution_id)
    except ExecutionNotFound:
        return False
    return True


def _created_of(journal: Journal, child: ExecutionId) -> Created:
    entries = journal.load_log(child)
    first = entries[0].event if entries else None
    if not isinstance(first, Created):
        raise ForkRefused(f"the child {child} is not stored any more; fork from an event before it was requested")
    return first


def _component_of(registry: Registry, ffqn: str) -> ComponentId | None:
    function = registry.find(ffqn)
    return None if function is None else function.component.id


def _edited_results(
    registry: Registry, prefix: Prefix, results: Mapping[str, object]
) -> dict[ExecutionId, ReturnValue]:
    """Check edited results against the functions' types."""
    kept = {
        entry.event.child_execution_id: entry.event.target_ffqn
        for entry in prefix.entries
        if isinstance(entry.event, ChildRequested)
    }
    responded = {
        response.event.child_execution_id for response in prefix.responses if isinstance(response.event, ChildFinished)
    }
    edited: dict[ExecutionId, ReturnValue] = {}
    for child, result in results.items():
        child_id = ExecutionId(child)
        if child_id not in responded or child_id not in kept:
            raise ForkRefused(f"{child} is no child whose result the fork would keep")
        function = registry.find(kept[child_id])
        if function is None:
            raise ForkRefused(f"{child} is a call of {kept[child_id]}, which is not deployed any more")
        edited[child_id] = read_result(function, result)
    return edited
