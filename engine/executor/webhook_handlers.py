"""Handing a request to whatever carries out an endpoint: a compiled component, or an interpreter."""

from __future__ import annotations

from engine.errors import LinkError
from engine.executor.programs import Program, RunningInstance
from engine.executor.webhook_context import WebhookContext
from engine.guests.program import GuestInstance
from engine.host.wasi.incoming_handler import Answer, ReceivedRequest, give_request, handler_export
from engine.wasm.linking import LinkedComponent


def handle(
    program: Program, instance: RunningInstance, context: WebhookContext, request: ReceivedRequest, answer: Answer
) -> None:
    """Have a request answered; returns when the handler does.

    Args:
        program: The endpoint.
        instance: The program's, for this request.
        context: The request as host functions see it.
        request: What came in.
        answer: Takes the response, while the handler goes on.

    Raises:
        LinkError: If the component is no endpoint.
        Trap: If the guest dies.
    """
    if isinstance(instance, GuestInstance):
        instance.handle(request, answer)
        return
    if not isinstance(program, LinkedComponent):
        raise LinkError("only components in the sandbox answer requests")
    incoming, outparam = give_request(context.wasi, request, answer)
    instance.call(handler_export(program.component.shape.exports), "handle", [incoming, outparam])
