"""What a workflow's runtime may ask: the operations of `engine.guests.host_call`, over the replaying run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import Runner
from engine.errors import ConstraintViolation, IdSyntaxError, ValueMismatch
from engine.guests.answers import DONE, refused, write, write_response, write_stub_outcome, write_submit_error
from engine.guests.bodies import Body
from engine.guests.contexts import WorkflowGuest, microseconds
from engine.guests.targets import MalformedCall, read_target
from engine.log.events import (
    ChildFinished,
    FunctionNotFound,
    Response,
    StubNotFound,
    TryOutcome,
    TypeCheckError,
)
from engine.log.ids import ExecutionId, JoinSetId, parse_execution_id, parse_top_level_id
from engine.log.return_codec import return_codec
from engine.log.return_values import Returned
from engine.wit.json_values import read_value
from engine.wit.types import ResultType
from engine.workflow.run import NameInvalid, NameTaken

_NO_RETVAL = Returned(ok=False, payload=None)
"""Stands in for a stub's result that cannot be read."""


def _answer(guest: WorkflowGuest, response: Response) -> str:
    """Return a response that was consumed, and let the clock go on to it."""
    guest.consumed(response)
    ffqn = guest.context.run.target_of_response(response)
    return write_response(response, None if ffqn is None else guest.context.find_function(ffqn))


def _call(guest: WorkflowGuest, body: Body) -> str:
    try:
        target = read_target(guest.context, body)
    except MalformedCall as error:
        return error.answer
    outcome = guest.context.run.call(target, target.ffqn.rpartition(".")[2])
    if isinstance(outcome, Response):
        return _answer(guest, outcome)
    return write_submit_error(outcome, target.ffqn)


def _create(guest: WorkflowGuest, body: Body) -> str:
    run = guest.context.run
    name = body.optional_text("name")
    if name is None:
        return write({"set": run.create_join_set()})
    created = run.create_named_join_set(name)
    if isinstance(created, NameTaken):
        return refused("conflict", f"a join set named {name!r} was created before in this execution")
    if isinstance(created, NameInvalid):
        return refused("invalid_name", created.problem)
    return write({"set": created})


def _submit(guest: WorkflowGuest, body: Body) -> str:
    try:
        target = read_target(guest.context, body)
    except MalformedCall as error:
        return error.answer
    outcome = guest.context.run.submit(_set(body), target)
    if isinstance(outcome, FunctionNotFound | TypeCheckError):
        return write_submit_error(outcome, target.ffqn)
    return write({"id": outcome})


def _delay(guest: WorkflowGuest, body: Body) -> str:
    return write({"id": guest.context.run.submit_delay(_set(body), body.schedule())})


def _next(guest: WorkflowGuest, body: Body) -> str:
    response = guest.context.run.join_next(_set(body), requested_ffqn=body.optional_text("ffqn"))
    if response is None:
        return refused("all_processed", "every member of the join set was consumed")
    return _answer(guest, response)


def _try(guest: WorkflowGuest, body: Body) -> str:
    outcome, response = guest.context.run.join_next_try(_set(body))
    if response is not None:
        return _answer(guest, response)
    if outcome is TryOutcome.PENDING:
        return refused("pending", "no member of the join set has ended")
    return refused("all_processed", "every member of the join set was consumed")


def _close(guest: WorkflowGuest, body: Body) -> str:
    guest.context.run.close(_set(body))
    return DONE


def _last_of_set(guest: WorkflowGuest, body: Body) -> str:
    return write({"id": guest.context.run.last_id(_set(body))})


def _result(guest: WorkflowGuest, body: Body) -> str:
    run = guest.context.run
    response = run.processed(ExecutionId(body.text("id")))
    if response is None or not isinstance(response.event, ChildFinished):
        return refused("not_found", "no response of this execution was consumed")
    ffqn = run.target_of_response(response)
    return write_response(response, None if ffqn is None else guest.context.find_function(ffqn))


def _last(guest: WorkflowGuest, _body: Body) -> str:
    run = guest.context.run
    return write({"call": run.last_direct_call, "one_off": run.last_one_off})


def _sleep(guest: WorkflowGuest, body: Body) -> str:
    expires_at, ran_out = guest.context.run.sleep(body.schedule(), body.optional_text("name"))
    if ran_out:
        guest.reached(expires_at)
    return write({"expires_at_us": microseconds(expires_at), "cancelled": not ran_out})


def _new_id(guest: WorkflowGuest, _body: Body) -> str:
    return write({"id": guest.context.run.generate_execution_id()})


def _schedule(guest: WorkflowGuest, body: Body) -> str:
    run = guest.context.run
    given = body.optional_text("id")
    try:
        target = read_target(guest.context, body)
        execution_id = run.generate_execution_id() if given is None else parse_top_level_id(given)
    except MalformedCall as error:
        return error.answer
    except IdSyntaxError as error:
        return refused("execution_id_parsing_error", str(error))
    problem = run.schedule(execution_id, body.schedule(), target)
    return write({"id": execution_id}) if problem is None else write_submit_error(problem, target.ffqn)


def _stub(guest: WorkflowGuest, body: Body) -> str:
    context = guest.context
    try:
        target = parse_execution_id(body.text("id"))
    except IdSyntaxError as error:
        return refused("execution_id_parsing_error", str(error))
    ffqn = context.run.target_of(target) or context.function_of(target)
    if ffqn is None:
        return write_stub_outcome(context.run.stub(target, "", _NO_RETVAL, StubNotFound()))
    try:
        retval = _read_result(context.find_function(ffqn), ffqn, body.mapping("result"))
    except ValueMismatch as error:
        return write_stub_outcome(context.run.stub(target, ffqn, _NO_RETVAL, TypeCheckError(str(error))))
    return write_stub_outcome(context.run.stub(target, ffqn, retval, None))


def _read_result(function: DeployedFunction | None, ffqn: str, result: object) -> Returned:
    if function is None or not isinstance(function.type.result, ResultType):
        raise ValueMismatch("", f"function {ffqn} is not deployed")
    if function.component.runner is not Runner.NONE:
        raise ValueMismatch("", f"{ffqn} is not a stub: it brings its results itself")
    value = read_value(function.type.result, result, path="result")
    return return_codec(function.type.result).to_retval(value)


def _patched(guest: WorkflowGuest, body: Body) -> str:
    patched = guest.context.run.patched(body.text("name"))
    if isinstance(patched, NameInvalid):
        return refused("invalid_name", patched.problem)
    return write({"patched": patched})


def _random(guest: WorkflowGuest, body: Body) -> str:
    run = guest.context.run
    if (numbers := body.integers("u64")) is not None:
        return write({"value": run.random_u64(*numbers)})
    if (lengths := body.integers("string")) is not None:
        return write({"value": run.random_string(*lengths)})
    raise ConstraintViolation("random: write u64 or string")


def _set(body: Body) -> JoinSetId:
    # A set that was made up is no open set of the run, which says so.
    return JoinSetId(body.text("set"))


OPERATIONS: Mapping[str, Callable[[WorkflowGuest, Body], str]] = {
    "call": _call,
    "js_create": _create,
    "js_submit": _submit,
    "js_delay": _delay,
    "js_next": _next,
    "js_try": _try,
    "js_close": _close,
    "js_last": _last_of_set,
    "result": _result,
    "last": _last,
    "sleep": _sleep,
    "new_id": _new_id,
    "schedule": _schedule,
    "stub": _stub,
    "patched": _patched,
    "random": _random,
}
"""Operations that touch the run, and so need its mutex."""
