"""One call of one function."""

from __future__ import annotations

import json
import os
import random
import time
from datetime import timedelta
from typing import Any

from engine.guests.python.runtime import output
from engine.guests.python.runtime.attention import attentive
from engine.guests.python.runtime.heap import heap
from engine.guests.python.runtime.loading import Artefact, Program
from engine.guests.python.runtime.output import HostCall
from engine.guests.python.runtime.questions import answer_query
from engine.guests.python.runtime.tracebacks import format_error
from obelisk import errors
from obelisk.activity_backend import ActivityBackend
from obelisk.backends import Backend, active
from obelisk.functions import Function
from obelisk.signatures import describe_error
from obelisk.webhook_backend import WebhookBackend, answer_request
from obelisk.workflow_backend import WorkflowBackend

_MICROSECOND = timedelta(microseconds=1)
_PAUSE_US = 50_000
"""An activity that sleeps asks again that often, so that it can be interrupted in between."""

_kept: dict[str, Program] = {}
"""The component, once it is imported: an instance serves one component, and may serve several calls."""

_dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def run(host: HostCall, kind: str, artefact: str, function: str, params: str, context: dict[str, Any]) -> str:
    """Call a function and return its result or error (``engine/guests/wit/world.wit`` has the form)."""
    random.seed(int(context["seed"], 16))
    os.environ.clear()
    os.environ.update(context["env"])
    output.install(host)
    target: Function[..., Any] | None = None
    program = _kept.get(artefact) or Program(Artefact.load(artefact))
    if context["attentive"]:
        host = attentive(host, program)
    backend = _backend_of(kind, host, program)
    time.sleep = _sleep_of(host, backend)
    try:
        if not _kept:
            program.import_all()
            _kept[artefact] = program
        target = program.find(kind, function)
        is_raw = program.artefact.single is not None and program.artefact.single[2]
        with active(backend):
            if kind == "webhook":
                answer_request(host, target.fn, json.loads(params)[0])
                answer: dict[str, Any] = {"ok": None}
            else:
                answer = {"ok": _call_raw(target, params) if is_raw else _call(target, params)}
    except BaseException as error:  # noqa: BLE001  # whatever leaves the function is its error value
        answer = _failed(program, target, error)
        output.send_line(host, "error", answer["trace"])
    output.finish()
    if kind == "activity" and heap.has_grown():
        answer["retire"] = True
    return _dump(answer)


def query(name: str, params: str) -> str:
    """Answer a query after `run` has returned."""
    (program,) = _kept.values()
    return _dump(answer_query(program, name, json.loads(params)))


def _backend_of(kind: str, host: HostCall, program: Program) -> Backend:
    match kind:
        case "workflow":
            return WorkflowBackend(host, program.paths)
        case "webhook":
            return WebhookBackend(host, program.paths)
        case _:
            return ActivityBackend(host)


def forget() -> None:
    """Forget the component that was imported."""
    _kept.clear()
    heap.forget()


def _call(function: Function[..., Any], params: str) -> Any:
    signature = function.signature
    try:
        args = signature.decode_params(json.loads(params))
    except TypeError as error:
        error.is_permanent = True  # type: ignore[attr-defined]  # the parameters stay the same
        raise
    result = function.fn(*args)
    try:
        return signature.encode_result(result)
    except TypeError as error:
        error.is_permanent = True  # type: ignore[attr-defined]  # a bug, not bad luck
        raise


def _call_raw(function: Function[..., Any], params: str) -> Any:
    """Call a function whose types stand in the deployment file: it takes and returns JSON data."""
    return function.fn(*json.loads(params))


def _failed(program: Program, function: Function[..., Any] | None, error: BaseException) -> dict[str, Any]:
    program.show_sources()
    answer: dict[str, Any] = {
        "err": _error_value(program, function, error),
        "trace": format_error(error, program.paths),
    }
    if isinstance(error, MemoryError):
        # What the sandbox took it never gives back.
        answer["retire"] = True
    if errors.is_permanent(error):
        answer["permanent"] = True
    after = errors.retry_after(error)
    if after is not None:
        answer["retry_after_us"] = after // _MICROSECOND
    return answer


def _error_value(program: Program, function: Function[..., Any] | None, error: BaseException) -> Any:
    is_raw = program.artefact.single is not None and program.artefact.single[2]
    if function is None or is_raw or function.kind == "webhook":
        return describe_error(error)
    try:
        return function.signature.encode_error(error)
    except TypeError as failure:
        return function.signature.encode_error(failure)


def _sleep_of(host: HostCall, backend: Backend) -> Any:
    def sleep(seconds: float, /) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        if isinstance(backend, WorkflowBackend):
            backend.sleep(timedelta(seconds=seconds))
            return
        left_us = round(seconds * 1_000_000)
        while left_us > 0:
            host("pause", _dump({"us": min(left_us, _PAUSE_US)}))
            left_us -= _PAUSE_US

    return sleep
