"""Making the log of a fork: a new execution that begins with the history of an old one.

Source:
    docs/decisions/0013-a-fork-copies-the-history.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from engine.deployment.spec import ComponentId
from engine.journal.records import Append, NewExecution, Submit, Write
from engine.log import events as e
from engine.log.ids import DELAY_PREFIX, EXECUTION_PREFIX, DelayId, DeploymentId, ExecutionId, JoinSetId, Version
from engine.log.return_values import JsonText, Returned, ReturnValue, TypedValue
from engine.log.schedules import In, scheduled_instant
from engine.replay.subject import Subject
from engine.workflow.inheritance import SEED_KEY, child_seed
from engine.workflow.join_sets import member_of
from engine.workflow.lineage import (
    ORIGIN_KEY,
    SECRET_KEYS,
    Ancestor,
    Lineage,
    lineage_metadata,
    lineage_of,
    seed_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkRequest:
    """What is wanted of a fork.

    Args:
        new_id: Its id.
        version: The last event of the old execution that it keeps.
        now: The present instant.
        component_id: The version of the component that will run it.
        deployment_id: The deployment that is part of.
        seed: What its random values come from behind the fork, 32 hex digits.
        created_of: Returns the first event of a child of the old execution.
        component_of: Returns the component that runs a function now; ``None`` if it is not deployed.
        params: Its parameters; the old one's by default.
        results: Other results of children, by the id that the child has in the old execution.
        paused: Whether it begins paused.
    """

    new_id: ExecutionId
    version: Version
    now: datetime
    component_id: ComponentId
    deployment_id: DeploymentId
    seed: str
    created_of: Callable[[ExecutionId], e.Created]
    component_of: Callable[[str], ComponentId | None]
    params: JsonText | None = None
    results: Mapping[ExecutionId, ReturnValue] = field(default_factory=dict)
    paused: bool = False


class Translation:
    """Names what belongs to one execution as if it belonged to another.

    Args:
        old: The execution.
        new: The other one.
    """

    def __init__(self, old: ExecutionId, new: ExecutionId) -> None:
        self._tail = new[len(EXECUTION_PREFIX) :]
        # Behind a child's id another digit would make it another child's.
        self._pattern = re.compile(
            rf"\b({EXECUTION_PREFIX}|{DELAY_PREFIX}){re.escape(old[len(EXECUTION_PREFIX) :])}(?![0-9A-Za-z])"
        )

    def text(self, text: str) -> str:
        """Return any text with the ids in it translated."""
        return self._pattern.sub(lambda found: found[1] + self._tail, text)

    def retval(self, retval: ReturnValue) -> ReturnValue:
        """Return a return value with the ids in it translated."""
        if not isinstance(retval, Returned) or retval.payload is None:
            return retval
        payload = TypedValue(retval.payload.type, JsonText(self.text(retval.payload.value)))
        return Returned(ok=retval.ok, payload=payload)

    def event(self, event: e.HistoryEvent, *, unfired: set[DelayId], now: datetime) -> e.HistoryEvent:
        """Return a history event of the other execution; what did not fire yet begins to wait anew."""
        match event:
            case e.ChildRequested():
                return replace(
                    event,
                    child_execution_id=ExecutionId(self.text(event.child_execution_id)),
                    params=JsonText(self.text(event.params)),
                )
            case e.DelayRequested():
                is_anew = event.delay_id in unfired and isinstance(event.schedule_at, In)
                return replace(
                    event,
                    delay_id=DelayId(self.text(event.delay_id)),
                    expires_at=scheduled_instant(event.schedule_at, now) if is_anew else event.expires_at,
                    paused=False,
                )
            case e.Stubbed():
                return replace(event, target_execution_id=ExecutionId(self.text(event.target_execution_id)))
            case _:
                return event


@dataclass(frozen=True, slots=True)
class Prefix:
    """What a fork keeps of an execution.

    Args:
        entries: Its history events, up to the fork.
        responses: The responses that these consumed, and those that had arrived by then.
    """

    entries: Sequence[e.LogEntry]
    responses: Sequence[e.Response]


def prefix_of(subject: Subject, version: int) -> Prefix:
    """Return what is kept when an execution is forked behind an event.

    An await at the very end whose response never came is left out: the fork will wait again. So is what was appended
    when the execution was cancelled.
    """
    kept: list[e.LogEntry] = []
    for entry in subject.entries[: version + 1]:
        if isinstance(entry.event, e.CancellationRequested):
            break
        if isinstance(entry.event, e.HISTORY_EVENTS):
            kept.append(entry)
    consumed: Counter[JoinSetId] = Counter()
    requested: set[str] = set()
    for entry in kept:
        match entry.event:
            case e.ChildRequested(child_execution_id=member) | e.DelayRequested(delay_id=member):
                requested.add(member)
            case e.JoinNext(join_set_id=join_set) | e.JoinNextTry(join_set_id=join_set, outcome=e.TryOutcome.FOUND):
                consumed[join_set] += 1
            case _:
                pass
    seen: Counter[JoinSetId] = Counter()
    responses = []
    for response in subject.responses:
        if member_of(response) not in requested:
            # The log of a fork has the responses that it began with before their requests.
            continue
        seen[response.join_set_id] += 1
        if response.at_version <= version or seen[response.join_set_id] <= consumed[response.join_set_id]:
            responses.append(response)
    if kept and isinstance(last := kept[-1].event, e.JoinNext) and seen[last.join_set_id] < consumed[last.join_set_id]:
        kept.pop()
    return Prefix(kept, responses)


def plan_fork(subject: Subject, prefix: Prefix, request: ForkRequest) -> list[Write]:
    """Return the writes, for one commit, by which a fork comes into being.

    Children that had responded are there from the start, finished; the others are started anew.
    """
    translation = Translation(subject.state.execution_id, request.new_id)
    entries: list[e.ExecutionEvent] = [_created(subject, prefix, request)]
    if request.paused:
        entries.append(e.Paused())
    first = tuple(e.LogEntry(Version(version), request.now, event) for version, event in enumerate(entries))
    writes: list[Write] = [Submit(NewExecution(request.new_id, first))]
    if not prefix.entries:
        return writes
    retvals = {
        response.event.child_execution_id: request.results.get(
            response.event.child_execution_id, translation.retval(response.event.retval)
        )
        for response in prefix.responses
        if isinstance(response.event, e.ChildFinished)
    }
    fired = {response.event.delay_id for response in prefix.responses if isinstance(response.event, e.DelayFinished)}
    unfired = {
        entry.event.delay_id
        for entry in prefix.entries
        if isinstance(entry.event, e.DelayRequested) and entry.event.delay_id not in fired
    }
    history = tuple(
        e.LogEntry(Version(version), request.now, translation.event(entry.event, unfired=unfired, now=request.now))
        for version, entry in enumerate(prefix.entries, len(first))
        if isinstance(entry.event, e.HISTORY_EVENTS)
    )
    created = tuple(
        _child(entry.event, retvals.get(entry.event.child_execution_id), translation, request)
        for entry in prefix.entries
        if isinstance(entry.event, e.ChildRequested) and entry.event.error is None
    )
    responses = tuple(_response(response, retvals, translation, request) for response in prefix.responses)
    writes.append(
        Append(
            execution_id=request.new_id,
            expected=Version(len(first)),
            entries=history,
            created=created,
            responses=responses,
        )
    )
    return writes


def _created(subject: Subject, prefix: Prefix, request: ForkRequest) -> e.Created:
    old = subject.created
    state = subject.state
    lineage = lineage_of(old.metadata)
    count = len(prefix.entries)
    ancestors = [] if lineage is None else [each for each in lineage.ancestors if each.until < count]
    # Where the fork cuts into a stretch of an ancestor, that is the last one.
    owner = next((each for each in (() if lineage is None else lineage.ancestors) if each.until >= count), None)
    if count:
        own = Ancestor(state.execution_id, seed_of(old.metadata, state.execution_id), count)
        ancestors.append(own if owner is None else replace(owner, until=count))
    began_at = state.created_at if lineage is None else lineage.began_at
    kept = tuple((key, value) for key, value in old.metadata if key not in SECRET_KEYS and key != ORIGIN_KEY)
    return e.Created(
        ffqn=old.ffqn,
        params=old.params if request.params is None else request.params,
        scheduled_at=request.now,
        component_id=request.component_id,
        deployment_id=request.deployment_id,
        metadata=(
            *kept,
            (ORIGIN_KEY, f"{state.execution_id}@{request.version}"),
            (SEED_KEY, request.seed),
            *(lineage_metadata(Lineage(began_at, tuple(ancestors))) if ancestors else ()),
        ),
    )


def _child(
    event: e.ChildRequested, retval: ReturnValue | None, translation: Translation, request: ForkRequest
) -> NewExecution:
    old = request.created_of(event.child_execution_id)
    child = ExecutionId(translation.text(event.child_execution_id))
    component_id = None if retval is not None else request.component_of(event.target_ffqn)
    kept = tuple((key, value) for key, value in old.metadata if key not in SECRET_KEYS and key != ORIGIN_KEY)
    created = e.Created(
        ffqn=old.ffqn,
        params=JsonText(translation.text(old.params)),
        parent=(request.new_id, event.join_set_id),
        scheduled_at=request.now,
        component_id=component_id or old.component_id,
        deployment_id=request.deployment_id,
        metadata=(*kept, (ORIGIN_KEY, event.child_execution_id), (SEED_KEY, child_seed(request.seed, child))),
    )
    entries: tuple[e.LogEntry, ...] = (e.LogEntry(Version(0), request.now, created),)
    if retval is not None:
        entries += (e.LogEntry(Version(1), request.now, e.Finished(retval=retval)),)
    return NewExecution(child, entries)


def _response(
    response: e.Response,
    retvals: Mapping[ExecutionId, ReturnValue],
    translation: Translation,
    request: ForkRequest,
) -> e.Response:
    event: e.ResponseEvent
    match response.event:
        case e.ChildFinished(child_execution_id=child):
            event = e.ChildFinished(
                child_execution_id=ExecutionId(translation.text(child)),
                finished_version=Version(1),
                retval=retvals[child],
            )
        case e.DelayFinished(delay_id=delay, cancelled=cancelled):
            event = e.DelayFinished(delay_id=DelayId(translation.text(delay)), cancelled=cancelled)
    return e.Response(
        execution_id=request.new_id,
        join_set_id=response.join_set_id,
        # An interpreter's clock goes by it.
        created_at=response.created_at,
        event=event,
    )
