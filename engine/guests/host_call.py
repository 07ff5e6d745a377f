"""``host.call(op, body) -> answer``: what a guest runtime asks of the engine.

This is the contract with the runtimes. Body and answer are JSON objects. ``params`` is an array, ``value`` any
canonical JSON value (docs/decisions/0003). Moments are integers of microseconds since 1970 (``_us``), and so are
durations. A *schedule* is ``"now"``, ``{"in_us": n}`` or ``{"at_us": n}``. A *set* is the text by which the host knows
a join set (``g:1``, ``n:quotes``). A key followed by ``?`` may be left out.

A *response* is what came back to a join set::

    {"id": "E_..", "ok": value}           the function returned; null where it returns nothing
    {"id": "E_..", "err": value}          the function's error value
    {"id": "E_..", "err": value, "failure": {"kind": "timed_out", "reason": text or null, "detail": text or null}}
                                          the platform ended it; err is how its error type shows that
    {"id": "Delay_..", "ok": null}        a delay ran out
    {"id": "Delay_..", "err": null}       a delay was cancelled

What cannot be done is answered by ``{"refused": code, "message": sentence}``. Requests that the engine can make no
sense of (a body that is no JSON, an unknown set) end the run. So does whatever unwinds a run: then the call does not
return.

Workflows. *Recorded* operations are events, compared on replay; all but ``js_last``, ``result``, ``last`` are::

    op         body                                        answer
    call       {"ffqn", "params", *options}                response; or refused function_not_found, type_check_error,
                                                           ffqn_parsing_error, invalid_options
    js_create  {"name"?}                                   {"set"}; or refused conflict, invalid_name
    js_submit  {"set", "ffqn", "params", *options}         {"id"}; or refused as call
    js_delay   {"set", "schedule"}                         {"id"}
    js_next    {"set", "ffqn"?}                            response; or refused all_processed, which is recorded
    js_try     {"set"}                                     response; or refused pending, all_processed
    js_close   {"set"}                                     {}; waits for what is open
    js_last    {"set"}                                     {"id": text or null}: consumed last from this set
    result     {"id"}                                      the response of a child that was consumed before; or refused
                                                           not_found
    last       {}                                          {"call": id or null, "one_off": id or null}: the child of the
                                                           last call; the member of the last call or sleep
    sleep      {"schedule", "name"?}                       {"expires_at_us", "cancelled": bool}
    new_id     {}                                          {"id"}: a fresh top-level execution id
    schedule   {"ffqn", "params", *options, "schedule",    {"id"}; or refused as call, execution_id_parsing_error;
                "id"?}                                     without an id a fresh one is made
    stub       {"id", "result": {"ok": value}}             {}; or refused execution_not_found, conflict,
               {"id", "result": {"err": value}}            type_check_error, execution_id_parsing_error
    patched    {"name"}                                    {"patched": bool}; or refused invalid_name
    random     {"u64": [low, high inclusive]}              {"value": integer}
    random     {"string": [min, max exclusive]}            {"value": text}

The options of a call are ``given``, ``max_retries``, ``attempt_timeout_us`` and ``labels``; all may be left out.
``given`` is how many of the parameters the code wrote, if the last ones are defaults: on replay a recorded list without
some of those is the same call, made before they existed. The others (an activity's attempts after the first, the
longest time of one, an object of texts) go to the metadata of the creation, and no replay compares them.

Every one of these may say beside its body ``at``, where in the source it is made: a line for each frame, the innermost
first, such as ``order trips.py:42`` or, with the column, ``order trips.js:42:7``. It is stored for people, and no
replay compares it. A runtime for which that is work need not say it, unless the context of ``run`` says ``"traced":
true``; operations that are not recorded may say it then as well.

Where an execution was forked, the answer of the last operation before the fork says ``"reseed": seed`` besides, 32 hex
digits: the runtime's own random numbers go on from that seed. A runtime that draws all its random numbers by ``random``
need not look.

Where a copy of a run is asked, the operation that would wait or go beyond the history is answered by a question,
``{"ask": "locals"}`` or ``{"ask": "query", "name", "params"}``. The guest answers it by ``answered``, which does not
return, with ``{"answer": ..}``: for locals ``{"frames": [{"function", "file", "line", "locals"}]}``, for a query, as
the export ``query`` does, ``{"ok": value}``, ``{"err": sentence, "trace"}`` or ``{"unknown": [names it would know]}``.
A runtime may leave out what it has no answer to; the copy is thrown away then. The context of ``run`` says beforehand
(``"attentive"``) whether seeds or questions may come.

Workflows and activities; nothing is recorded::

    log        {"level": "trace" .. "error", "message"}    {}
    now        {}                                          {"us"}; in a workflow the moment of the newest response that
                                                           it consumed
    info       {}                                          {"execution_id", "function", "parent_id": id or null,
                                                           "created_at_us", "attempt" from 1, "deadline_us": n or null,
                                                           "labels": {name: value}}
    digest     {"hash": name, "data": base64}              {"value": base64}; SHA-1, SHA-256, SHA-384 or SHA-512
    hmac       {"hash": name, "key": base64,               {"value": base64}
                "data": base64}

Activities::

    entropy    {"bytes": n}                                {"value": base64}: random bytes
    pause      {"us"}                                      {} after that time, or a little earlier
    http       {"method", "url", "headers": [[name, value], ..], "body": base64 or null, "timeout_us": n or null,
                "redirect": "follow" or "manual"}          {"status", "headers": [[name, value], ..], "body": base64,
                                                           "url": after redirects}; or refused denied, timeout,
                                                           connect, invalid, protocol
    http_open  as http; timeout_us is for each wait        {"status", "headers", "url", "stream": n}; or refused as http
    http_read  {"stream", "bytes": n}                      {"body": base64}: up to n bytes of the response's body, and
                                                           none at its end; or refused as http, closed
    http_close {"stream"}                                  {}
    http_begin as http                                     {"request": n}; or refused denied, invalid
    http_wait  {"us": n or null}                           {"waited_us"}, and if a request has ended "request": n and
                                                           what http answers, or "failed": code and "message"
    http_cancel {"request": n}                             {}: the request is given up, if it has not ended

Webhook endpoints, besides what activities have; a request's are of one response::

    call       as a workflow's                             as a workflow's; but nothing is recorded of what is
                                                           refused
    schedule   as a workflow's                             as a workflow's
    signal     {"id", "name", "payload"?: value,           {"is_new": false if this signal_id had come before}; or
                "signal_id"?}                              refused not_found, execution_id_parsing_error, and the
                                                           values of `engine.errors.SignalRefusal`
    new_id     {}                                          {"id"}: a fresh top-level execution id
    status     {"id"}                                      {"status": "pending_at", "locked", "blocked_by_join_set",
                                                           "finished", "paused" or "cancelling", "pending_at_us"?: n,
                                                           "finished"?: "ok", "err" or "execution_failure"};
                                                           or refused not_found, execution_id_parsing_error
    get        {"id"}                                      how an execution ended, in the form of a response, once
                                                           it has; or refused not_found, execution_id_parsing_error
    try_get    {"id"}                                      the same; or refused not_finished
    body       {"most": n}                                 {"data": base64, null at the end}: what comes next of the
                                                           request's body; or refused broken
    respond    {"status", "headers": [[name, value], ..]}  {}: sends the head of the response; or refused invalid
    write      {"data": base64}                            {}: sends a piece of its body; or refused closed, invalid

An operation that is not offered where it is asked for is refused ``not_here``.
"""

from __future__ import annotations

from engine.deployment.spec import LogLevel
from engine.errors import ConstraintViolation, RunSuspended
from engine.guests import activity_operations, hashing, webhook_operations, workflow_operations
from engine.guests.answers import DONE, refused, write
from engine.guests.bodies import Body
from engine.guests.call_stacks import read_stack
from engine.guests.contexts import ActivityGuest, Reading, WorkflowGuest, microseconds
from engine.guests.webhook_guest import WebhookGuest
from engine.log.labels import labels_of

_LEVELS = {level.value: level for level in LogLevel}


def workflow_call(guest: WorkflowGuest, op: str, text: str) -> str:
    """Carry out an operation for a workflow.

    Raises:
        WorkflowError: If the run cannot go on.
        RunInterrupted: If it ends here for now.
    """
    operation = workflow_operations.OPERATIONS.get(op)
    if operation is None:
        return _common(guest, op, Body(op, text))
    body = Body(op, text)
    context = guest.context
    at = body.optional_text("at")
    with context.mutex:
        buffer = context.run.buffer
        if at:
            context.call_sites.begin(read_stack(at), buffer.next_version)
        try:
            answer = operation(guest, body)
            context.after_call()
        except RunSuspended:
            if context.question is None:
                raise
            # A throw-away copy has come to where it is asked.
            return context.question.ask()
        context.call_sites.end(buffer.next_version)
        return guest.reseeded(answer) if guest.later_seeds else answer


def activity_call(guest: ActivityGuest, op: str, text: str) -> str:
    """Carry out an operation for an activity.

    Raises:
        ConstraintViolation: If the body is malformed.
    """
    body = Body(op, text)
    operation = activity_operations.OPERATIONS.get(op)
    return _common(guest, op, body) if operation is None else operation(guest, body)


def webhook_call(guest: WebhookGuest, op: str, text: str) -> str:
    """Carry out an operation for a webhook endpoint.

    Raises:
        ConstraintViolation: If the body is malformed.
        Trap: If the request is given up.
    """
    body = Body(op, text)
    operation = webhook_operations.OPERATIONS.get(op)
    return _common(guest, op, body) if operation is None else operation(guest, body)


def reading_call(guest: Reading, op: str, text: str) -> str:
    """Carry out an operation while files are read at deploy: what is printed goes nowhere, all else is refused."""
    return DONE if op == "log" else refused("not_here", f"the operation {op} is not offered while files are read")


def _common(guest: WorkflowGuest | ActivityGuest, op: str, body: Body) -> str:
    match op:
        case "log":
            level = _LEVELS.get(body.text("level"))
            if level is None:
                raise ConstraintViolation(f"log: there is no level {body.text('level')!r}")
            guest.log(level, body.text("message"))
            return DONE
        case "now":
            return write({"us": guest.now_us()})
        case "info":
            return _info(guest)
        case "answered" if isinstance(guest, WorkflowGuest) and guest.context.question is not None:
            guest.context.question.answer(body.mapping("answer"))
            raise RunSuspended
        case "digest":
            return hashing.digest(body)
        case "hmac":
            return hashing.authenticate(body)
        case _:
            return refused("not_here", f"the operation {op} is not offered here")


def _info(guest: WorkflowGuest | ActivityGuest) -> str:
    facts = guest.facts
    return write(
        {
            "execution_id": facts.execution_id,
            "function": facts.ffqn,
            "parent_id": facts.parent_id,
            "created_at_us": microseconds(facts.created_at),
            "attempt": facts.attempt,
            "deadline_us": None if facts.expires_at is None else microseconds(facts.expires_at),
            "labels": {**labels_of(facts.metadata)},
        }
    )
