"""Thin names over `executions.operations` for the Python code of a site: start, await and cancel durable functions.

::

    with transaction.atomic():
        row = Booking.objects.create(city="Rome")
        run = submit(trips.tour, ["Rome"])          # commits or rolls back with the row
    result(run.id, timeout=timedelta(seconds=5))
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from components.django_activities import name_of
from engine.errors import EngineError
from engine.host.moments import write_datetime
from engine.log.ids import ExecutionId, parse_execution_id
from engine.log.return_values import Returned
from engine.log.retval_json import retval_to_api
from engine.wit.extensions import extension_name
from engine.wit.names import FunctionName
from executions.following import Follower
from executions.journal.journal import SqlJournal
from executions.operations.cancelling import cancel_execution
from executions.operations.submitting import CallRefused
from executions.operations.submitting import submit as submit_call
from obelisk.backends import Options
from obelisk.errors import ChildError, Refused
from obelisk.functions import Function

__all__ = ["NotFinished", "Run", "cancel", "result", "submit"]

_STARTABLE = ("activity", "workflow", "imported")
_MILLISECOND = timedelta(milliseconds=1)


class NotFinished(EngineError):
    """An execution has no result yet."""


@dataclass(frozen=True, slots=True)
class Run:
    """An execution that was started; ``id`` is its execution id."""

    id: ExecutionId
    ffqn: str


def submit(function: Function[..., Any] | str, *params: Any, execution_id: str | None = None, **named: Any) -> Run:
    """Start an execution.

    Inside ``transaction.atomic()`` it belongs to that transaction: it starts when that commits, and was never there if
    it rolls back.

    Args:
        function: A decorated function of a file with ``PACKAGE`` or of an app's ``activities.py``, or a full name;
            with ``.using(after=..)`` or ``.using(at=..)`` it starts then.
        params: Its arguments; for a full name, JSON data.
        execution_id: Id chosen by the caller, who may then safely submit again; a fresh one by default.
        named: Arguments by name, for a decorated function.

    Raises:
        CallRefused: If the function or the arguments are wrong, or an open transaction is of another database.
        ExecutionExists: If the id is taken by another call.
        JournalUnavailable: If the storage did not answer.
    """
    _refuse_other_transactions()
    ffqn, values = _call_of(function, params, named)
    submitted = submit_call(ffqn, values, execution_id=execution_id)
    return Run(submitted.execution_id, submitted.ffqn)


def result(execution_id: str, *, timeout: timedelta | None = None) -> Any:
    """Wait for an execution and return the value that it returned, as JSON data.

    Args:
        execution_id: Which one.
        timeout: Longest time to wait; ``None`` for as long as it takes.

    Raises:
        ChildError: If it ended with an error value, or the platform ended it.
        NotFinished: If the time is over.
        ExecutionNotFound: If there is no such execution.
        IdSyntaxError: If the id is none.
        CallRefused: If it is called inside a transaction, which would wait for what it keeps from happening.
    """
    target = parse_execution_id(execution_id)
    if connections[DEFAULT_DB_ALIAS].in_atomic_block:
        raise CallRefused(
            "result() is inside a transaction, whose own executions start when it commits; "
            "ask for the result after the atomic() block"
        )
    journal = SqlJournal.for_current_connection()
    with Follower(journal) as follower:
        retval = follower.wait(target, timeout_s=None if timeout is None else timeout.total_seconds())
    if retval is None:
        raise NotFinished(f"{target} has not finished within {timeout}")
    function = journal.state_of(target).ffqn
    document: Any = retval_to_api(retval)
    if not isinstance(retval, Returned):
        raise ChildError(function, target, retval.reason or retval.kind.value, retval.kind.value)
    if not retval.ok:
        raise ChildError(function, target, document["err"])
    return document["ok"]


def cancel(execution_id: str) -> bool:
    """Ask that an execution be cancelled, with the surrounding transaction if there is one.

    Returns:
        Whether it is cancelled or will be; ``False`` if it has ended, or is a workflow whose name does not end in
        ``-cancellable``.

    Raises:
        ExecutionNotFound: If there is no such execution.
        IdSyntaxError: If the id is none.
        JournalUnavailable: If the storage did not answer.
    """
    return cancel_execution(parse_execution_id(execution_id))


def _refuse_other_transactions() -> None:
    if connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            raise CallRefused(
                f"submit() is inside a transaction on {connection.alias!r}, but executions live in "
                f"{DEFAULT_DB_ALIAS!r}; nothing was submitted"
            )


def _call_of(
    function: Function[..., Any] | str, params: tuple[Any, ...], named: dict[str, Any]
) -> tuple[str, list[Any]]:
    if isinstance(function, str):
        if named:
            raise CallRefused(f"submit({function!r}): a function given by its name takes its arguments in order")
        return function, list(params)
    if function.kind not in _STARTABLE:
        raise CallRefused(f"submit({function.name}): a {function.kind} cannot be started")
    try:
        # Of a copy that `using` made, the body is the same.
        ffqn = name_of(function) or function.ffqn
        return _at_its_time(ffqn, function.signature.encode_params(params, named), function.options)
    except (TypeError, Refused) as error:
        raise CallRefused(str(error)) from error


def _at_its_time(ffqn: str, values: list[Any], options: Options) -> tuple[str, list[Any]]:
    if (options.max_retries, options.attempt_timeout, options.labels) != (None, None, None):
        raise CallRefused(f"submit({ffqn}): of .using(), only after and at work here; the others are for workflows")
    schedule: Any
    if options.after is not None:
        schedule = {"in": {"milliseconds": max(0, options.after // _MILLISECOND)}}
    elif options.at is not None:
        if options.at.utcoffset() is None:
            raise CallRefused(f"submit({ffqn}): a datetime needs a time zone; write e.g. django.utils.timezone.now()")
        schedule = {"at": write_datetime(options.at)}
    else:
        return ffqn, values
    return str(extension_name(FunctionName.parse(ffqn), "schedule")), [schedule, *values]
