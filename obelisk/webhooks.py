"""Answering HTTP requests: what a ``[[webhook_endpoint_py]]`` file is made of.

For example::

    from obelisk import Request, Response, schedule, webhook
    from stars import record_star

    @webhook
    def handle(request: Request) -> Response:
        event = request.json()
        return Response.json({"execution_id": schedule(record_star, event["sender"]["login"])}, status=202)

The function may call, schedule, `get` and `try_get` executions, and send them signals; a call waits for its result as
in a workflow, but nothing is replayed: a request that breaks off is over.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable
from urllib.parse import parse_qs, urlsplit

from obelisk import backends
from obelisk.functions import Function
from obelisk.http import Headers

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

CHUNK = 64 << 10
"""Bytes that are read and written at a time."""


class Request:
    """A request; its body is read when it is asked for.

    Args:
        method: Such as ``POST``.
        url: Absolute. Its path begins behind the prefix at which webhooks are mounted.
        headers: Names in any case.
        params: What the route's parameters captured, as it stands in the path.
        read: Returns at most so many bytes of the body, waiting for them; empty at the end.
    """

    def __init__(
        self,
        method: str,
        url: str,
        *,
        headers: Headers | None = None,
        params: Mapping[str, str] | None = None,
        read: Callable[[int], bytes] = lambda most: b"",
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers or Headers([])
        self.params = params or {}
        self._read = read
        self._body: bytes | None = None

    @property
    def path(self) -> str:
        """The path of the URL."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The values of each name in the URL's query."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def body(self) -> bytes:
        """All of the body."""
        if self._body is None:
            self._body = b"".join(self.chunks())
        return self._body

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode()

    def json(self) -> Any:
        """Return the JSON document in the body.

        Raises:
            ValueError: If it is none.
        """
        return json_module.loads(self.body)

    def chunks(self) -> Iterator[bytes]:
        """Return the body piece by piece, as it comes in; what was read so is not in ``body``."""
        while piece := self._read(CHUNK):
            yield piece


@dataclass
class Response:
    """A response.

    Args:
        body: Text, bytes, or pieces of either, which are sent as they are made.
        status: From 100 to 999.
        headers: By name; a list for several of one name.
    """

    body: str | bytes | Iterable[str | bytes] = b""
    status: int = 200
    headers: Mapping[str, str | list[str]] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, *, status: int = 200, headers: Mapping[str, str | list[str]] | None = None) -> Response:
        """Return a response whose body is a JSON document."""
        text = json_module.dumps(value, ensure_ascii=False)
        return cls(text, status=status, headers={"content-type": "application/json", **(headers or {})})

    def header_list(self) -> list[tuple[str, str]]:
        """Return name and value of each header; text says that it is some, unless something else is said."""
        items = [
            (name, value)
            for name, values in self.headers.items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        if isinstance(self.body, str) and not any(name.lower() == "content-type" for name, _ in items):
            items.append(("content-type", "text/plain; charset=utf-8"))
        return items

    def pieces(self) -> Iterator[bytes]:
        """Return the body in pieces."""
        parts = [self.body] if isinstance(self.body, str | bytes) else self.body
        for part in parts:
            data = part.encode() if isinstance(part, str) else bytes(part)
            for start in range(0, len(data), CHUNK):
                yield data[start : start + CHUNK]


class Ended(Protocol[R_co]):
    """An execution that has ended."""

    def result(self) -> R_co:
        """Return its result, or raise its error."""
        ...


@runtime_checkable
class Executions(Protocol):
    """A backend that can ask after executions, and send them signals."""

    def get(self, function: Function[..., Any], execution_id: str, *, waits: bool) -> Ended[Any] | None:
        """Return how an execution ended; ``None`` if it has not, and nobody waits for that."""
        ...

    def send_signal(
        self, execution_id: str, function: Function[..., Any] | str, payload: Any, *, signal_id: str | None
    ) -> bool:
        """Send a signal; tell whether it counts."""
        ...


def get(function: Function[P, R], execution_id: str) -> R:
    """Wait for an execution of a function, and return its result or raise its error.

    Raises:
        LookupError: If there is no such execution.
    """
    ended = _backend("get").get(function, execution_id, waits=True)
    assert ended is not None
    result: R = ended.result()
    return result


def try_get(function: Function[P, R], execution_id: str) -> Ended[R] | None:
    """Return how an execution of a function ended, or ``None`` while it goes on.

    Raises:
        LookupError: If there is no such execution.
    """
    return _backend("try_get").get(function, execution_id, waits=False)


def send_signal(
    execution_id: str, function: Function[..., Any] | str, payload: Any = None, *, signal_id: str | None = None
) -> bool:
    """Send a signal to a workflow: to the call of it that waits longest, or to the next one.

    Args:
        execution_id: The workflow.
        function: A ``@signal`` or ``@stub`` function, or its name.
        payload: What the call of it returns: of a decorated function its value in Python, else JSON data.
        signal_id: Your name for it, such as the provider's id of the event; one counts once for an execution, so that
            an event which is delivered again changes nothing.

    Returns:
        Whether it counts; ``False`` if this ``signal_id`` had come before.

    Raises:
        SignalRefused: If it cannot be sent; its ``code`` says why.
    """
    return _backend("send_signal").send_signal(execution_id, function, payload, signal_id=signal_id)


def _backend(verb: str) -> Executions:
    backend = backends.current()
    if not isinstance(backend, Executions):
        raise RuntimeError(f"{verb}() works in webhook endpoints; a workflow knows its children only")
    return backend
