"""Slack: an HMAC of version, time and body. Events have an id; slash commands and the like have none.

Source:
    Slack's documentation, "Verifying requests from Slack".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from webhooks.providers.signed_message import SignatureRefused, SignedMessage, check_signature, check_time, from_hex

SIGNATURE_HEADERS = frozenset({"x-slack-signature"})
_PREFIX = "v0="


def verify(message: SignedMessage, keys: Sequence[bytes], *, tolerance: timedelta, now: datetime) -> str | None:
    """Check the signature; see `webhooks.providers`."""
    time, signature = message.header("x-slack-request-timestamp"), message.header("x-slack-signature")
    if not signature.startswith(_PREFIX):
        raise SignatureRefused("the header x-slack-signature does not begin with v0=")
    check_time(time, tolerance=tolerance, now=now)
    content = f"v0:{time}:".encode() + message.body
    check_signature(content, [from_hex(signature.removeprefix(_PREFIX))], keys)
    return message.id_in_body("event_id")
