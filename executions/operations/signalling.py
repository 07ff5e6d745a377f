"""Sending signals: results of calls that a workflow makes to wait for something from outside.

A signal is a stub function with a mailbox. Sent while a call of it waits, it is that call's result; sent before, it is
kept, and the next call has it at birth. So for a compiled or JavaScript workflow every stub function is a signal.

Source:
    docs/lifecycle.md.
"""

from __future__ import annotations

from django.utils import timezone

from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import ComponentType
from engine.errors import AlreadyFinished, JournalError, VersionConflict
from engine.executor.ends import end_of
from engine.journal.protocol import Journal
from engine.journal.records import Mail, PostSignal
from engine.log.events import ChildRequested
from engine.log.ids import ExecutionId
from engine.log.return_values import Returned
from engine.log.state import ExecutionState
from engine.workflow.join_sets import member_of
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.operations.answering import read_result
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import check_is_workflow

_MOST_CHARACTERS = 256
"""Of a signal id."""


class SignalUnknown(OperationRefused):
    """No deployed stub function has the name of the signal, or more than one has."""


class SignalTooLate(OperationRefused):
    """The execution has finished; nobody will wait for a signal any more."""


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
        AnswerRefused: If the payload is not of the function's type.
        NoWorkflow: If the execution is an activity.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    if signal_id is not None and (not 0 < len(signal_id) <= _MOST_CHARACTERS or "\0" in signal_id):
        raise OperationRefused(f"a signal id has 1 to {_MOST_CHARACTERS} characters, none of them NUL")
    state = journal.state_of(execution_id)
    check_is_workflow(state)
    function = _find(name, state)
    retval = read_result(function, {"ok": payload})
    while True:
        write = _post(journal, execution_id, str(function.name), retval, signal_id)
        (outcome,) = journal.commit([write], now=write.mail.at).outcomes
        if isinstance(outcome, AlreadyFinished) and journal.state_of(execution_id).is_finished:
            raise SignalTooLate(f"{execution_id} has finished; it does not wait for {name} any more") from outcome
        if isinstance(outcome, VersionConflict | AlreadyFinished):
            # It called, or somebody answered, at this very moment: look again.
            continue
        if isinstance(outcome, JournalError):
            raise outcome
        return outcome.is_new


def _find(name: str, state: ExecutionState) -> DeployedFunction:
    stubs = [
        function
        for function in deployed_registry().all_functions()
        if function.component.id.component_type is ComponentType.ACTIVITY_STUB
    ]
    found = [function for function in stubs if str(function.name) == name]
    if not found:
        short = name.replace("_", "-")
        found = [function for function in stubs if function.name.function == short]
    if len(found) > 1:
        # Of several packages' functions a workflow's own is meant.
        package = state.ffqn.partition("/")[0]
        found = [function for function in found if str(function.name).partition("/")[0] == package] or found
    if len(found) != 1:
        which = "or ".join(f"{function.name} " for function in found) or "no deployed stub function"
        raise SignalUnknown(f"{name} is {which.strip()}; name the signal in full, such as acme:trips/signals.paid")
    return found[0]


def _post(
    journal: Journal, execution_id: ExecutionId, ffqn: str, retval: Returned, signal_id: str | None
) -> PostSignal:
    """Return the write that brings a signal, as things stand."""
    now = timezone.now()
    # The state first: whatever happens behind it makes the write be refused.
    state = journal.state_of(execution_id)
    mail = Mail(execution_id=execution_id, ffqn=ffqn, signal_id=signal_id, at=now, retval=retval)
    waiting = _longest_waiting(journal, execution_id, ffqn)
    if waiting is None:
        return PostSignal(mail=mail, expected=state.next_version)
    return PostSignal(mail=mail, end=end_of(waiting, retval, now))


def _longest_waiting(journal: Journal, execution_id: ExecutionId, ffqn: str) -> ExecutionState | None:
    answered = {member_of(response) for response in journal.load_responses(execution_id)}
    for entry in journal.load_log(execution_id):
        match entry.event:
            case ChildRequested(child_execution_id=child, target_ffqn=called, error=None) if (
                called == ffqn and child not in answered
            ):
                state = journal.state_of(child)
                if not state.is_finished:
                    return state
            case _:
                pass
    return None
