"""Answering an HTTP request by a component: its export ``wasi:http/incoming-handler``.

The guest runs on one thread, which calls `HttpServing.run`; its client is served on another, which brings the request's
body and takes the response, each as fast as the other side goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.activity.http.messages import Header
from engine.activity.http.outbound import CONNECTION_HEADERS
from engine.errors import LinkError, NoResponse
from engine.host.wasi.http_fields import Fields
from engine.host.wasi.http_resources import IncomingRequest, OutgoingResponse, ResponseOutparam
from engine.host.wasi.request_body import RequestBody
from engine.host.wasi.response_stream import ResponseStream, ServedHead
from engine.host.wasi.state import WasiState
from engine.wit.json_values import dump_json
from engine.wit.names import InterfaceName
from engine.wit.options import JsonValue

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
_SCHEMES = {"http": "HTTP", "https": "HTTPS"}
_MAX_INFORMATIONAL = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRequest:
    """A request to be answered.

    Args:
        method: Such as ``GET``.
        scheme: ``http`` or ``https``.
        authority: Host and port, as the client wrote them.
        path: Path and query, beginning with ``/``.
        headers: In order; those that concern the connection are kept from the guest.
    """

    method: str
    scheme: str
    authority: str
    path: str
    headers: tuple[Header, ...] = ()


class Answering(Protocol):
    """An instance of a component; `engine.executor.programs.RunningInstance`."""

    def call(self, export: str, function: str, args: Sequence[object]) -> JsonValue:
        """Call an exported function."""
        ...

    def interrupt(self) -> None:
        """End the run soon; from any thread."""
        ...


class HttpServing:
    """One request, answered once.

    Args:
        wasi: The run's part of the WASI host, which is the instance's context's; its loop knows the deadline.
        instance: The component.
        request: What to answer.
    """

    def __init__(self, wasi: WasiState, instance: Answering, request: ServedRequest) -> None:
        self.body = RequestBody(wasi.loop)
        """What the client's thread brings."""
        self.response = ResponseStream(wasi.loop)
        """What the client's thread takes."""
        self._wasi = wasi
        self._instance = instance
        self._request = request
        self._informational: list[ServedHead] = []

    def run(self, export: str) -> None:
        """Let the component answer, on this thread; returns when it has returned.

        Its response may be complete before that, and need not have been taken then.

        Args:
            export: The name of its handler, as `handler_export` gives it.

        Raises:
            Trap: If it dies, or its time is over; the client's thread hears of it as well.
        """
        request = self._request
        table = self._wasi.table
        headers = [(name, value) for name, value in request.headers if name.lower() not in CONNECTION_HEADERS]
        incoming = IncomingRequest(
            method=request.method.lower() if request.method in _METHODS else {"other": request.method},
            scheme=_SCHEMES[request.scheme],
            authority=request.authority,
            path=request.path,
            headers=Fields(headers, is_frozen=True),
            source=self.body,
        )
        try:
            self._instance.call(
                export,
                "handle",
                [table.add(incoming), table.add(ResponseOutparam(answer=self._answer, inform=self._inform))],
            )
            self.response.end()
        finally:
            # Nothing, if the guest has returned.
            self.response.fail(NoResponse("the component died, or its time was over, before its response was finished"))
            self.body.release()

    def cancel(self) -> None:
        """End the run soon, as nobody wants the response any more; from any thread."""
        self._wasi.loop.interrupt()
        self._instance.interrupt()

    def _answer(self, response: OutgoingResponse | None, error: JsonValue) -> None:
        if response is None:
            self.response.fail(NoResponse(f"the component answered with the error {dump_json(error)}"))
            return
        head = ServedHead(
            status=response.status,
            headers=tuple(response.headers.entries),
            informational=tuple(self._informational),
        )
        self.response.begin(head, response.body)

    def _inform(self, status: int, headers: Fields) -> None:
        if len(self._informational) < _MAX_INFORMATIONAL:
            self._informational.append(ServedHead(status=status, headers=tuple(headers.entries)))


def handler_export(exports: Iterable[str]) -> str:
    """Return the name under which a component exports its handler, of whatever 0.2 version.

    Raises:
        LinkError: If it exports none.
    """
    for export in exports:
        if (
            export.startswith("wasi:http/incoming-handler@")
            and (InterfaceName.parse(export).version or "")[:4] == "0.2."
        ):
            return export
    raise LinkError("the component exports no wasi:http/incoming-handler of version 0.2, so it answers no requests")
