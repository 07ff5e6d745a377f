"""Who signs webhooks, and how: one module a provider.

Each has ``verify(message, keys, ...)``, which compares in constant time, returns the id by which the provider tells its
deliveries apart, and raises `SignatureRefused`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from engine.deployment.webhooks import Provider, Verification
from webhooks.providers import generic_hmac, github, slack, standard_webhooks, stripe
from webhooks.providers.signed_message import SignatureRefused, SignedMessage

__all__ = ["SignatureRefused", "SignedMessage", "signature_headers", "verify_signature"]


def verify_signature(
    verification: Verification, message: SignedMessage, keys: Sequence[bytes], *, now: datetime
) -> str | None:
    """Return if one of the keys signed a message.

    Args:
        verification: By whose rules.
        message: The request.
        keys: The secrets that may have signed it.
        now: The present instant.

    Returns:
        The id of the delivery; ``None`` if the provider gives none.

    Raises:
        SignatureRefused: If none of them did, or it was too long ago.
    """
    match verification.provider:
        case Provider.GITHUB:
            return github.verify(message, keys)
        case Provider.STRIPE:
            return stripe.verify(message, keys, tolerance=verification.tolerance, now=now)
        case Provider.SLACK:
            return slack.verify(message, keys, tolerance=verification.tolerance, now=now)
        case Provider.STANDARD_WEBHOOKS:
            return standard_webhooks.verify(message, keys, tolerance=verification.tolerance, now=now)
        case Provider.HMAC:
            assert verification.hmac is not None
            return generic_hmac.verify(message, keys, scheme=verification.hmac)
        case _:
            assert_never(verification.provider)


def signature_headers(verification: Verification) -> frozenset[str]:
    """Return the headers that carry signatures, in lower case."""
    match verification.provider:
        case Provider.GITHUB:
            return github.SIGNATURE_HEADERS
        case Provider.STRIPE:
            return stripe.SIGNATURE_HEADERS
        case Provider.SLACK:
            return slack.SIGNATURE_HEADERS
        case Provider.STANDARD_WEBHOOKS:
            return standard_webhooks.SIGNATURE_HEADERS
        case Provider.HMAC:
            assert verification.hmac is not None
            return frozenset({verification.hmac.header})
        case _:
            assert_never(verification.provider)
