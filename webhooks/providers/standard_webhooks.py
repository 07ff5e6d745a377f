"""The Standard Webhooks scheme: an HMAC of id, time and body, several of them in a rotation.

Source:
    The Standard Webhooks specification, "Verifying signatures". Keys are base64 behind ``whsec_``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime, timedelta

from webhooks.providers.signed_message import SignatureRefused, SignedMessage, check_signature, check_time

SIGNATURE_HEADERS = frozenset({"webhook-signature"})
_KEY_PREFIX = b"whsec_"
_VERSION = "v1,"
_MAX_SIGNATURES = 16


def verify(message: SignedMessage, keys: Sequence[bytes], *, tolerance: timedelta, now: datetime) -> str | None:
    """Check the signature; see `webhooks.providers`."""
    message_id, time = message.header("webhook-id"), message.header("webhook-timestamp")
    given = message.header("webhook-signature").split()[:_MAX_SIGNATURES]
    signatures = [_decode(text.removeprefix(_VERSION)) for text in given if text.startswith(_VERSION)]
    if not signatures:
        raise SignatureRefused("the header webhook-signature holds no signature of version v1")
    check_time(time, tolerance=tolerance, now=now)
    content = f"{message_id}.{time}.".encode("latin-1") + message.body
    check_signature(content, signatures, [_key(key) for key in keys])
    return message.optional_id("webhook-id")


def _key(secret: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        # Anybody could sign with a key of no bytes.
        raise SignatureRefused("a secret of the endpoint is not base64 behind whsec_")
    return key


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
