"""The backend of an activity: one step, so nothing durable; HTTP goes through the host's policy."""

from __future__ import annotations

import base64
from typing import Any

from obelisk.backends import Info, Options, RefusingBackend
from obelisk.functions import Function
from obelisk.http import ConnectError, Denied, Error, Request, Response, ResponseStream, Timeout
from obelisk.workflow_backend import Answer, HostCall, ask, read_info

_MOST_AT_ONCE = 1 << 20
_ERRORS = {"denied": Denied, "timeout": Timeout, "connect": ConnectError}


class ActivityBackend(RefusingBackend):
    """Carries out calls inside an activity.

    Args:
        host: The host's operations.
    """

    def __init__(self, host: HostCall) -> None:
        super().__init__(call=_refused_call, verb=lambda verb: f"{verb}() works in workflows; an activity is one step")
        self._host = host
        self._info: Info | None = None

    def call(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> Any:
        """Call another activity or query of the file as the plain function it is."""
        if function.kind in ("activity", "query"):
            return function.fn(*args, **kwargs)
        raise self._permanent(_refused_call(function))

    def info(self) -> Info:
        """Return what is known of the execution."""
        if self._info is None:
            self._info = read_info(ask(self._host, "info", {}))
        return self._info

    def http(self, request: Request) -> Response:
        """Send a request, if the deployment and the operator allow it."""
        answer = _ask_http(self._host, "http", _body(request))
        return Response(content=base64.b64decode(answer["body"]), **_head(answer))

    def http_stream(self, request: Request) -> ResponseStream:
        """Send a request, if it is allowed, and return when the head of the answer is there."""
        answer = _ask_http(self._host, "http_open", _body(request))
        return ResponseStream(_Body(self._host, answer["stream"]), **_head(answer))

    def _refusal(self, verb: str) -> Exception:
        return self._permanent(self._verb_refusal(verb))

    @staticmethod
    def _permanent(message: str) -> Exception:
        # Another attempt would be refused as well.
        error = RuntimeError(message)
        error.is_permanent = True  # type: ignore[attr-defined]  # read by obelisk.errors.is_permanent
        return error


class _Body:
    """The host's side of an answer that is read piece by piece."""

    def __init__(self, host: HostCall, number: int) -> None:
        self._host = host
        self._number = number

    def read(self, most: int) -> bytes:
        answer = _ask_http(self._host, "http_read", {"stream": self._number, "bytes": min(most, _MOST_AT_ONCE)})
        return base64.b64decode(answer["body"])

    def close(self) -> None:
        ask(self._host, "http_close", {"stream": self._number})


def _body(request: Request) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
        "body": None if request.content is None else base64.b64encode(request.content).decode(),
        "timeout_us": round(request.timeout * 1_000_000),
        "redirect": "follow" if request.follow_redirects else "manual",
    }


def _head(answer: Answer) -> dict[str, Any]:
    headers = [(name, value) for name, value in answer["headers"]]
    return {"status": answer["status"], "headers": headers, "url": answer["url"]}


def _ask_http(host: HostCall, op: str, body: dict[str, Any]) -> Answer:
    answer = ask(host, op, body)
    if "refused" in answer:
        raise _ERRORS.get(answer["refused"], Error)(answer["message"])
    return answer


def _refused_call(function: Function[..., Any]) -> str:
    return f"an activity cannot call the {function.kind} {function.name}; do that in the workflow"
