"""``obelisk:signal/signal-support``: sending signals from a compiled webhook endpoint."""

from __future__ import annotations

from engine.errors import ValueMismatch
from engine.host.responses import read_id
from engine.host.signals import NotSent, send_signal
from engine.host.webhook_context import WebhookContext
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wit.json_values import load_json
from engine.wit.obelisk_types import SIGNAL_SUPPORT
from engine.wit.options import JsonValue


def send_json(
    context: WebhookContext, execution_id: JsonValue, signal: str, payload: str, signal_id: str | None
) -> JsonValue:
    """Send a signal whose payload is JSON text."""
    try:
        value = load_json(payload)
    except ValueMismatch as error:
        return {"err": {"type_check_error": f"the payload is no JSON: {error}"}}
    sent = send_signal(context, read_id(execution_id), signal, value, signal_id=signal_id)
    return {"err": {sent.code: sent.message}} if isinstance(sent, NotSent) else {"ok": sent}


SIGNAL_SUPPORT_HOST = HostInterface(
    functions={"send-json": HostFunction(type=SIGNAL_SUPPORT["send-json"], call=send_json)}
)
"""The interface, for webhook endpoints."""
