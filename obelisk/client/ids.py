"""Ids: how they begin, and fresh ones.

Source:
    Obelisk reference, section 4; the ULID specification (github.com/ulid/spec).
"""

from __future__ import annotations

import os
import time

DELAY_PREFIX = "Delay_"
DEPLOYMENT_PREFIX = "Dep_"
EXECUTION_PREFIX = "E_"

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = 26
_RANDOM_BYTES = 10


def make_execution_id() -> str:
    """Return an id under which an execution can be submitted, once or again and again."""
    return EXECUTION_PREFIX + _make_ulid()


def make_deployment_id() -> str:
    """Return an id under which a deployment can be submitted, once or again and again."""
    return DEPLOYMENT_PREFIX + _make_ulid()


def _make_ulid() -> str:
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << (8 * _RANDOM_BYTES) | int.from_bytes(os.urandom(_RANDOM_BYTES))
    return "".join(_CROCKFORD[number >> (5 * place) & 31] for place in reversed(range(_LETTERS)))
