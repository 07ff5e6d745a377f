"""Anybody who sends an HMAC of the body in a header; the deployment says in which, and how it is written."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from engine.deployment.webhooks import HmacEncoding, HmacScheme
from webhooks.providers.signed_message import SignatureRefused, SignedMessage, check_signature, from_hex


def verify(message: SignedMessage, keys: Sequence[bytes], *, scheme: HmacScheme) -> str | None:
    """Check the signature; see `webhooks.providers`."""
    signature = message.header(scheme.header)
    if not signature.startswith(scheme.prefix):
        raise SignatureRefused(f"the header {scheme.header} does not begin with {scheme.prefix}")
    given = _decode(signature.removeprefix(scheme.prefix), scheme.encoding)
    check_signature(message.body, [given], keys, digest=scheme.algorithm.value)
    return None if scheme.delivery_header is None else message.optional_id(scheme.delivery_header)


def _decode(text: str, encoding: HmacEncoding) -> bytes:
    if encoding is HmacEncoding.HEX:
        return from_hex(text)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
