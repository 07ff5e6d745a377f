"""Starting executions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from components.operator import operator_limits
from engine.deployment.limits import size_problem
from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import Runner
from engine.errors import ConstraintViolation, EngineError, JournalError, NameSyntaxError, ValueMismatch
from engine.host.moments import read_schedule
from engine.journal.protocol import Journal
from engine.journal.records import NewExecution, Submit
from engine.log.events import Created, LogEntry, Metadata, Paused
from engine.log.ids import DeploymentId, ExecutionId, Version, make_execution_id, parse_top_level_id
from engine.log.labels import label_metadata
from engine.log.return_values import JsonText
from engine.log.schedules import scheduled_instant
from engine.log.tracing import trace_metadata
from engine.wit.extensions import primary_of
from engine.wit.json_values import dump_json, read_value
from engine.wit.names import FunctionName
from engine.wit.obelisk_types import SCHEDULE_AT
from engine.workflow.inheritance import SEED_KEY
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal

ABBREVIATION = ".../"
"""How a function name may begin in place of namespace and package."""


class CallRefused(EngineError):
    """A call that cannot be submitted; says why in one sentence."""


class FunctionNotDeployed(CallRefused):
    """No deployed function has that name."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function to start.

    Args:
        function: Its name, in full or abbreviated.
        params: JSON array of its parameters.
        execution_id: Id chosen by the caller; a fresh one by default.
        paused: Whether it waits for `executions.operations.pausing.unpause` before it is first run.
        labels: Values by name, to find it by.
        traceparent: The trace that it belongs to, as in W3C's header of that name; one of its own by default, and where
            this is no such header.
    """

    function: str
    params: object
    execution_id: str | None = None
    paused: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """An execution that exists now.

    Args:
        execution_id: Its id.
        ffqn: The function's full name.
        is_new: False if the same call had been submitted under this id before.
    """

    execution_id: ExecutionId
    ffqn: str
    is_new: bool


def find_function(name: str, registry: Registry | None = None) -> DeployedFunction:
    """Return a deployed function by its full name, or by ``.../interface.function`` if only one fits.

    Raises:
        FunctionNotDeployed: If there is none.
        CallRefused: If there is more than one.
    """
    registry = registry or deployed_registry()
    if not name.startswith(ABBREVIATION):
        function = registry.find(name)
        if function is None:
            raise FunctionNotDeployed(registry.explain_missing(name))
        return function
    tail = "/" + name.removeprefix(ABBREVIATION)
    fitting = [function for function in registry.all_functions() if str(function.name).endswith(tail)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise FunctionNotDeployed(f"no deployed function ends in {tail}")
    raise CallRefused(f"{name} may be {' or '.join(str(function.name) for function in fitting)}; name it in full")


def submit(
    name: str,
    params: object,
    *,
    execution_id: str | None = None,
    paused: bool = False,
    labels: Mapping[str, str] | None = None,
    traceparent: str | None = None,
    journal: Journal | None = None,
) -> Submitted:
    """Start an execution.

    It becomes visible with the surrounding transaction, if there is one.

    Args:
        name: Function, in full or abbreviated.
        params: JSON array of its parameters.
        execution_id: Id chosen by the caller, who may then safely submit again; a fresh one by default.
        paused: Whether it waits for `executions.operations.pausing.unpause` before it is first run.
        labels: Values by name, to find it by.
        traceparent: The trace that it belongs to; see `Call`.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        CallRefused: If the function, the parameters or a label are wrong, or the id does not parse.
        ExecutionExists: If the id is taken by another call.
        JournalUnavailable: If the storage did not answer.
    """
    (submitted,) = submit_all([Call(name, params, execution_id, paused, labels or {}, traceparent)], journal=journal)
    return submitted


def submit_all(calls: Sequence[Call], *, journal: Journal | None = None) -> list[Submitted]:
    """Start executions, all in one transaction.

    Args:
        calls: What to start.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        CallRefused: If a function, parameters or an id are wrong; nothing is started then.
        ExecutionExists: If an id is taken by another call; the others are started.
        JournalUnavailable: If the storage did not answer.
    """
    registry = deployed_registry()
    now = timezone.now()
    writes = [Submit(_new_execution(call, registry, now)) for call in calls]
    report = (journal or SqlJournal.for_current_connection()).commit(writes, now=now)
    submitted = []
    for write, outcome in zip(writes, report.outcomes, strict=True):
        if isinstance(outcome, JournalError):
            raise outcome
        created = write.execution.entries[0].event
        assert isinstance(created, Created)
        submitted.append(Submitted(execution_id=write.execution.execution_id, ffqn=created.ffqn, is_new=outcome.is_new))
    return submitted


def _new_execution(call: Call, registry: Registry, now: datetime) -> NewExecution:
    function, params, scheduled_at = _read_call(call, registry, now)
    if not function.is_submittable:
        raise CallRefused(f"{function.name} is a stub: only a workflow that waits for it can start it")
    created = Created(
        ffqn=str(function.name),
        params=check_params(function, params),
        scheduled_at=scheduled_at,
        component_id=function.component.id,
        deployment_id=DeploymentId(registry.deployment.id),
        metadata=_metadata(function, call.labels) + trace_metadata(call.traceparent),
    )
    new_id = make_execution_id(now, os.urandom(10)) if call.execution_id is None else _check_id(call.execution_id)
    entries: tuple[LogEntry, ...] = (LogEntry(Version(0), now, created),)
    if call.paused:
        entries += (LogEntry(Version(1), now, Paused()),)
    return NewExecution(new_id, entries)


def _metadata(function: DeployedFunction, labels: Mapping[str, str]) -> Metadata:
    """Return labels, and the secret seed of what an interpreter runs; others ask the engine for random numbers."""
    seed: Metadata = ((SEED_KEY, os.urandom(16).hex()),) if function.component.runner is Runner.SOURCE else ()
    try:
        return seed + label_metadata(labels) if labels else seed
    except ValueMismatch as error:
        raise CallRefused(str(error)) from error


def _read_call(call: Call, registry: Registry, now: datetime) -> tuple[DeployedFunction, object, datetime]:
    """Return what to call, with what, and when; ``f-schedule`` means ``f``, with the time as first parameter."""
    target = _scheduled_target(call.function)
    if target is None:
        return find_function(call.function, registry), call.params, now
    function = find_function(target, registry)
    params = call.params
    if not isinstance(params, Sequence) or isinstance(params, str | bytes) or not params:
        raise CallRefused(f'{call.function}: the first parameter must be the time, such as "now"')
    try:
        schedule = read_schedule(read_value(SCHEDULE_AT, params[0], path="params[0]"))
        return function, list(params[1:]), scheduled_instant(schedule, now)
    except (ValueMismatch, ConstraintViolation, OverflowError) as error:
        raise CallRefused(f"{call.function}: {error}") from error


def _scheduled_target(name: str) -> str | None:
    """Return the function that a ``-schedule`` companion starts; ``None`` if the name is none of one."""
    if name.startswith(ABBREVIATION):
        return None
    try:
        companion = primary_of(FunctionName.parse(name))
    except NameSyntaxError:
        return None
    return str(companion[1]) if companion is not None and companion[0] == "schedule" else None


def check_params(function: DeployedFunction, params: object) -> JsonText:
    """Return the parameters of a call as they are stored.

    Raises:
        CallRefused: If they do not fit the function, or are too large.
    """
    if not isinstance(params, Sequence) or isinstance(params, str | bytes):
        raise CallRefused(f"{function.name}: the parameters must be a JSON array, such as {_example(function)}")
    try:
        text = JsonText(dump_json(function.read_params(list(params))))
    except ValueMismatch as error:
        raise CallRefused(f"{function.name}: {error}") from error
    most = operator_limits().lowered(function.component.limits).params_bytes
    if problem := size_problem("params_bytes", text, most):
        raise CallRefused(f"{function.name}: {problem}")
    return text


def _example(function: DeployedFunction) -> str:
    return "[" + ", ".join(param.name for param in function.type.params) + "]"


def _check_id(text: str) -> ExecutionId:
    try:
        return parse_top_level_id(text)
    except EngineError as error:
        raise CallRefused(str(error)) from error
