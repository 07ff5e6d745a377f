"""Functions of other components as a workflow imports them: direct calls, and the generated extensions.

Source:
    Obelisk reference, section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from engine.deployment.registry import DeployedFunction
from engine.errors import ConstraintViolation
from engine.host.context import WorkflowContext
from engine.host.moments import read_schedule
from engine.host.responses import write_id, write_mismatch
from engine.host.workflow_support import derived_id, write_stub_error
from engine.log.events import ChildFinished, Response, StubNotFound, SubmitError, TypeCheckError
from engine.log.return_codec import return_codec
from engine.log.return_values import JsonText, ReturnValue
from engine.wasm.host_functions import HostFunction
from engine.wit.extensions import ExtensionKind, primary_of
from engine.wit.json_values import dump_json
from engine.wit.names import FunctionName
from engine.wit.options import JsonValue
from engine.wit.types import FunctionType, ResultType
from engine.workflow.target import Target

HostCall = Callable[..., JsonValue]


def host_function(name: FunctionName, imported: FunctionType) -> HostFunction:
    """Return the host's definition of an imported function.

    Args:
        name: Its name, primary or extension.
        imported: Its type as the component declares it.
    """
    extension = primary_of(name)
    if extension is None:
        return HostFunction(type=imported, call=_direct_call(name, imported))
    kind, target = extension
    return HostFunction(type=imported, call=_extension(kind, target, imported))


def _extension(kind: ExtensionKind, target: FunctionName, imported: FunctionType) -> HostCall:
    match kind:
        case "submit":
            return _submit(target)
        case "await_next":
            return _await_next(target, imported)
        case "get":
            return _get(target, imported)
        case "schedule":
            return _schedule(target)
        case "stub":
            return _stub(target, imported)
        case _:
            assert_never(kind)


def _direct_call(name: FunctionName, imported: FunctionType) -> HostCall:
    ffqn, short = str(name), name.function
    codec = return_codec(_result(name, imported))

    def call(context: WorkflowContext, *args: JsonValue) -> JsonValue:
        with context.mutex:
            response = context.run.call(_target(context, ffqn, args), short)
            if not isinstance(response, Response):
                raise _refused(ffqn, response)
            value = codec.to_value(_retval(response))
            context.after_call()
            return value

    return call


def _submit(name: FunctionName) -> HostCall:
    ffqn = str(name)

    def submit(context: WorkflowContext, handle: int, *args: JsonValue) -> JsonValue:
        with context.mutex:
            child = context.run.submit(context.join_sets.look_up(handle), _target(context, ffqn, args))
            if not isinstance(child, str):
                raise _refused(ffqn, child)
            context.after_call()
            return write_id(child)

    return submit


def _await_next(name: FunctionName, imported: FunctionType) -> HostCall:
    ffqn = str(name)
    codec = return_codec(_inner_result(name, imported))

    def await_next(context: WorkflowContext, handle: int) -> JsonValue:
        with context.mutex:
            response = context.run.join_next(context.join_sets.look_up(handle), requested_ffqn=ffqn)
            context.after_call()
            if response is None:
                return {"err": "all_processed"}
            actual = context.run.target_of_response(response)
            if actual != ffqn:
                return {"err": {"function_mismatch": write_mismatch(ffqn, actual, response)}}
            return {"ok": codec.to_value(_retval(response))}

    return await_next


def _get(name: FunctionName, imported: FunctionType) -> HostCall:
    ffqn = str(name)
    codec = return_codec(_inner_result(name, imported))

    def get(context: WorkflowContext, execution_id: JsonValue) -> JsonValue:
        with context.mutex:
            response = context.run.processed(derived_id(execution_id))
            if response is None:
                return {"err": "not_found_in_processed_responses"}
            actual = context.run.target_of_response(response)
            if actual != ffqn:
                return {"err": {"function_mismatch": write_mismatch(ffqn, actual, response)}}
            return {"ok": codec.to_value(_retval(response))}

    return get


def _schedule(name: FunctionName) -> HostCall:
    ffqn = str(name)

    def schedule(context: WorkflowContext, at: JsonValue, *args: JsonValue) -> JsonValue:
        with context.mutex:
            execution_id = context.run.generate_execution_id()
            error = context.run.schedule(execution_id, read_schedule(at), _target(context, ffqn, args))
            if error is not None:
                raise _refused(ffqn, error)
            context.after_call()
            return write_id(execution_id)

    return schedule


def _stub(name: FunctionName, imported: FunctionType) -> HostCall:
    ffqn = str(name)
    codec = return_codec(_stubbed_result(name, imported))

    def stub(context: WorkflowContext, execution_id: JsonValue, result: JsonValue) -> JsonValue:
        with context.mutex:
            target = derived_id(execution_id)
            actual = context.run.target_of(target)
            error: TypeCheckError | StubNotFound | None = None
            if actual is not None and actual != ffqn:
                error = TypeCheckError(f"{target} was created for {actual}, not for {ffqn}")
            outcome = context.run.stub(target, ffqn, codec.to_retval(result), error)
            context.after_call()
            return write_stub_error(outcome)

    return stub


def _target(context: WorkflowContext, ffqn: str, args: tuple[JsonValue, ...]) -> Target:
    function: DeployedFunction | None = context.find_function(ffqn)
    return Target(ffqn, JsonText(dump_json(list(args))), function, args)


def _refused(ffqn: str, error: SubmitError) -> ConstraintViolation:
    """Return what ends a workflow whose typed call was refused: the type has no place for why."""
    why = error.message if isinstance(error, TypeCheckError) else "no component exports it"
    return ConstraintViolation(f"{ffqn} cannot be called: {why}")


def _retval(response: Response) -> ReturnValue:
    if isinstance(response.event, ChildFinished):
        return response.event.retval
    raise ConstraintViolation(f"the history holds no child's response where one was awaited: {response}")


def _result(name: FunctionName, imported: FunctionType) -> ResultType:
    if not isinstance(imported.result, ResultType):
        raise ConstraintViolation(f"{name} is imported without a result")
    return imported.result


def _inner_result(name: FunctionName, imported: FunctionType) -> ResultType:
    inner = _result(name, imported).ok
    if not isinstance(inner, ResultType):
        raise ConstraintViolation(f"the extension of {name} is imported with another type than the engine offers")
    return inner


def _stubbed_result(name: FunctionName, imported: FunctionType) -> ResultType:
    stubbed = imported.params[-1].type
    if not isinstance(stubbed, ResultType):
        raise ConstraintViolation(f"the stub of {name} is imported with another type than the engine offers")
    return stubbed
