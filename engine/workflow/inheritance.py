"""What an execution hands on to those that it creates.

An interpreter's random numbers come from a secret seed, since ids are public and tokens made from one could be guessed.
A child's seed follows from its parent's and the child's id, so that a replay finds the same without an event.
"""

from __future__ import annotations

import hashlib

from engine.log.events import Metadata
from engine.log.ids import ExecutionId

SEED_KEY = "obelisk-seed"
"""Name under which the seed, 32 hex digits, stands in the metadata of an execution's creation."""


def inherited_metadata(metadata: Metadata, child: ExecutionId) -> Metadata:
    """Return the metadata of a new execution.

    Args:
        metadata: Its creator's.
        child: Its id.
    """
    return tuple((key, child_seed(value, child)) for key, value in metadata if key == SEED_KEY)


def child_seed(seed: str, child: ExecutionId) -> str:
    """Return the seed of an execution from its creator's, both 32 hex digits."""
    return hashlib.sha256(f"{seed}:{child}".encode()).hexdigest()[:32]
