"""What a script must lead to: an account of its results that owes nothing to the engine's own replay."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from engine.executor.cron_seeds import TICK
from engine.log.events import (
    CancellationRequested,
    ChildFinished,
    Created,
    Finished,
    LogEntry,
    Response,
    Scheduled,
    TemporarilyFailed,
    TemporarilyTimedOut,
    Unlocked,
)
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind, ReturnValue
from engine.simulation.seeded.deployment import PERIOD
from engine.simulation.seeded.people import OUTSIDE
from engine.simulation.seeded.scripts import Script

_ANSWERS = (OUTSIDE, "inside")


def retval_of(log: Sequence[LogEntry]) -> ReturnValue:
    """Return how a finished execution ended."""
    end = log[-1].event
    assert isinstance(end, Finished)
    return end.retval


def shown(retval: ReturnValue) -> dict[str, str | None]:
    """Return what a workflow sees of a child's end."""
    if isinstance(retval, Failed):
        return {"err": '"execution_failed"'}
    assert retval.payload is not None
    return {"ok" if retval.ok else "err": retval.payload.value}


def judge_gate(log: Sequence[LogEntry]) -> str | None:
    """Return what is wrong with the end of a stub; ``None`` if nothing is."""
    retval = retval_of(log)
    if isinstance(retval, Failed):
        return _judge_failure(log, retval, may_time_out=False, may_trap=False)
    return None if retval.ok and json.loads(shown(retval)["ok"] or "") in _ANSWERS else f"nobody answered {retval}"


def judge_schedule(log: Sequence[LogEntry]) -> str | None:
    """Return what is wrong with a schedule's ticks; ``None`` if nothing is. To be asked where all clocks were right."""
    last, started = None, 0
    for entry in log:
        match entry.event:
            case Created(scheduled_at=first_tick):
                last = first_tick
            case Scheduled():
                started += 1
            case Unlocked(backoff_expires_at=tick, reason=reason) if reason.startswith(TICK):
                assert last is not None
                if tick <= last:
                    return f"behind the tick of {last} comes that of {tick}"
                if started > (tick - last) // PERIOD + 1:
                    return f"between {last} and {tick} it started {started} times"
                last, started = tick, 0
            case _:
                pass
    return None


def judge_activity(log: Sequence[LogEntry], script: dict[str, Any], max_retries: int, completed: int) -> str | None:
    """Return what is wrong with the end of an activity; ``None`` if nothing is.

    Args:
        log: Its log.
        script: What it does.
        max_retries: How often it may be tried again.
        completed: How many attempts had their whole effect.
    """
    failures = sum(isinstance(entry.event, TemporarilyFailed | TemporarilyTimedOut) for entry in log)
    if failures > max_retries:
        return f"it failed {failures} times and went on"
    retval = retval_of(log)
    is_last = failures == max_retries
    attempt = failures + 1
    if isinstance(retval, Failed):
        may_trap = is_last and attempt <= script["trap"]
        return _judge_failure(log, retval, may_time_out=is_last, may_trap=may_trap)
    text = json.loads(next(iter(shown(retval).values())) or "")
    if not retval.ok:
        is_right = text == f"{script['tag']} failed" and is_last and script["trap"] < attempt <= script["fail"]
        return None if is_right else f"it returned the error {text} at attempt {attempt}"
    if text != script["tag"] or attempt <= script["fail"]:
        return f"it returned {text} at attempt {attempt}"
    return None if completed else "it succeeded, and no attempt ever did"


def _judge_failure(log: Sequence[LogEntry], failure: Failed, *, may_time_out: bool, may_trap: bool) -> str | None:
    match failure.kind:
        case FailureKind.CANCELLED:
            is_right = any(isinstance(entry.event, CancellationRequested) for entry in log)
        case FailureKind.TIMED_OUT:
            is_right = may_time_out
        case FailureKind.UNCATEGORIZED:
            is_right = may_trap
        case _:
            is_right = False
    return None if is_right else f"it failed: {failure}"


def judge_workflow(
    execution_id: ExecutionId,
    log: Sequence[LogEntry],
    responses: Sequence[Response],
    script: Script,
    logs: dict[ExecutionId, list[LogEntry]],
) -> str | None:
    """Return what is wrong with the end of a workflow; ``None`` if nothing is.

    Args:
        execution_id: Which one.
        log: Its log.
        responses: What it received, in order.
        script: Its steps.
        logs: Those of all executions.
    """
    retval = retval_of(log)
    ending = script[-1] if script[-1][0] in ("fail", "trap") else None
    if isinstance(retval, Failed):
        return _judge_failure(log, retval, may_time_out=False, may_trap=ending == ["trap"])
    assert retval.payload is not None
    text = json.loads(retval.payload.value)
    if not retval.ok:
        return None if ending == ["fail", text] else f"it returned the error {text}"
    if ending is not None:
        return "it returned, and does not by its script"
    outcomes = json.loads(text)
    if len(outcomes) != len(script):
        return f"it took {len(outcomes)} steps of {len(script)}"
    account = _Account(execution_id, responses, logs)
    for number, (step, outcome) in enumerate(zip(script, outcomes, strict=True)):
        if problem := account.judge(step, outcome, outcomes):
            return f"step {number} {step[:2]} came to {outcome}, but {problem}"
    return None


class _Account:
    """What a workflow submitted, and what came back, in order."""

    def __init__(
        self,
        execution_id: ExecutionId,
        responses: Sequence[Response],
        logs: dict[ExecutionId, list[LogEntry]],
    ) -> None:
        self._id = execution_id
        self._responses = responses
        self._logs = logs
        self._arrivals: dict[int, Iterator[Response]] = {}
        self._open: dict[int, int] = {}
        self._children: dict[int, int] = {}
        self._one_offs = 0

    def judge(self, step: list[Any], outcome: Any, outcomes: list[Any]) -> str | None:
        """Return what is wrong with the outcome of the next step."""
        match step:
            case ["set", join_set]:
                self._arrivals[join_set] = self._arrivals_at(f"n:s{join_set}")
                self._open[join_set] = self._children[join_set] = 0
            case ["submit", join_set, *_]:
                self._open[join_set] += 1
                self._children[join_set] += 1
                child = f"{self._id}.n:s{join_set}_{self._children[join_set]}"
                return _unlike(outcome, {"ok": {"id": child}})
            case ["delay", join_set, _]:
                self._open[join_set] += 1
            case ["next", join_set]:
                return self._judge_next(join_set, outcome)
            case ["try", join_set]:
                if outcome == {"err": "pending"}:
                    return None if self._open[join_set] else "nothing was to come"
                return self._judge_next(join_set, outcome)
            case ["call", *_]:
                return self._judge_call(outcome)
            case ["sleep", _]:
                self._one_offs += 1
                return _unlike(outcome, "slept")
            case ["random", most]:
                return None if 0 <= outcome <= most else "that is out of range"
            case ["answer", submitted, text]:
                gate = outcomes[submitted]["ok"]["id"]
                is_ours = shown(retval_of(self._logs[gate])) == {"ok": json.dumps(text)}
                return _unlike(outcome, {"ok": None} if is_ours else {"err": "conflict"})
            case ["schedule", *_]:
                new_id, scheduled = outcome
                if new_id["id"] not in self._logs:
                    return "there is no such execution"
                return _unlike(scheduled, {"ok": None})
            case _:
                pass  # what closing a join set and computing come to shows elsewhere
        return None

    def _judge_next(self, join_set: int, outcome: Any) -> str | None:
        if not self._open[join_set]:
            return _unlike(outcome, {"err": "all_processed"})
        self._open[join_set] -= 1
        return self._judge_response(next(self._arrivals[join_set], None), outcome)

    def _judge_call(self, outcome: Any) -> str | None:
        self._one_offs += 1
        response = next(self._arrivals_at(f"o:{self._one_offs}-"), None)
        if response is None or not isinstance(response.event, ChildFinished):
            return "there was no response"
        if problem := _unlike(outcome["child"], {"id": response.event.child_execution_id}):
            return problem
        return self._judge_response(response, outcome["result"])

    def _judge_response(self, response: Response | None, outcome: Any) -> str | None:
        if response is None:
            return "nothing arrived"
        event = response.event
        if isinstance(event, ChildFinished):
            return _unlike(outcome, {"ok": shown(retval_of(self._logs[event.child_execution_id]))})
        return _unlike(outcome, {"ok": {"err" if event.cancelled else "ok": None}})

    def _arrivals_at(self, prefix: str) -> Iterator[Response]:
        return iter([response for response in self._responses if response.join_set_id.startswith(prefix)])


def _unlike(outcome: object, expected: object) -> str | None:
    return None if outcome == expected else f"{expected} is right"
