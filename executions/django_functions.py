"""Calling Django activities: on a database connection that is in order, in a transaction of their own if they ask.

Source:
    ``atomic``: the writes of the activity and the event that ends its execution are one transaction, and the journal
    checks the lock within it; so an attempt that is late, or that somebody else has taken over, leaves nothing.
"""

from __future__ import annotations

import threading
import traceback
from typing import Any

from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from components.django_activities import django_activities
from engine.errors import DeploymentError, JournalError, JournalUnavailable
from engine.executor.host_functions import HostAnswer, HostCall, HostEnd
from engine.host.context import GuestNote, RunFacts
from engine.journal.records import Hints
from engine.log.labels import labels_of
from engine.wit.json_values import read_value
from engine.wit.types import ResultType
from executions.journal.journal import SqlJournal
from obelisk import errors
from obelisk.backends import Info, Options, RefusingBackend, active
from obelisk.functions import Function

_MAX_TRACE = 16_384


class DjangoFunctions:
    """`engine.executor.host_functions.HostFunctions` of the site's apps."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._connections: dict[HostCall, BaseDatabaseWrapper] = {}

    def call(self, call: HostCall) -> HostAnswer | HostEnd:
        """See `HostFunctions`."""
        name = str(call.function.name)
        function = django_activities().functions.get(name)
        if function is None:
            raise DeploymentError(f"no installed app has the activity {name}")
        # As Django does around a request: a connection that is too old or broken is replaced.
        close_old_connections()
        with self._mutex:
            self._connections[call] = connections[DEFAULT_DB_ALIAS]
        try:
            return _call_atomically(function, call) if function.policy.atomic else _call(function, call)
        finally:
            with self._mutex:
                # From here on the connection is the next call's.
                del self._connections[call]
            close_old_connections()

    def give_up(self, call: HostCall) -> None:
        """Roll back the transaction that is open, by taking its connection away.

        On SQLite it would keep every other writer waiting, the executor included, for as long as the call goes on; and
        a rollback alone would let the call's later statements each commit by itself.
        """
        with self._mutex:
            wrapper = self._connections.get(call)
            if wrapper is None or not wrapper.in_atomic_block:
                return
            raw: Any = wrapper.connection
            if raw is not None:
                if hasattr(raw, "interrupt"):
                    raw.interrupt()
                raw.close()

    def thread_ends(self) -> None:
        """See `HostFunctions`."""
        connections.close_all()


class _ActivityBackend(RefusingBackend):
    """What code of a Django activity may ask of the engine."""

    def __init__(self, facts: RunFacts) -> None:
        super().__init__(call=_refused_call, verb=_refused_verb)
        self._facts = facts

    def call(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> Any:
        """Call another activity as the plain function it is."""
        if function.kind in ("activity", "query"):
            return function.fn(*args, **kwargs)
        raise errors.PermanentError(_refused_call(function))

    def info(self) -> Info:
        """Return what is known of the execution."""
        facts = self._facts
        return Info(
            execution_id=facts.execution_id,
            function=facts.ffqn,
            parent_id=facts.parent_id,
            created_at=facts.created_at,
            attempt=facts.attempt,
            deadline=facts.expires_at,
            labels=labels_of(facts.metadata),
        )

    def _refusal(self, verb: str) -> Exception:
        return errors.PermanentError(self._verb_refusal(verb))


class _Failed(Exception):
    """Unwinds a transaction whose function failed; the answer says how."""

    def __init__(self, answer: HostAnswer) -> None:
        super().__init__()
        self.answer = answer


class _Refused(Exception):
    """Unwinds a transaction that must not end the execution."""

    def __init__(self, refusal: JournalError) -> None:
        super().__init__()
        self.refusal = refusal


def _call(function: Function[..., Any], call: HostCall) -> HostAnswer:
    try:
        return HostAnswer(value={"ok": _result_of(function, call)})
    except BaseException as error:  # noqa: BLE001  # whatever leaves the function is its error value
        return _failed(function, error)


def _call_atomically(function: Function[..., Any], call: HostCall) -> HostAnswer | HostEnd:
    try:
        with transaction.atomic(using=DEFAULT_DB_ALIAS, durable=True):
            hints = _end_within(function, call)
    except _Failed as failed:
        return failed.answer
    except _Refused as refused:
        if isinstance(refused.refusal, JournalUnavailable):
            raise refused.refusal from None
        return HostEnd(refusal=refused.refusal)
    except Exception as error:  # noqa: BLE001  # the database refused the commit: nothing of the attempt is there
        return _failed(function, error)
    return HostEnd(hints=hints)


def _end_within(function: Function[..., Any], call: HostCall) -> Hints:
    """Call the function and write the end of its execution, inside the open transaction."""
    answer = _call(function, call)
    if not (isinstance(answer.value, dict) and "ok" in answer.value):
        raise _Failed(answer)
    if transaction.get_rollback(using=DEFAULT_DB_ALIAS):
        error = transaction.TransactionManagementError(
            "the activity's transaction cannot be committed: it caught a database error, or asked for a rollback; "
            "put what may fail into a transaction.atomic() of its own"
        )
        raise _Failed(_failed(function, error))
    result = call.function.type.result
    assert isinstance(result, ResultType)
    journal = SqlJournal.for_current_connection()
    try:
        report = journal.commit([call.end(read_value(result, answer.value, path="result"))], now=timezone.now())
    except JournalUnavailable as error:
        raise _Refused(error) from None
    (outcome,) = report.outcomes
    if isinstance(outcome, JournalError):
        raise _Refused(outcome)
    return report.hints


def _result_of(function: Function[..., Any], call: HostCall) -> Any:
    signature = function.signature
    try:
        args = signature.decode_params(list(call.args))
    except TypeError as error:
        raise _permanent(error) from None  # the parameters stay the same
    with active(_ActivityBackend(call.facts)):
        result = function.fn(*args)
    try:
        return signature.encode_result(result)
    except TypeError as error:
        raise _permanent(error) from None  # a bug, not bad luck


def _permanent(error: TypeError) -> TypeError:
    error.is_permanent = True  # type: ignore[attr-defined]  # read by obelisk.errors.is_permanent
    return error


def _failed(function: Function[..., Any], error: BaseException) -> HostAnswer:
    try:
        value = function.signature.encode_error(error)
    except TypeError as failure:
        value = function.signature.encode_error(failure)
    return HostAnswer(
        value={"err": value},
        note=GuestNote(
            is_permanent=errors.is_permanent(error), retry_after=errors.retry_after(error), trace=_trace(error)
        ),
    )


def _trace(error: BaseException) -> str:
    """Return a traceback without the frames of this module; the end of it, if it is very long."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames)).replace("\0", "\\0").rstrip()
    return text if len(text) <= _MAX_TRACE else f"...{text[-_MAX_TRACE:]}"


def _refused_call(function: Function[..., Any]) -> str:
    return f"an activity cannot call the {function.kind} {function.name}; do that in the workflow"


def _refused_verb(verb: str) -> str:
    if verb == "http":
        return "obelisk.http is the sandbox's; a Django activity may use any HTTP client"
    return f"{verb}() works in workflows; an activity is one step"
