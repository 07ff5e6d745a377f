"""Sending signals: results of calls that a workflow makes to wait for something from outside.

A signal is a stub function with a mailbox. Sent while a call of it waits, it is that call's result; sent before, it is
kept, and the next call has it at birth. So for a compiled or JavaScript workflow every stub function is a signal.

Source:
    docs/lifecycle.md.
"""

from __future__ import annotations

from engine.clock import Clock
from engine.deployment.limits import RunLimits
from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import ComponentType
from engine.errors import AlreadyFinished, JournalError, SignalRefusal, SignalRefused, VersionConflict
from engine.executor.ends import end_of
from engine.executor.stubs import read_result
from engine.journal.protocol import Journal
from engine.journal.records import Mail, PostSignal
from engine.log.events import ChildRequested
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState
from engine.workflow.join_sets import member_of

_MOST_CHARACTERS = 256
"""Of a signal id."""


def send_signal(
    journal: Journal,
    registry: Registry,
    limits: RunLimits,
    clock: Clock,
    execution_id: ExecutionId,
    name: str,
    payload: object,
    *,
    signal_id: str | None,
) -> bool:
    """Send a signal to a workflow: to the call of it that waits longest, or to the next one.

    Args:
        journal: Where the workflow stands.
        registry: Knows the signal's function.
        limits: What any run may use up; a component's own limits may be lower.
        clock: Gives the instant at which it comes.
        execution_id: The workflow.
        name: Full name of the stub function, or only what comes behind the last dot, as Python or WIT names it.
        payload: JSON data: what the call returns; ``None`` where it returns nothing.
        signal_id: The sender's name for this signal. One counts once for an execution, however often it is sent.

    Returns:
        Whether it counts; ``False`` if this ``signal_id`` had come before.

    Raises:
        SignalRefused: If it cannot be sent; nothing was.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    if signal_id is not None and (not 0 < len(signal_id) <= _MOST_CHARACTERS or "\0" in signal_id):
        raise SignalRefused(
            SignalRefusal.INVALID_SIGNAL_ID, f"a signal id has 1 to {_MOST_CHARACTERS} characters, none of them NUL"
        )
    state = journal.state_of(execution_id)
    if state.component_id.component_type is not ComponentType.WORKFLOW:
        raise SignalRefused(
            SignalRefusal.NO_WORKFLOW, f"{execution_id} is a call of {state.ffqn}, which is no workflow"
        )
    function = _find(registry, name, state)
    retval = read_result(function, {"ok": payload}, limits)
    if isinstance(retval, str):
        raise SignalRefused(SignalRefusal.TYPE_CHECK_ERROR, retval)
    while True:
        mail = Mail(
            execution_id=execution_id,
            ffqn=str(function.name),
            signal_id=signal_id,
            at=clock.now(),
            retval=retval,
        )
        (outcome,) = journal.commit([_post(journal, mail)], now=mail.at).outcomes
        if isinstance(outcome, AlreadyFinished) and journal.state_of(execution_id).is_finished:
            raise SignalRefused(
                SignalRefusal.FINISHED, f"{execution_id} has finished; it does not wait for {name} any more"
            ) from outcome
        if isinstance(outcome, VersionConflict | AlreadyFinished):
            # It called, or somebody answered, at this very moment: look again.
            continue
        if isinstance(outcome, JournalError):
            raise outcome
        return outcome.is_new


def signals_of(registry: Registry) -> list[DeployedFunction]:
    """Return the functions that signals can be sent for."""
    return [
        function
        for function in registry.all_functions()
        if function.component.id.component_type is ComponentType.ACTIVITY_STUB
    ]


def _find(registry: Registry, name: str, state: ExecutionState) -> DeployedFunction:
    stubs = signals_of(registry)
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
        raise SignalRefused(
            SignalRefusal.UNKNOWN_SIGNAL,
            f"{name} is {which.strip()}; name the signal in full, such as acme:trips/signals.paid",
        )
    return found[0]


def _post(journal: Journal, mail: Mail) -> PostSignal:
    """Return the write that brings a signal, as things stand."""
    # The state first: whatever happens behind it makes the write be refused.
    state = journal.state_of(mail.execution_id)
    waiting = _longest_waiting(journal, mail.execution_id, mail.ffqn)
    if waiting is None:
        return PostSignal(mail=mail, expected=state.next_version)
    return PostSignal(mail=mail, end=end_of(waiting, mail.retval, mail.at))


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
