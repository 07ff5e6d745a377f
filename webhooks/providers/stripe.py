"""Stripe: an HMAC of time and body, one for each of its own keys in a rotation; the event's id tells deliveries apart.

Source:
    Stripe's documentation, "Verify webhook signatures manually".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from webhooks.providers.signed_message import SignatureRefused, SignedMessage, check_signature, check_time, from_hex

SIGNATURE_HEADERS = frozenset({"stripe-signature"})
_MAX_SIGNATURES = 16


def verify(message: SignedMessage, keys: Sequence[bytes], *, tolerance: timedelta, now: datetime) -> str | None:
    """Check the signature; see `webhooks.providers`."""
    parts = [part.strip().partition("=") for part in message.header("stripe-signature").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [from_hex(value) for name, _, value in parts if name == "v1"][:_MAX_SIGNATURES]
    if len(times) != 1 or not signatures:
        raise SignatureRefused("the header stripe-signature is not t=..., v1=...")
    check_time(times[0], tolerance=tolerance, now=now)
    check_signature(times[0].encode() + b"." + message.body, signatures, keys)
    return message.id_in_body("id")
