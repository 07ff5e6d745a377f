"""Signals that a webhook endpoint sends, in whatever language it is written; its log tells of each.

Source:
    docs/lifecycle.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.deployment.spec import LogLevel
from engine.errors import ExecutionNotFound, IdSyntaxError, SignalRefused
from engine.host.webhook_context import WebhookContext
from engine.log.ids import parse_execution_id


@dataclass(frozen=True, slots=True)
class NotSent:
    """A signal that was not sent.

    Args:
        code: Why, as guests are told.
        message: One sentence for people.
    """

    code: str
    message: str


def send_signal(
    context: WebhookContext, execution_id: str, name: str, payload: object, *, signal_id: str | None
) -> bool | NotSent:
    """Send a signal; its arguments are those of `engine.host.webhook_context.WebhookCalls.signal`.

    Returns:
        Whether it counts: ``False`` if this ``signal_id`` had come before. Or why it was not sent.
    """
    try:
        target = parse_execution_id(execution_id)
        is_new = context.calls.signal(target, name, payload, signal_id=signal_id)
    except IdSyntaxError as error:
        return NotSent("execution_id_parsing_error", str(error))
    except ExecutionNotFound as error:
        return _not_sent(context, "not_found", error)
    except SignalRefused as error:
        return _not_sent(context, error.refusal.value, error)
    context.log(LogLevel.INFO, f"signal {name} {'sent' if is_new else 'was sent before'} to {target}")
    return is_new


def _not_sent(context: WebhookContext, code: str, error: Exception) -> NotSent:
    context.log(LogLevel.WARN, f"signal not sent: {error}")
    return NotSent(code, str(error))
