"""``host.call(op, body) -> answer``: what a guest runtime asks of the engine.

This table is the contract with the runtimes. Body and answer are JSON objects. ``params`` is an array, ``value`` any
canonical JSON value (docs/decisions/0003). Moments are integers of microseconds since 1970 (``_us``), and so are
durations. A *schedule* is ``"now"``, ``{"in_us": n}`` or ``{"at_us": n}``. A *set* is the text by which the host knows
a join set (``g:1``, ``n:quotes``).

A *response* is what came back to a join set::

    {"id": "E_..", "ok": value}                                  the function returned; null where it returns nothing
    {"id": "E_..", "err": value}                                 the function's error value
    {"id": "E_..", "err": value, "failure": {"kind": "timed_out", "reason": .., "detail": ..}}
                                                                 the platform ended it; err is its projection
    {"id": "Delay_..", "ok": null}, {"id": "Delay_..", "err": null}   a delay ran out, or was cancelled

What cannot be done is answered by ``{"refused": code, "message": sentence}``. Requests that the engine cannot make
sense of at all (a body that is no JSON, an unknown set) end the run as a constraint violation.

Workflows; every operation that the table calls *recorded* is an event and is compared on replay:

=============  =======================================================  ==================================================
op             body                                                     answer
=============  =======================================================  ==================================================
call           {"ffqn", "params", "line"?, "options"?}                  response, or refused ``function_not_found``,
                                                                        ``type_check_error``, ``ffqn_parsing_error``
js_create      {"name": str or null}                                    {"set"}, or refused ``conflict``, ``invalid_name``
js_submit      {"set", "ffqn", "params", "line"?, "options"?}           {"id"}, or refused as ``call``
js_delay       {"set", "schedule"}                                      {"id"}
js_next        {"set", "ffqn"?}                                         response, or refused ``all_processed`` (recorded)
js_try         {"set"}                                                  response, or refused ``pending``, ``all_processed``
js_close       {"set"}                                                  {}; waits for the open members
js_last        {"set"}                                                  {"id": str or null}: consumed last from it
result         {"id"}                                                   a response that was consumed already, again;
                                                                        refused ``not_found``
last           {}                                                       {"call": id or null, "one_off": id or null}: the
                                                                        child of the last ``call``; its or ``sleep``'s member
sleep          {"schedule", "name"?}                                    {"expires_at_us", "cancelled": bool}
new_id         {}                                                       {"id"}: a fresh top-level execution id (recorded)
schedule       {"ffqn", "params", "schedule", "id"?, "options"?}        {"id"}, or refused as ``call``; without ``id`` a
                                                                        fresh one is made (recorded)
stub           {"id", "result": {"ok": value} or {"err": value}}        {}, or refused ``execution_not_found``,
                                                                        ``conflict``, ``type_check_error``
patched        {"name"}                                                 {"patched": bool}
random         {"u64": [low, high inclusive]}                           {"value": int} (recorded)
random         {"string": [min length, max length exclusive]}           {"value": str} (recorded)
=============  =======================================================  ==================================================

Workflows and activities:

=============  =======================================================  ==================================================
log            {"level": "trace".."error", "message"}                   {}
now            {}                                                       {"us"}: in a workflow the moment of the newest
                                                                        response it consumed, never recorded
info           {}                                                       {"execution_id", "function", "parent_id" or null,
                                                                        "created_at_us", "attempt" from 1,
                                                                        "deadline_us", "labels": {}}
=============  =======================================================  ==================================================

Activities (in a workflow refused ``no_network``):

=============  =======================================================  ==================================================
http           {"method", "url", "headers": [[name, value], ..],        {"status", "headers": [[name, value], ..],
               "body": base64 or null, "timeout_us": n,                 "body": base64, "url": after redirects}, or
               "redirect": "follow" or "manual"}                        refused ``denied``, ``timeout``, ``connect``,
                                                                        ``invalid``, ``too_large``
=============  =======================================================  ==================================================

Workflow operations in an activity are refused ``not_in_activity``.
"""

from __future__ import annotations
