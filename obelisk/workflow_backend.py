"""The backend of a workflow: every call and verb becomes an operation of the host, recorded and replayed.

The host answers with JSON (the table of operations is the engine's, ``engine/guests/host_call.py``). A wait that is not
over does not return: the host unwinds the sandbox, and another run comes back to the same place by replay.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

from obelisk.backends import NO_OPTIONS, Info, Options
from obelisk.errors import ChildError
from obelisk.functions import Function
from obelisk.http import Request, Response, ResponseStream
from obelisk.join_sets import JoinSet
from obelisk.json_text import dump, load

HostCall = Callable[[str, str], str]
"""Takes an operation and its body, a JSON object; returns the answer, a JSON object."""

Answer = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_FRAMES = 16
_NO_NETWORK = "a workflow has no network; call an activity"


def ask(host: HostCall, op: str, body: dict[str, Any]) -> Answer:
    """Carry out an operation of the host."""
    answer: Answer = load(host(op, dump(body)))
    return answer


def read_info(answer: Answer) -> Info:
    """Return the answer of the operation ``info`` as its class."""
    deadline = answer["deadline_us"]
    return Info(
        execution_id=answer["execution_id"],
        function=answer["function"],
        parent_id=answer["parent_id"],
        created_at=moment(answer["created_at_us"]),
        attempt=answer["attempt"],
        deadline=None if deadline is None else moment(deadline),
        labels=answer["labels"],
    )


def moment(microseconds: int) -> datetime:
    """Return a moment from microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


@dataclass(eq=False, slots=True)
class _Scope:
    """A ``timeout`` that is being waited in."""

    deadline_us: int
    limit: timedelta

    def error(self) -> TimeoutError:
        return TimeoutError(f"the timeout of {self.limit} is over")


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a member ended; ``function`` is ``None`` for a timer."""

    function: Function[..., Any] | None
    answer: Answer

    def result(self) -> Any:
        return None if self.function is None else result_of(self.function, self.answer)


def result_of(function: Function[..., Any], answer: Answer) -> Any:
    """Return the result in a response, or raise its error."""
    if "ok" in answer:
        return function.signature.decode_result(answer["ok"])
    raise _error_of(function, answer)


def _error_of(function: Function[..., Any], answer: Answer) -> Exception:
    if "refused" in answer:
        if answer["refused"] == "invalid_options":
            return ValueError(f"{function.name}.using(): {answer['message']}")
        return ChildError(function.ffqn, None, answer["message"], "uncategorized")
    failure = answer.get("failure")
    if failure is not None:
        return ChildError(function.ffqn, answer["id"], failure["reason"] or failure["kind"], failure["kind"])
    value = answer["err"]
    declared = function.signature.decode_error(value)
    return declared or ChildError(function.ffqn, answer["id"], function.signature.error_text(value))


class WorkflowBackend:
    """Carries out calls and verbs inside a workflow.

    Args:
        host: The host's operations.
        paths: The files of the component, whose lines make the calls.
    """

    def __init__(self, host: HostCall, paths: Collection[str] = ()) -> None:
        self._host = host
        self._paths = paths
        self._lines: dict[tuple[int, int], str] = {}
        self._scopes: list[_Scope] = []
        self._patches: dict[str, bool] = {}
        self._info: Info | None = None

    def call(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> Any:
        """Call a function and wait for its result."""
        if function.kind == "query":
            return function.fn(*args, **kwargs)
        _check_not_later(function, options)
        body = self._call_body(function, args, kwargs, options)
        if self._scopes:
            return self._call_within(function, body)
        return result_of(function, self.ask("call", body))

    def _call_within(self, function: Function[..., Any], body: str) -> Any:
        """Call a function, and give up when the timeout around it is over."""
        members = _Members(self, self.ask("js_create", '"name":null')["set"])
        try:
            members.submit_body(function, body)
            return members.next()[1].result()
        finally:
            members.close()

    def _call_body(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> str:
        """Return the members of a call's body, as text: every call has them, and most of them are the same."""
        signature = function.signature
        body = f"{function.call_head}{dump(signature.encode_params(args, kwargs))}"
        given = signature.count_given(args, kwargs)
        if given != len(signature.params):
            # Earlier code may have recorded the call before the parameters that are left out here were added.
            body = f'{body},"given":{given}'
        return body if options is NO_OPTIONS else f"{body}{_options_text(options)}"

    def join_set(self, name: str | None) -> JoinSet:
        """Open a join set.

        Raises:
            ValueError: If the name is not allowed or was used before.
        """
        answer = self.ask("js_create", f'"name":{dump(name)}')
        if "refused" in answer:
            raise ValueError(answer["message"])
        return JoinSet(_Members(self, answer["set"]))

    @contextmanager
    def timeout(self, limit: timedelta) -> Iterator[None]:
        """Limit all waiting inside."""
        scope = _Scope(self.now_us() + max(limit, timedelta()) // _MICROSECOND, limit)
        self._scopes.append(scope)
        try:
            yield
        finally:
            self._scopes.remove(scope)

    def sleep(self, until: timedelta | datetime) -> None:
        """Wait for a while or until a moment; a timeout around it may be over first."""
        scope = self.scope
        if scope is not None and self._end_of(until) > scope.deadline_us:
            self.ask("sleep", _schedule_text({"at_us": scope.deadline_us}))
            raise scope.error()
        answer = self.ask("sleep", _schedule_text(_schedule(until)))
        if answer["cancelled"]:
            raise ChildError("sleep", None, "the timer was cancelled", "cancelled")

    def schedule(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> str:
        """Start a top-level execution and return its id."""
        body = self._call_body(function, args, kwargs, options)
        schedule = _schedule_text("now" if options.start is None else _schedule(options.start))
        answer = self.ask("schedule", f"{schedule},{body}")
        if "refused" in answer:
            raise _error_of(function, answer)
        execution_id: str = answer["id"]
        return execution_id

    def answer(self, function: Function[..., Any], child_id: str, value: Any) -> None:
        """Complete a stub with a result or an exception.

        Raises:
            ValueError: If there is no such stub, or it has another result already.
        """
        if isinstance(value, Exception):
            result = {"err": function.signature.encode_error(value)}
        else:
            result = {"ok": function.signature.encode_result(value)}
        answer = self.ask("stub", f'"id":{dump(child_id)},"result":{dump(result)}')
        if "refused" in answer:
            raise ValueError(answer["message"])

    def patched(self, name: str) -> bool:
        """Tell whether the new path is to be taken; the first answer for a name holds."""
        if name not in self._patches:
            answer = self.ask("patched", f'"name":{dump(name)}')
            if "refused" in answer:
                raise ValueError(answer["message"])
            self._patches[name] = answer["patched"]
        return self._patches[name]

    def info(self) -> Info:
        """Return what is known of the execution."""
        if self._info is None:
            self._info = read_info(ask(self._host, "info", {}))
        return self._info

    def http(self, request: Request) -> Response:
        """Refuse: what a workflow fetched could not be replayed."""
        raise RuntimeError(_NO_NETWORK)

    def http_stream(self, request: Request) -> ResponseStream:
        """Refuse, for the same reason."""
        raise RuntimeError(_NO_NETWORK)

    # For join sets and the clock.

    @property
    def scope(self) -> _Scope | None:
        """The timeout that is over first, if there is any."""
        return min(self._scopes, key=lambda scope: scope.deadline_us) if self._scopes else None

    def is_waiting_in(self, scope: _Scope) -> bool:
        """Whether the code is still inside a timeout."""
        return scope in self._scopes

    def ask(self, op: str, body: str) -> Answer:
        """Carry out an operation that is recorded, and tell where in the source it is made.

        Args:
            op: Its name.
            body: The members of its body, as text: a call that is made often should not be longer than it must.
        """
        answer: Answer = load(self._host(op, f'{{{body},"at":{dump(self._place())}}}'))
        return answer

    def _place(self) -> str:
        """Return the frames of the component's files that wait for this call, the innermost first."""
        lines: list[str] = []
        # Between here and the component's own code are at least `ask`, the backend's method and the verb.
        frame: FrameType | None = sys._getframe(4)
        while frame is not None and len(lines) < _MOST_FRAMES:
            code = frame.f_code
            if code.co_filename in self._paths:
                # A loop makes the same call again and again, and to find a line takes longer than to look it up.
                key = id(code), frame.f_lasti
                line = self._lines.get(key)
                if line is None:
                    line = self._lines[key] = f"{code.co_qualname} {code.co_filename}:{frame.f_lineno}"
                lines.append(line)
            frame = frame.f_back
        return "\n".join(lines)

    def now_us(self) -> int:
        """Return the moment of the newest response that was taken in."""
        now: int = ask(self._host, "now", {})["us"]
        return now

    def _end_of(self, until: timedelta | datetime) -> int:
        if isinstance(until, datetime):
            return int(_schedule(until)["at_us"])
        return self.now_us() + until // _MICROSECOND


class _Members:
    """The host's side of one join set."""

    def __init__(self, backend: WorkflowBackend, join_set: str) -> None:
        self._backend = backend
        self.name = join_set
        self._set_text = f'"set":{dump(join_set)}'
        self._functions: dict[str, Function[..., Any] | None] = {}
        self._timeouts: dict[str, _Scope] = {}

    def submit(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> str:
        _check_not_later(function, options)
        return self.submit_body(function, self._backend._call_body(function, args, kwargs, options))

    def submit_body(self, function: Function[..., Any], body: str) -> str:
        answer = self._backend.ask("js_submit", f"{self._set_text},{body}")
        if "refused" in answer:
            raise _error_of(function, answer)
        return self._note(answer["id"], function)

    def submit_delay(self, until: timedelta | datetime) -> str:
        return self._note(self._delay(_schedule(until)), None)

    def _delay(self, schedule: dict[str, int]) -> str:
        member: str = self._backend.ask("js_delay", f"{self._set_text},{_schedule_text(schedule)}")["id"]
        return member

    def next(self) -> tuple[str, _Ended]:
        scope = self._backend.scope
        if scope is not None and scope not in self._timeouts.values():
            self._timeouts[self._delay({"at_us": scope.deadline_us})] = scope
        while True:
            found = self._take(self._backend.ask("js_next", self._set_text))
            if found is not None:
                return found

    def try_next(self) -> tuple[str, _Ended] | None:
        while True:
            answer = self._backend.ask("js_try", self._set_text)
            if "refused" in answer:
                return None
            found = self._take(answer)
            if found is not None:
                return found

    def close(self) -> None:
        self._backend.ask("js_close", self._set_text)

    def _take(self, answer: Answer) -> tuple[str, _Ended] | None:
        """Return the member that an answer is about; ``None`` for the timer of a timeout that was left before."""
        scope = self._timeouts.pop(answer["id"], None)
        if scope is None:
            return answer["id"], _Ended(self._functions[answer["id"]], answer)
        if self._backend.is_waiting_in(scope):
            raise scope.error()
        return None

    def _note(self, member: str, function: Function[..., Any] | None) -> str:
        self._functions[member] = function
        return member


def _check_not_later(function: Function[..., Any], options: Options) -> None:
    if options.start is not None:
        raise TypeError(f"{function.name}.using(after=..., at=...) works with schedule() only")


def _options_text(options: Options) -> str:
    """Return what options add to a call's body."""
    timeout = options.attempt_timeout
    members = {
        "max_retries": options.max_retries,
        "attempt_timeout_us": None if timeout is None else timeout // _MICROSECOND,
        "labels": options.labels,
    }
    return "".join(f',"{name}":{dump(value)}' for name, value in members.items() if value is not None)


def _schedule_text(schedule: str | dict[str, int]) -> str:
    return f'"schedule":{dump(schedule)}'


def _schedule(until: timedelta | datetime) -> dict[str, int]:
    if isinstance(until, timedelta):
        return {"in_us": max(until, timedelta()) // _MICROSECOND}
    if not isinstance(until, datetime):
        raise TypeError(f"expected a timedelta or a datetime, got {until!r}")
    if until.utcoffset() is None:
        raise ValueError("a datetime needs a time zone; write e.g. datetime.now(timezone.utc)")
    return {"at_us": (until - _EPOCH) // _MICROSECOND}
