"""The backend of a webhook endpoint: calls and schedules are recorded and never replayed, and HTTP goes out."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from obelisk.activity_backend import ActivityBackend
from obelisk.backends import Options
from obelisk.errors import SignalRefused
from obelisk.functions import Function
from obelisk.http import Headers
from obelisk.webhooks import Request, Response
from obelisk.workflow_backend import Answer, HostCall, WorkflowBackend, ask, result_of


@dataclass(frozen=True, slots=True)
class _Ended:
    function: Function[..., Any]
    answer: Answer

    def result(self) -> Any:
        return result_of(self.function, self.answer)


class WebhookBackend(ActivityBackend):
    """Carries out calls inside a webhook endpoint.

    Args:
        host: The host's operations.
        paths: The files of the component, whose lines make the calls.
    """

    def __init__(self, host: HostCall, paths: Collection[str] = ()) -> None:
        super().__init__(host)
        self._verb_refusal = lambda verb: f"{verb}() works in workflows; a webhook endpoint answers a request"
        self._calls = WorkflowBackend(host, paths)

    def call(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> Any:
        """Run a function as a child of the request, and wait for its result."""
        return self._calls.call(function, args, kwargs, options)

    def schedule(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> str:
        """Start a top-level execution and return its id."""
        return self._calls.schedule(function, args, kwargs, options)

    def get(self, function: Function[..., Any], execution_id: str, *, waits: bool) -> _Ended | None:
        """See `obelisk.webhooks.Executions`."""
        answer = ask(self._host, "get" if waits else "try_get", {"id": execution_id})
        match answer.get("refused"):
            case "not_finished":
                return None
            case "not_found" | "execution_id_parsing_error":
                raise LookupError(answer["message"])
            case _:
                return _Ended(function, answer)

    def send_signal(
        self, execution_id: str, function: Function[..., Any] | str, payload: Any, *, signal_id: str | None
    ) -> bool:
        """See `obelisk.webhooks.Executions`."""
        for what, value in (("execution_id", execution_id), ("signal_id", signal_id or "")):
            if not isinstance(value, str):
                raise TypeError(f"send_signal(): {what} must be a str, got {value!r:.40}")
        name = function
        if not isinstance(function, str):
            name = function.ffqn
            try:
                payload = function.signature.encode_result(payload)
            except TypeError as error:
                raise SignalRefused("type_check_error", str(error)) from error
        body = {"id": execution_id, "name": name, "payload": payload, "signal_id": signal_id}
        answer = ask(self._host, "signal", body)
        if "refused" in answer:
            raise SignalRefused(answer["refused"], answer["message"])
        is_new: bool = answer["is_new"]
        return is_new


class _ClientGone(Exception):
    """The client takes no more of the response."""


def answer_request(host: HostCall, handler: Any, given: dict[str, Any]) -> None:
    """Have a function answer a request.

    Args:
        host: The host's operations.
        handler: The function.
        given: What the host says of the request.

    Raises:
        TypeError: If the function returns something else than a response.
    """
    response = handler(_request(host, given))
    if not isinstance(response, Response):
        raise TypeError(f"the handler must return a Response, such as Response('ok'), not {type(response).__name__}")
    _checked(ask(host, "respond", {"status": response.status, "headers": response.header_list()}))
    try:
        for piece in response.pieces():
            _checked(ask(host, "write", {"data": base64.b64encode(piece).decode()}))
    except _ClientGone:
        pass  # leaving the loop closes what makes the pieces


def _request(host: HostCall, given: dict[str, Any]) -> Request:
    def read(most: int) -> bytes:
        data = _checked(ask(host, "body", {"most": most}))["data"]
        return b"" if data is None else base64.b64decode(data)

    return Request(
        given["method"],
        given["url"],
        headers=Headers([(name, value) for name, value in given["headers"]]),
        params=given["params"],
        read=read,
    )


def _checked(answer: Answer) -> Answer:
    match answer.get("refused"):
        case None:
            return answer
        case "closed":
            raise _ClientGone
        case "broken":
            raise ConnectionError(answer["message"])
        case _:
            raise ValueError(answer["message"])
