"""The stepper's steps, one function for each; a workflow of these is what a test has executed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.harness.components import PROBE

Step = str | dict[str, Any]
Schedule = str | dict[str, Any]
IdRef = dict[str, Any]

NOW: Schedule = "now"


def after_ms(milliseconds: int) -> Schedule:
    return {"in": {"milliseconds": milliseconds}}


def at_s(seconds: int) -> Schedule:
    return {"at": {"seconds": seconds, "nanoseconds": 0}}


def of_step(number: int) -> IdRef:
    """Refer to the execution that a former step named."""
    return {"step": number}


def of_text(text: str) -> IdRef:
    return {"text": text}


def params_of(steps: Sequence[Step]) -> list[Any]:
    """Return the parameters of ``run`` and ``run-cancellable``."""
    return [list(steps)]


def create(name: str | None = None) -> Step:
    return "create_join_set" if name is None else {"create_join_set_named": name}


def close(join_set: int = 0) -> Step:
    return {"close": join_set}


def drop(join_set: int = 0) -> Step:
    return {"drop": join_set}


def drop_all() -> Step:
    return "drop_all"


def join_set_id(join_set: int = 0) -> Step:
    return {"join_set_id": join_set}


def join_set_last_id(join_set: int = 0) -> Step:
    return {"join_set_last_id": join_set}


def submit(join_set: int, function: str, *params: Any, interface: str = PROBE) -> Step:
    return {"submit": {"join_set": join_set, **_call(interface, function, params)}}


def submit_raw(join_set: int, interface: str, function: str, params: str) -> Step:
    arguments = {"interface_name": interface, "function_name": function, "params": params}
    return {"submit": {"join_set": join_set, **arguments}}


def submit_delay(join_set: int, timeout: Schedule) -> Step:
    return {"submit_delay": {"join_set": join_set, "timeout": timeout}}


def join_next(join_set: int = 0) -> Step:
    return {"join_next": join_set}


def join_next_try(join_set: int = 0) -> Step:
    return {"join_next_try": join_set}


def get_result(execution: IdRef) -> Step:
    return {"get_result": execution}


def failure_kind(execution: IdRef) -> Step:
    return {"failure_kind": execution}


def sleep(schedule: Schedule, name: str | None = None) -> Step:
    return {"sleep": {"schedule_at": schedule, "name": name}}


def random_u64(low: int, high_exclusive: int) -> Step:
    return {"random_u64": {"min": low, "max": high_exclusive}}


def random_u64_inclusive(low: int, high: int) -> Step:
    return {"random_u64_inclusive": {"min": low, "max": high}}


def random_string(min_length: int, max_length_exclusive: int) -> Step:
    return {"random_string": {"min": min_length, "max": max_length_exclusive}}


def current_id() -> Step:
    return "execution_id_current"


def generate_id() -> Step:
    return "execution_id_generate"


def last_direct_call_id() -> Step:
    return "last_direct_call_id"


def last_oneoff_id() -> Step:
    return "last_oneoff_id"


def schedule(execution: IdRef, at: Schedule, function: str, *params: Any, interface: str = PROBE) -> Step:
    return {"schedule": {"execution_id": execution, "schedule_at": at, **_call(interface, function, params)}}


def call(function: str, *params: Any, interface: str = PROBE) -> Step:
    return {"call": _call(interface, function, params)}


def call_raw(interface: str, function: str, params: str) -> Step:
    return {"call": {"interface_name": interface, "function_name": function, "params": params}}


def stub(execution: IdRef, result: Any) -> Step:
    return {"stub": {"execution_id": execution, "result_json": json.dumps(result)}}


def stub_raw(execution: IdRef, result_json: str) -> Step:
    return {"stub": {"execution_id": execution, "result_json": result_json}}


def typed_call(a: int, b: int) -> Step:
    return {"typed_call": {"a": a, "b": b}}


def typed_submit(join_set: int, a: int, b: int) -> Step:
    return {"typed_submit": {"join_set": join_set, "a": a, "b": b}}


def typed_await_next(join_set: int = 0) -> Step:
    return {"typed_await_next": join_set}


def typed_get(execution: IdRef) -> Step:
    return {"typed_get": execution}


def typed_schedule(at: Schedule, a: int, b: int) -> Step:
    return {"typed_schedule": {"schedule_at": at, "a": a, "b": b}}


def log(level: str, message: str) -> Step:
    return {"log": {"level": level, "message": message}}


def fail(reason: str) -> Step:
    return {"fail": reason}


def return_early() -> Step:
    return "return_early"


def panic() -> Step:
    return "panic"


def spin() -> Step:
    return "spin"


def _call(interface: str, function: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"interface_name": interface, "function_name": function, "params": json.dumps(list(params))}
