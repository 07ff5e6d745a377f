"""GitHub: an HMAC of the body, and a delivery id that a redelivery keeps.

Source:
    GitHub's documentation, "Validating webhook deliveries".
"""

from __future__ import annotations

from collections.abc import Sequence

from webhooks.providers.signed_message import SignatureRefused, SignedMessage, check_signature, from_hex

SIGNATURE_HEADERS = frozenset({"x-hub-signature", "x-hub-signature-256"})
_PREFIX = "sha256="


def verify(message: SignedMessage, keys: Sequence[bytes]) -> str | None:
    """Check the signature; see `webhooks.providers`."""
    signature = message.header("x-hub-signature-256")
    if not signature.startswith(_PREFIX):
        raise SignatureRefused("the header x-hub-signature-256 does not begin with sha256=")
    check_signature(message.body, [from_hex(signature.removeprefix(_PREFIX))], keys)
    return message.optional_id("x-github-delivery")
