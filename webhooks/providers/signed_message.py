"""A request whose signature is to be checked, and what all providers have in common."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_MAX_TIMESTAMP_DIGITS = 12
_MAX_ID_CHARACTERS = 255


class SignatureRefused(Exception):
    """A request that nobody who may sign it has signed; says why, without telling what would have been right."""


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A request.

    Args:
        headers: Names in lower case.
        body: As it was sent, byte by byte.
    """

    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header that must be there.

        Raises:
            SignatureRefused: If it is not.
        """
        value = self.headers.get(name)
        if not value:
            raise SignatureRefused(f"the header {name} is missing")
        return value

    def optional_id(self, name: str) -> str | None:
        """Return a header that may name the delivery."""
        return _id(self.headers.get(name))

    def id_in_body(self, key: str) -> str | None:
        """Return the delivery's id in a JSON body; ``None`` if there is none. Read it only of a verified message."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return _id(document.get(key)) if isinstance(document, dict) else None


def _id(value: object) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_ID_CHARACTERS:
        return None
    # No database takes NUL characters or halves of surrogate pairs, and JSON may hold both.
    return value if value.isprintable() else None


def check_signature(content: bytes, given: Sequence[bytes], keys: Iterable[bytes], *, digest: str = "sha256") -> None:
    """Return if one of the signatures is one of the keys'.

    Every pair is compared, each in constant time, so that the time tells nothing about which one failed where.

    Args:
        content: What was signed.
        given: The signatures, as bytes of the digest.
        keys: The keys.
        digest: The hash function.

    Raises:
        SignatureRefused: If none is.
    """
    is_right = False
    for key in keys:
        wanted = hmac.digest(key, content, digest)
        for signature in given:
            is_right |= hmac.compare_digest(wanted, signature)
    if not is_right:
        raise SignatureRefused("the signature is not that of this body and any of the secrets")


def check_time(text: str, *, tolerance: timedelta, now: datetime) -> None:
    """Return if a signature's time, in seconds since 1970, is near.

    Raises:
        SignatureRefused: If it is too old, too far ahead, or no number.
    """
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_TIMESTAMP_DIGITS:
        raise SignatureRefused("the time of the signature is no number of seconds")
    if abs(now.timestamp() - int(text)) > tolerance.total_seconds():
        raise SignatureRefused("the time of the signature is too far from now")


def from_hex(text: str) -> bytes:
    """Return a signature that is written as hex digits; what is none becomes empty, which is nobody's signature."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
