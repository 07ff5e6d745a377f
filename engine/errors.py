"""The one error tree of the engine; callers catch a branch.

::

    EngineError
    ├── WitError                  names, type expressions, values
    │   ├── NameSyntaxError
    │   ├── TypeSyntaxError
    │   ├── ValueMismatch         carries the path of the offending part
    │   └── NotExtendable         an export whose return type the engine cannot project failures into
    ├── CronSyntaxError           an expression or a time zone of a schedule
    ├── IdSyntaxError             execution, join-set and delay ids
    ├── LogError
    │   ├── IllegalTransition     an event that the state does not accept
    │   └── StoredEventInvalid    a stored event that this version cannot read
    ├── WasmError
    │   ├── InvalidComponent      bytes that are no usable component
    │   ├── LinkError             imports nobody defines
    │   └── Trap                  the guest died; ``kind`` says how
    ├── UnusableResult            what a run gave is no result of its function; another run would give the same
    ├── LimitExceeded             parameters or a result larger than a limit, which the message names
    ├── SignalRefused             a signal that cannot be sent; ``refusal`` says why
    ├── DeploymentError           components that cannot be deployed together
    │   └── RuntimeUnavailable    the interpreter they need is not there and cannot be built
    ├── OutboundError             a guest's HTTP request that got no whole response; ``code`` says why
    │   ├── OutboundDenied        the policy does not let it out
    │   ├── OutboundInvalid       it is no HTTP request, or larger than the limits
    │   ├── OutboundConnectError  no connection could be had, or it broke
    │   ├── OutboundTimeout       something took longer than the request allows
    │   └── OutboundProtocolError what came back is no HTTP response, or larger than the limits
    ├── JournalError
    │   ├── VersionConflict       another writer appended first
    │   ├── LockLost              the writer does not hold the lock any more
    │   ├── ExecutionNotFound
    │   ├── ExecutionExists       the id is taken by another call
    │   ├── AlreadyFinished
    │   └── JournalUnavailable    the storage did not answer; try again later
    └── WorkflowError             fatal for the workflow that meets it
        ├── NondeterminismDetected
        └── ConstraintViolation

    RunInterrupted(BaseException) unwinds a run without ending the execution
    ├── RunSuspended              the workflow waits; it will be replayed when its response is there
    │   └── CallReached           a replay is where it was to stop
    └── RunAbandoned              the lock is lost, or the executor stops: nothing more may be written
"""

from __future__ import annotations

import re
from enum import StrEnum


class EngineError(Exception):
    """Root of everything the engine raises on purpose."""


class WitError(EngineError):
    """A name, type expression or value that WIT does not allow."""


class NameSyntaxError(WitError):
    """A package, interface or function name that does not parse."""


class TypeSyntaxError(WitError):
    """A type expression that does not parse."""


class ValueMismatch(WitError):
    """A value that is not of its declared type.

    Args:
        path: Where the offending part stands, such as ``params[1].items[3]``.
        problem: What is wrong with it, such as ``expected u8, got 300``.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path, self.problem = path, problem


class NotExtendable(WitError):
    """An exported function whose return type cannot carry a platform failure."""


class IdSyntaxError(EngineError):
    """An execution, join-set, delay or other id that does not parse."""


class CronSyntaxError(EngineError):
    """A schedule's expression or time zone that does not parse, or that never comes."""


class LogError(EngineError):
    """Something about the event log itself."""


class IllegalTransition(LogError):
    """An event that the execution's state does not accept."""


class StoredEventInvalid(LogError):
    """A stored event that cannot be read back."""


class WasmError(EngineError):
    """Anything that goes wrong at the WebAssembly boundary."""


class InvalidComponent(WasmError):
    """Bytes that are not a component this engine can run."""


class LinkError(WasmError):
    """A component whose imports are not all defined."""


class TrapKind(StrEnum):
    """How a guest died."""

    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"
    OUT_OF_FUEL = "out_of_fuel"
    STACK_OVERFLOW = "stack_overflow"
    OUT_OF_MEMORY = "out_of_memory"
    OTHER = "other"


class Trap(WasmError):
    """The guest died.

    Args:
        kind: How it died.
        message: The runtime's own words, first line first.
    """

    def __init__(self, kind: TrapKind, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


class UnusableResult(EngineError):
    """What a run gave is no result of its function, or is larger than allowed; another run would give the same."""


class LimitExceeded(EngineError):
    """Parameters or a result larger than a limit; the message names it."""


class SignalRefusal(StrEnum):
    """Why a signal cannot be sent; the values are what guests are told."""

    UNKNOWN_SIGNAL = "unknown_signal"
    """No deployed stub function has its name, or more than one has."""
    TYPE_CHECK_ERROR = "type_check_error"
    """The payload is not of its type, or too large."""
    INVALID_SIGNAL_ID = "invalid_signal_id"
    NO_WORKFLOW = "no_workflow"
    """The execution is none, so it waits for nothing."""
    FINISHED = "finished"
    """The execution has ended; nobody will wait for it any more."""


class SignalRefused(EngineError):
    """A signal that cannot be sent; nothing was.

    Args:
        refusal: Why.
        message: One sentence for people.
    """

    def __init__(self, refusal: SignalRefusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class DeploymentError(EngineError):
    """Components that cannot be deployed together; says which, where and why."""


class RuntimeUnavailable(DeploymentError):
    """The interpreter of source components is not there and cannot be built here and now."""


class OutboundError(EngineError):
    """A guest's HTTP request that got no whole response.

    Args:
        code: The case of ``wasi:http/types.error-code`` that a guest is told, as WIT spells it.
        message: One sentence for people; holds no secret.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class OutboundDenied(OutboundError):
    """The policy does not let the request out."""


class OutboundInvalid(OutboundError):
    """What the guest asked for is no HTTP request, or larger than the limits."""


class OutboundConnectError(OutboundError):
    """No connection could be had, or it broke before the response was whole."""


class OutboundTimeout(OutboundError):
    """Something took longer than the request allows."""


class OutboundProtocolError(OutboundError):
    """What came back is no HTTP response, or larger than the limits."""


class JournalError(EngineError):
    """The storage refused or could not carry out a request."""


class VersionConflict(JournalError):
    """Another writer appended to the log first."""

    def __init__(self, execution_id: str, *, expected: int, actual: int) -> None:
        super().__init__(f"{execution_id}: expected version {expected}, log at {actual}")
        self.execution_id, self.expected, self.actual = execution_id, expected, actual


class LockLost(JournalError):
    """The writer does not hold the execution's lock any more."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"{execution_id}: the lock is lost")
        self.execution_id = execution_id


class ExecutionNotFound(JournalError):
    """No execution has this id."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"execution {execution_id} not found")
        self.execution_id = execution_id


class ExecutionExists(JournalError):
    """The execution id is taken by a call with another function or other parameters."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"execution {execution_id} exists with another function or other parameters")
        self.execution_id = execution_id


class AlreadyFinished(JournalError):
    """Nothing can be appended to a finished execution."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"execution {execution_id} is already finished")
        self.execution_id = execution_id


class JournalUnavailable(JournalError):
    """The storage did not answer, or gave up; nothing was written."""


class WorkflowError(EngineError):
    """Fatal for the workflow run that meets it: the execution finishes with a failure."""


class NondeterminismDetected(WorkflowError):
    """A replay asked for something else than its history holds.

    Args:
        version: Position in the log where history and code part.
        recorded: The event as recorded, in one line.
        requested: What the code asked for, in one line; ``None`` when it ended early.
    """

    def __init__(self, *, version: int, recorded: str, requested: str | None) -> None:
        if requested is None:
            text = f"found unprocessed request stored at version {version}: event: {recorded}"
        else:
            text = f"key does not match event stored at version {version}: key: {requested}, event: {recorded}"
        super().__init__(text)
        self.version, self.recorded, self.requested = version, recorded, requested


def parting_version(text: str) -> int | None:
    """Return where history and code part, from the text of a `NondeterminismDetected`; ``None`` if it is none."""
    found = re.search(r"stored at version (\d{1,9}): ", text, re.ASCII)
    return None if found is None else int(found[1])


class ConstraintViolation(WorkflowError):
    """The workflow used the host in a way that can never be right."""


class RunInterrupted(BaseException):
    """Unwinds a run. Not an ``Exception``, so that no handler mistakes it for a failure."""


class RunSuspended(RunInterrupted):
    """The workflow waits for a response that is not there yet."""


class CallReached(RunSuspended):
    """A replay came to the call that it was made for; ``backtrace`` is wasmtime's text on where the guest was then."""

    backtrace = ""


class RunAbandoned(RunInterrupted):
    """The run may write nothing more: its lock is lost or its executor stops."""
