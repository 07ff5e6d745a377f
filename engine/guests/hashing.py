"""Digests and HMAC for runtimes whose language has them in its library but not in its interpreter."""

from __future__ import annotations

import base64
import hashlib
import hmac

from engine.errors import ConstraintViolation
from engine.guests.answers import write
from engine.guests.bodies import Body

_HASHES = {"SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def digest(body: Body) -> str:
    """Return the digest of the data."""
    return _answer(hashlib.new(_hash(body), body.octets("data"), usedforsecurity=False).digest())


def authenticate(body: Body) -> str:
    """Return the HMAC of the data."""
    return _answer(hmac.digest(body.octets("key"), body.octets("data"), _hash(body)))


def _hash(body: Body) -> str:
    name = body.text("hash")
    if name not in _HASHES:
        raise ConstraintViolation(f"there is no hash {name!r}")
    return _HASHES[name]


def _answer(value: bytes) -> str:
    return write({"value": base64.b64encode(value).decode()})
