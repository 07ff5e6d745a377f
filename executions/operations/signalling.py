"""Sending signals, as `engine.executor.signalling` does, to what is deployed now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.operator import operator_limits
from engine.clock import SystemClock
from engine.errors import EngineError, SignalRefusal, SignalRefused
from engine.executor.signalling import send_signal
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.operations.answering import AnswerRefused
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import NoWorkflow


class SignalUnknown(OperationRefused):
    """No deployed stub function has the name of the signal, or more than one has."""


class SignalTooLate(OperationRefused):
    """The execution has finished; nobody will wait for a signal any more."""


_ERRORS: Final[Mapping[SignalRefusal, type[EngineError]]] = {
    SignalRefusal.UNKNOWN_SIGNAL: SignalUnknown,
    SignalRefusal.TYPE_CHECK_ERROR: AnswerRefused,
    SignalRefusal.INVALID_SIGNAL_ID: OperationRefused,
    SignalRefusal.NO_WORKFLOW: NoWorkflow,
    SignalRefusal.FINISHED: SignalTooLate,
}


def send(
    execution_id: ExecutionId,
    name: str,
    payload: object = None,
    *,
    signal_id: str | None = None,
    journal: Journal | None = None,
) -> bool:
    """Send a signal to a workflow: to the call of it that waits longest, or to the next one.

    With the surrounding transaction, if there is one.

    Args:
        execution_id: The workflow.
        name: Full name of the stub function, or only what comes behind the last dot, as Python or WIT names it.
        payload: JSON data: what the call returns; ``None`` where it returns nothing.
        signal_id: The sender's name for this signal. One counts once for an execution, however often it is sent.
        journal: Where to write; the calling thread's database connection by default.

    Returns:
        Whether it counts; ``False`` if this ``signal_id`` had come before.

    Raises:
        SignalUnknown: If there is no such function.
        SignalTooLate: If the execution has finished.
        AnswerRefused: If the payload is not of the function's type, or too large.
        NoWorkflow: If the execution is an activity.
        OperationRefused: If the signal id is none.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    try:
        return send_signal(
            journal,
            deployed_registry(),
            operator_limits(),
            SystemClock(),
            execution_id,
            name,
            payload,
            signal_id=signal_id,
        )
    except SignalRefused as error:
        raise _ERRORS[error.refusal](str(error)) from error
