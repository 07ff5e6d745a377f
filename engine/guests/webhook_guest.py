"""A request to a webhook endpoint that an interpreter answers: its body comes and its response goes piece by piece."""

from __future__ import annotations

from engine.activity.http.outgoing_body import OutgoingBody
from engine.errors import Trap, TrapKind
from engine.guests.contexts import ActivityGuest
from engine.host.wasi.http_bodies import BodyInput, BodyOutput
from engine.host.wasi.http_fields import Fields, HeaderError, fields_from
from engine.host.wasi.http_resources import OutgoingResponse
from engine.host.wasi.incoming_handler import Answer, ReceivedRequest
from engine.host.wasi.poll import Pollable, wait_for
from engine.host.wasi.streams import MAX_READ, StreamClosed
from engine.host.webhook_context import WebhookContext
from engine.wit.options import JsonValue


class ResponseRefused(Exception):
    """A response that cannot be sent; says why in one sentence."""


class WebhookGuest(ActivityGuest):
    """A request in an interpreter. Like an activity its clock and its random bytes are real.

    Args:
        context: The request, as host functions see it.
    """

    context: WebhookContext

    def __init__(self, context: WebhookContext) -> None:
        super().__init__(context)
        self._request: ReceivedRequest | None = None
        self._answer: Answer | None = None
        self._body: OutgoingBody | None = None

    def begin(self, request: ReceivedRequest, answer: Answer) -> JsonValue:
        """Take a request; return what the runtime is told of it."""
        self._request, self._answer = request, answer
        return {
            "method": request.method,
            "url": f"http://{request.authority or 'localhost'}{request.target}",
            "headers": [[name, value.decode("latin-1")] for name, value in request.headers],
            "params": dict(self.context.params),
        }

    @property
    def has_responded(self) -> bool:
        """Whether the head of the response is on its way."""
        return self._body is not None

    def read(self, most: int) -> bytes:
        """Return the next bytes of the body, waiting for them; empty at its end.

        Raises:
            StreamFailed: If the rest never comes.
            Trap: Of kind ``interrupted``.
        """
        assert self._request is not None
        stream = BodyInput(self._request.body)
        wait_for(self.context, [Pollable(stream.is_ready)])
        try:
            return stream.read(min(most, MAX_READ))
        except StreamClosed:
            return b""

    def respond(self, status: int, headers: list[tuple[str, bytes]]) -> None:
        """Send the head of the response.

        Raises:
            ResponseRefused: If it is none, or one was sent already.
        """
        if self.has_responded:
            raise ResponseRefused("a request has one response")
        if not 100 <= status <= 999:
            raise ResponseRefused(f"{status} is no HTTP status")
        assert self._answer is not None
        self._body = OutgoingBody()
        self._answer(OutgoingResponse(_fields(headers), status, self._body), None)

    def write(self, data: bytes) -> None:
        """Send a piece of the body, waiting until there is room.

        Raises:
            ResponseRefused: If no response was begun.
            StreamClosed: If the client takes no more.
            Trap: Of kind ``interrupted``.
        """
        if self._body is None:
            raise ResponseRefused("the head of a response comes before its body")
        stream = BodyOutput(self._body)
        view = memoryview(data)
        while view:
            wait_for(self.context, [Pollable(stream.is_ready)])
            piece = view[: stream.room()]
            stream.write(bytes(piece))
            view = view[len(piece) :]

    def finish(self) -> None:
        """Say that the response is whole.

        Raises:
            Trap: If there is none.
        """
        if self._body is None:
            raise Trap(TrapKind.OTHER, "the handler gave no response")
        self._body.finish()


def _fields(headers: list[tuple[str, bytes]]) -> Fields:
    try:
        return fields_from(headers).freeze()
    except HeaderError as error:
        raise ResponseRefused(f"the headers of the response are refused: {error.case}") from error
